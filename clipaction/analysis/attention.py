"""Where CLIP's relevance lies, before and after noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base.files import replacing
from ..masking.regions.truth import coverage_of
from ..noise.apply import with_anchored_noise
from ..noise.gates import gated_noise
from ..noise.parameters import add
from ..noise.protocols import HEADLINE, Setup
from ..vision.clip import clips_to_input
from ..vision.relevance import relevance, upsample

COLUMNS = ["clip", "cls", "group", "method", "share", "area"]


def noisy_images(setup: Setup, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Clips [N, T, 3, S, S] as each method shows them to CLIP: without noise, with both anchored noises, and gated."""
    seen = {"none": x}
    for name in (HEADLINE, "anchored"):
        arguments = setup.noises[name], setup.source, setup.gates.get(name)
        seen[name] = with_anchored_noise(setup.clip, setup.head, x, *arguments)
    frames = x.flatten(0, 1)
    noise = gated_noise(setup.clip, setup.head, frames, setup.noises["gated"], setup.gates.get("gated"))
    return seen | {"gated": add(frames, noise).unflatten(0, x.shape[:2])}


def relevance_shares(study, meta: pd.DataFrame, setup: Setup) -> pd.DataFrame:
    """Share of CLIP's relevance towards the true class that lies on actor and prop, in each clip's middle frame,
    without and with noise; no rows where regions are unknown. The labels choose what is explained; they change no
    prediction.

    Also keeps example maps (one clip a class, without noise and with the headline's) in relevance.npz for the figure.
    """
    if study.store.parts is None or "relevance" not in study.profile.regions.sources:
        return pd.DataFrame(columns=COLUMNS)
    clip, head, t = study.clip, study.head(), study.profile.frames // 2
    records: list[pd.DataFrame] = []
    examples: dict[str, tuple] = {}
    for i in tqdm(range(0, len(meta), 32), desc="relevance with noise", unit="batch", leave=False):
        part = meta.iloc[i : i + 32]
        frames = study.store.get(part["row"])
        region = coverage_of("actor+prop", study.store.parts[part["row"].to_numpy(), t])
        targets = head[torch.tensor(part["label"].tolist(), device=head.device)]
        maps, seen = {}, noisy_images(setup, clips_to_input(frames, clip.device))
        noisy = seen[HEADLINE][:, t].mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        for method, images in seen.items():
            heat = relevance(clip.model, images[:, t], targets, encode=clip.encode_image).cpu()
            maps[method] = upsample(heat, (clip.size, clip.size))
            share = (maps[method] * region).sum((1, 2)) / maps[method].sum((1, 2)).clamp_min(1e-8)
            facts = {"method": method, "share": share.numpy(), "area": region.mean((1, 2)).numpy()}
            records.append(part[["clip", "cls", "group"]].assign(**facts))
        for j, (name, cls) in enumerate(zip(part["clip"], part["cls"])):
            found = maps["none"][j].numpy(), maps[HEADLINE][j].numpy()
            examples.setdefault(cls, (name, frames[j, t], noisy[j], *found))
    names, shown, with_noise, before, after = zip(*examples.values())
    with replacing(study.results / "relevance.npz") as temporary:
        np.savez_compressed(
            temporary,
            clips=np.array(names),
            frames=np.stack(shown),
            noisy=np.stack(with_noise),
            before=np.stack(before),
            after=np.stack(after),
        )
    return pd.concat(records, ignore_index=True)
