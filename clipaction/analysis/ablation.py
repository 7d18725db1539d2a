"""The ablation: one thing changed at a time in the training of gated noise, judged on validation clips."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from ..base import parallel
from ..evaluate.intervals import bootstrap_groups
from ..evaluate.summaries import summarise
from ..masking.plan import SQUARE, hidden_condition
from ..noise.learning import TERMS, fit_gate, only_cross_entropy
from ..noise.protocols import gated
from ..noise.training import train
from ..noise.views import TrainingFrames, Views, embed_views
from ..vision.zero_shot import zero_shot
from .attack import attack_rates, total_rates

WEIGHT = 0.1  # of a term that the profile switches off and the ablation switches on


class Variation(NamedTuple):
    """A noise section of the profile, a gate, and the frames to learn from."""

    config: Any
    gate: torch.Tensor
    data: TrainingFrames


def variations(study, data: TrainingFrames, val: pd.DataFrame, views: Views) -> dict[str, Variation]:
    """What is changed, by name: the terms of the loss, the gate, eps and its norm, the noise's resolution, and how
    many training clips noise and gate learn from."""
    config = study.profile.noise.model_copy(update={"steps": study.profile.noise.ablation_steps})
    own = fit_gate(study, config, views)

    def changed(**update: Any) -> Variation:
        return Variation(config.model_copy(update=update), own, data)

    def weighted(**weights: float) -> Variation:
        return changed(loss=config.loss.model_copy(update=weights))

    found = {
        "all terms": changed(),
        "cross-entropy only": Variation(only_cross_entropy(config), own, data),
        "without cross-entropy": weighted(ce=0.0),
    }
    for term in TERMS:
        if term == "confidence" and data.region is None:  # without regions no actor can be taken away
            continue
        on = getattr(config.loss, term) > 0
        found[f"{'without' if on else 'with'} {term}"] = weighted(**{term: 0.0 if on else WEIGHT})
    other = "posterior" if config.gate == "features" else "features"
    other_gate = fit_gate(study, config.model_copy(update={"gate": other}), views)
    found[f"gate: {other}"] = Variation(config, other_gate, data)
    found |= {f"eps {eps}/255": changed(eps=float(eps)) for eps in (2, 4, 8, 16) if eps != config.eps}
    if config.norm == "linf":  # half of eps gives about the same root mean square: half of the noise lies at its bound
        found[f"norm l2, {config.eps / 2:g}/255"] = changed(norm="l2", eps=config.eps / 2)
    sides = [side for side in (6, 12, 24, study.clip.size) if side != config.resolution]
    found |= {f"noise of {side} x {side}": changed(resolution=side) for side in sides}
    for n in (n for n in (1, 2, 4, 8, 16) if n < data.clips_a_class()):
        few = data.fewer(n)
        gate = fit_gate(study, config, embed_views(study, few, val))
        found[f"{n} clip{'s' * (n > 1)} a class"] = Variation(config, gate, few)
    return found


def ablation(study, data: TrainingFrames, val: pd.DataFrame, views: Views) -> pd.DataFrame:
    """All rows with the same few steps and seed: setting, steps, condition, n_clips, acc, low, high, confidence, ece;
    over the unmasked and the masked clips together ce, the cross-entropy of the answers, and by how much it is above
    that of 'all terms' (change, change_low, change_high); and the attack rate (attack)."""
    found, head = variations(study, data, val, views), study.head()
    conditions = ["none", SQUARE, hidden_condition(study.profile, study.store.plates is not None)]

    def judge(setting: str) -> pd.DataFrame:
        protocol, attack = partial(zero_shot, study.clip, head), np.nan
        if setting != "no noise":
            config, gate, frames = found[setting]
            title = f"ablation: {setting}"
            seed = study.profile.seed
            delta, _ = train(study.clip, head, frames, config, "gated", seed, progress=title, gate=gate)
            protocol = partial(gated, study.clip, head, delta=delta, gate=gate)
            attack = total_rates(attack_rates(study, val, {setting: delta}))["rate"][setting]
        options = {"protocol": protocol, "method": setting, "frames": False}
        return study.evaluate(val, conditions, "ablation", **options).assign(attack=attack)

    rows = pd.concat(parallel.each(judge, ["no noise", *found], study.clip.device))
    return compared(rows.rename(columns={"method": "setting"}), study.profile.noise.ablation_steps)


def compared(rows: pd.DataFrame, steps: int) -> pd.DataFrame:
    """The predictions of every setting as the table that `ablation` describes."""
    attack = rows.groupby("setting")["attack"].first()
    rows = rows.assign(ce=-np.log(rows["p_true"].clip(lower=1e-6)))
    seen = rows[rows["condition"].isin(["none", SQUARE])]
    paired = seen.pivot_table(index=["condition", "clip", "group"], columns="setting", values="ce", sort=False)
    groups = paired.index.get_level_values("group")
    against = [
        (name, paired[name].mean(), *bootstrap_groups(paired[name] - paired["all terms"], groups)) for name in paired
    ]
    table = summarise(rows, by=["setting", "condition"]).rename(columns={"acc_low": "low", "acc_high": "high"})
    table = table.assign(steps=steps, attack=table["setting"].map(attack))
    changes = pd.DataFrame(against, columns=["setting", "ce", "change", "change_low", "change_high"])
    order = list(paired)
    return table.merge(changes, on="setting").sort_values(
        "setting", key=lambda names: names.map(order.index), kind="stable", ignore_index=True
    )
