"""What the same labels buy without noise, and the networks that the paper argues against.

    probe        a linear probe on CLIP's frozen features
    prompts      tuned prompts (CoOp)
    offset       a constant a class, added to the logits
    networks     a frame CNN and a CNN + GRU; add one with @network
    fitting      how those networks are trained, and kept by key

A rival that starts from CLIP's embeddings is added by one function that takes a `RivalSetup`, registered with @rival.
"""

from . import offset, probe, prompted, networks  # noqa: F401, I001  (importing a rival registers it, in this order)
from .setup import RivalSetup, build_rivals, rival

__all__ = ["RivalSetup", "build_rivals", "rival"]
