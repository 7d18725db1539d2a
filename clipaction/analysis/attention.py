"""Where CLIP's relevance lies, before and after noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from ..base.files import replacing
from ..masking.regions.truth import coverage_of
from ..noise.gates import gated_noise
from ..noise.parameters import add
from ..vision.clip import to_input
from ..vision.relevance import relevance, upsample

COLUMNS = ["clip", "cls", "group", "method", "share", "area"]


def relevance_shares(study, meta: pd.DataFrame, delta: torch.Tensor, gate: torch.Tensor) -> pd.DataFrame:
    """Share of CLIP's relevance towards the true class that lies on actor and prop, without and with gated noise; no
    rows where regions are unknown. The labels choose what is explained; they change no prediction.

    Also keeps example maps (one clip a class, middle frame) in relevance.npz for the figure.
    """
    if study.store.parts is None or "relevance" not in study.profile.regions.sources:
        return pd.DataFrame(columns=COLUMNS)
    clip, head, t = study.clip, study.head(), study.profile.frames // 2
    records: list[pd.DataFrame] = []
    examples: dict[str, tuple] = {}
    for i in range(0, len(meta), 32):
        part = meta.iloc[i : i + 32]
        frames = study.store.get(part["row"])[:, t]
        region = coverage_of("actor+prop", study.store.parts[part["row"].to_numpy(), t])
        x, targets = to_input(frames), head[torch.tensor(part["label"].tolist(), device=head.device)]
        noisy = add(x, gated_noise(clip, head, x, delta, gate)).cpu()
        maps = {}
        for method, images in (("none", x), ("gated", noisy)):
            heat = relevance(clip.model, images, targets, encode=clip.encode_image).cpu()
            maps[method] = upsample(heat, (clip.size, clip.size))
            share = (maps[method] * region).sum((1, 2)) / maps[method].sum((1, 2)).clamp_min(1e-8)
            facts = {"method": method, "share": share.numpy(), "area": region.mean((1, 2)).numpy()}
            records.append(part[["clip", "cls", "group"]].assign(**facts))
        for j, (name, cls) in enumerate(zip(part["clip"], part["cls"])):
            examples.setdefault(cls, (name, frames[j], maps["none"][j].numpy(), maps["gated"][j].numpy()))
    names, shown, before, after = zip(*examples.values())
    with replacing(study.results / "relevance.npz") as temporary:
        np.savez_compressed(
            temporary, clips=np.array(names), frames=np.stack(shown), before=np.stack(before), after=np.stack(after)
        )
    return pd.concat(records, ignore_index=True)
