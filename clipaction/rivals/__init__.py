"""What the same labels buy without noise, and the networks that the paper argues against.

    probe        linear probes on CLIP's frozen features
    seen         other ways to show CLIP the clip, without training
    mixed        two methods' answers together
    prompts      tuned prompts (CoOp)
    offset       a constant a class, added to the logits
    networks     a frame CNN and a CNN + GRU; add one with @network
    video        a video backbone of torchvision
    fitting      how those networks are trained, and kept by key

A rival that starts from CLIP's embeddings is added by one function that takes a `RivalSetup`, registered with @rival.
"""

# Importing a rival registers it, in this order.
from . import offset, probe, prompted, seen, mixed, networks, video  # noqa: F401, I001
from .setup import RivalSetup, build_rivals, rival

__all__ = ["RivalSetup", "build_rivals", "rival"]
