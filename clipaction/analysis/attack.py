"""The attack rate: how often a class's noise turns other classes' clips into its own. Near 1 it is an adversarial
patch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base import parallel
from ..base.cache import Step, cached_table
from ..base.code import fingerprint
from ..masking.regions import SOURCES
from ..noise.apply import action_boxes
from ..noise.parameters import add
from ..vision.clip import CLIP, clips_to_input
from ..vision.load import ARCHITECTURE
from ..vision.zero_shot import clip_scores, encode_clips, zero_shot

CLIPS = 32  # at a time


@torch.inference_mode()
def attacked(
    clip: CLIP, head: torch.Tensor, x: torch.Tensor, labels: torch.Tensor, delta: torch.Tensor, m: torch.Tensor | None
) -> np.ndarray:
    """[2, C]: of how many clips [N, T, 3, S, S] of other classes the noise of class c makes class c, and how many there
    were.

    m: None for delta [C, 3, S, S] on the whole frame; the boxes [N, T, S, S] for anchored noise [C + 1, 3, S, S],
    whose last row stays outside."""
    classes = len(head)
    turned, tried = np.zeros(classes), np.zeros(classes)
    for c in range(classes):
        others = (labels != c).nonzero()[:, 0]
        tried[c] = len(others)
        if len(others):
            noise = delta[c] if m is None else torch.lerp(delta[-1], delta[c], m[others][:, :, None].to(delta.device))
            scores = clip_scores(encode_clips(clip, add(x[others], noise)), head)[0]
            turned[c] = (scores.argmax(1).cpu() == c).sum()
    return np.stack([turned, tried])


def attack_rates(study, meta: pd.DataFrame, learned: Mapping[str, torch.Tensor]) -> pd.DataFrame:
    """Per noise (column variant; 'none' is without noise) and class: successes (clips of other classes that became this
    one), of (clips tried) and rate. Every second clip of `meta`, two frames of each.

    learned: noises with one a class [C, 3, S, S], or anchored ones [C + 1, 3, S, S]; others are left out."""
    head, meta, source = study.head(), meta.iloc[::2], study.profile.noise.anchor
    classes = len(head)
    class_noises = {name: delta for name, delta in learned.items() if len(delta) in (classes, classes + 1)}
    counts = {name: np.zeros((2, classes)) for name in ("none", *class_noises)}
    every, starts = max(1, study.profile.frames // 2), range(0, len(meta), CLIPS)

    @torch.inference_mode()  # of each thread
    def count(start: int) -> dict[str, np.ndarray]:
        part = meta.iloc[start : start + CLIPS]
        whole, y = clips_to_input(study.store.get(part["row"]), study.clip.device), torch.tensor(part["label"].tolist())
        x, m = whole[:, ::every], action_boxes(whole, source)[:, ::every]
        answer = zero_shot(study.clip, head, x)[0].argmax(1).cpu()
        own = [[int(((answer == c) & (y != c)).sum()), int((y != c).sum())] for c in range(classes)]
        found = {"none": np.array(own).T}
        for name, delta in class_noises.items():
            found[name] = attacked(study.clip, head, x, y, delta, m if len(delta) > classes else None)
        bar.update(len(part))
        return found

    with tqdm(total=len(meta), desc="attack rate", unit="clip", leave=False) as bar:
        for found in parallel.each(count, starts, study.clip.device, overlapped=True):
            for name, of in found.items():
                counts[name] += of
    tables = [
        pd.DataFrame({"successes": turned, "of": of}).assign(variant=name) for name, (turned, of) in counts.items()
    ]
    found = pd.concat(tables).assign(cls=list(study.classes[:classes]) * len(tables))
    return found.assign(rate=found["successes"] / found["of"].clip(1)).reset_index(drop=True)


def kept_attack_rates(study, meta: pd.DataFrame, learned: Mapping[str, torch.Tensor]) -> pd.DataFrame:
    """`attack_rates`, from results/<profile>/noise/attack.parquet if its key is the same."""
    clips, noises = meta[["row", "label"]].to_numpy().tolist(), fingerprint(learned)
    about = (study.store.key, clips, study.profile.frames, study.classes[: study.n_source], fingerprint(study.head()))
    key = ATTACK.key(*study.clip.identity, *about, noises, also=[SOURCES[study.profile.noise.anchor].function])
    compute = partial(attack_rates, study, meta, learned)
    return cached_table(study.results / "noise" / "attack.parquet", key, compute)


ATTACK = Step("attack rates", attack_rates, *ARCHITECTURE)


def total_rates(attack: pd.DataFrame) -> pd.DataFrame:
    """Over all classes, by variant: successes, of, rate."""
    total = attack.groupby("variant")[["successes", "of"]].sum()
    return total.assign(rate=total["successes"] / total["of"])
