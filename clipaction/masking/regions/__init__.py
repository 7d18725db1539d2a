"""Where things are: region sources, each in a file of its own, that return soft masks float32 [T, H, W] in [0, 1].

source       the contract of a source and the registry; add one with @source
geometry     bounding boxes and growing of masks
plausible    which regions cannot be right
truth        the demo's exact masks
motion       what moves (camera: its shift taken out first)
kept         what motion found, kept beside the frames
homography   what moves before a camera that pans, zooms or walks (planes: its homographies, by OpenCV)
relevance    the pixels that speak for the class that CLIP gives the clip
detector     Mask R-CNN
boxes        annotated actors of UCF101-24
"""

# Importing a source registers it; they are offered in this order.
from . import truth, motion, homography, relevance, detector, boxes  # noqa: F401, I001
from .geometry import box, grow
from .source import (
    PARTS,
    SOURCES,
    Evidence,
    Finder,
    Source,
    as_tensor,
    check,
    gives,
    region,
    regions_of_images,
    source,
)

__all__ = [
    "PARTS",
    "SOURCES",
    "Evidence",
    "Finder",
    "Source",
    "as_tensor",
    "box",
    "check",
    "gives",
    "grow",
    "region",
    "regions_of_images",
    "source",
]
