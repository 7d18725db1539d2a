"""Videos that are damaged, odd or large, and clips in which a region source cannot be right."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from damaged import damaged_videos, real_videos, taken
from PIL import Image
from scipy import ndimage
from test_video import moving, write

from clipaction.data.dataset import load_dataset
from clipaction.data.store import prepare
from clipaction.masking.regions import Evidence, region
from clipaction.masking.regions.plausible import extent
from clipaction.profiles import load_profile

from . import Try, fault

SOURCES = ("a.avi", "a.mp4", "a.mkv")


def written(folder: Path) -> list[Path]:
    return [write(folder / name, moving(50)) for name in SOURCES]


@fault("videos damaged by seed: bits flipped, cut, zeros (200 in the long form)")
def damaged(folder: Path, long: bool) -> Iterator[Try]:
    """Of the real videos where CLIPACTION_TEST_VIDEOS names some, else of three that are written here."""
    for path in damaged_videos(folder, 200 if long else 12, 0, real_videos() or written(folder)):
        yield path.name, taken(path)[1]


@fault("odd files in a folder of videos: names of any bytes, a pipe, a picture, one frame (row 11)")
def odd_files(folder: Path, long: bool) -> Iterator[Try]:
    """All are decoded in one go, as for `--data`: what can be used is, what cannot is listed."""
    sound, root = write(folder / "sound.avi", moving(50)), folder / "videos"
    for cls in ("wave", "run"):
        (root / cls).mkdir(parents=True)
        for number in range(30):
            shutil.copy(sound, root / cls / f"{number:02d}.avi")
    for name in (b"caf\xe9.avi", b"a\nb.avi"):
        shutil.copy(sound, os.fsdecode(os.fsencode(root / "wave") + b"/" + name))
    os.mkfifo(root / "wave" / "pipe.avi")
    Image.fromarray(moving(9)[8]).save(root / "wave" / "picture.png")
    (root / "wave" / "picture.png").rename(root / "wave" / "picture.avi")
    write(root / "wave" / "single.avi", moving(1))
    dataset = load_dataset(load_profile("folder", {"dataset.root": str(root)}))
    table = prepare(dataset, 32, 4, folder / "frames").table.set_index("id")
    table.to_csv(folder / "table.csv")  # the names, too
    for word, usable, note in (
        ("caf", True, ""),
        ("a\\nb", True, ""),
        ("pipe", False, "a named pipe"),
        ("picture", True, "a still picture"),
        ("single", True, "a still picture"),
    ):
        found = [(row.ok, row.reason) for row in table.itertuples() if word in row.Index]
        right = len(found) == 1 and found[0][0] == usable and note in found[0][1]
        yield word, "" if right else f"taken as {found}"


@fault("frames of 7680 pixels: at most 500 MB and 10 s a clip (row 11)")
def large_frames(folder: Path, long: bool) -> Iterator[Try]:
    for width, height, frames in ((7680, 2, 40), (7680, 4320, 10))[: 2 if long else 1]:
        picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        path = write(folder / "large.avi", [np.roll(picture, 8 * number, 1) for number in range(frames)])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        _, wrong = taken(path, 8)
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        yield f"{width} x {height}", wrong or ("" if more < 500 else f"{more:.0f} MB more")


@fault("regions that cannot be right are doubted: a still actor, water, things at the border (row 12)")
def doubtful_regions(folder: Path, long: bool) -> Iterator[Try]:
    rng = np.random.default_rng(0)
    ground = ndimage.gaussian_filter(rng.normal(128, 400, (96, 96, 1)), (3, 3, 0)).clip(0, 255).repeat(3, -1)
    still = ground.astype(np.uint8)[None].repeat(4, 0)
    water = ndimage.gaussian_filter(rng.normal(128, 1500, (4, 96, 96, 1)), (0, 4, 4, 0)).clip(0, 255)
    border = still.copy()
    border[1, :, :14] = border[2, :, -14:] = 250
    for what, frames, why in (
        ("nothing moves", still, "under"),
        ("all of it moves", water.astype(np.uint8).repeat(3, -1), "over"),
        ("things come in at the border", border, "border"),
    ):
        doubt = extent(region("actor+prop", "motion", Evidence(frames))).doubt
        yield what, "" if why in doubt else f"doubt: {doubt or 'none'}"
