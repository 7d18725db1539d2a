"""The ablation: one thing changed at a time in the training of the headline's noise, judged on validation clips."""

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
from ..noise.apply import anchored, isolate
from ..noise.frames import TrainingFrames
from ..noise.learning import PLAIN, RECIPES, TERMS, Material, fit_gate, recipe_config
from ..noise.protocols import HEADLINE
from ..noise.training import train
from ..noise.views import embed_views
from ..vision.zero_shot import zero_shot
from .attack import attack_rates, total_rates

WEIGHT = 0.1  # of a term that the profile switches off and the ablation switches on
SIZES = (8, 16, 32, 48, 96)  # eps that is tried, in 1/255


class Variation(NamedTuple):
    """A noise section of the profile, a gate (None: one d_in for all classes), and the frames to learn from."""

    config: Any
    gate: torch.Tensor | None
    data: TrainingFrames


def variations(study, given: Material, val: pd.DataFrame) -> dict[str, Variation]:
    """What is changed, by name: the terms of the loss, the swapped scenes, the gate, eps and its norm, the noise's
    resolution, and how many training clips noise and gate learn from."""
    data, recipe, steps = given.frames, RECIPES[HEADLINE], study.profile.noise.ablation_steps
    config = recipe_config(study.profile.noise, HEADLINE).model_copy(update={"steps": steps})
    own = fit_gate(study, config, given.views, recipe)

    def changed(**update: Any) -> Variation:
        return Variation(config.model_copy(update=update), own, data)

    def weighted(**weights: float) -> Variation:
        return changed(loss=config.loss.model_copy(update=weights))

    found = {
        "all terms": changed(),
        "cross-entropy only": weighted(**PLAIN),
        "without cross-entropy": weighted(ce=0.0),
    }
    for term in TERMS:
        if term == "confidence" and data.region is None:  # without regions no actor can be taken away
            continue
        on = getattr(config.loss, term) > 0
        found[f"{'without' if on else 'with'} {term}"] = weighted(**{term: 0.0 if on else WEIGHT})
    if data.region is not None:
        found["scenes not swapped"] = changed(swap=0.0)
    other = "posterior" if config.gate == "features" else "features"
    other_gate = fit_gate(study, config.model_copy(update={"gate": other}), given.views, recipe)
    found[f"gate: {other}"] = Variation(config, other_gate, data)
    found["one d_in for all classes"] = Variation(config, None, data)
    found |= {f"eps {eps}/255": changed(eps=float(eps)) for eps in SIZES if eps != config.eps}
    if config.norm == "linf":  # half of eps gives about the same root mean square: half of the noise lies at its bound
        found[f"norm l2, {config.eps / 2:g}/255"] = changed(norm="l2", eps=config.eps / 2)
    sides = [side for side in (6, 12, 24, study.clip.size) if side != config.resolution]
    found |= {f"noise of {side} x {side}": changed(resolution=side) for side in sides}
    for n in (n for n in (1, 2, 4, 8, 16) if n < data.clips_a_class()):
        few = data.fewer(n)
        views = embed_views(study, few, val, given.swapped, looks={"isolated": isolate})
        found[f"{n} clip{'s' * (n > 1)} a class"] = Variation(config, fit_gate(study, config, views, recipe), few)
    return found


def ablation(study, given: Material, val: pd.DataFrame) -> pd.DataFrame:
    """All rows with the same few steps and seed: setting, steps, condition, n_clips, acc, low, high, confidence, ece;
    over the unmasked and the masked clips together ce, the cross-entropy of the answers, and by how much it is above
    that of 'all terms' (change, change_low, change_high); and the attack rate (attack)."""
    found, head, source = variations(study, given, val), study.head(), study.profile.noise.anchor
    conditions = ["none", SQUARE, hidden_condition(study.profile, study.store.plates is not None)]

    def judge(setting: str) -> pd.DataFrame:
        protocol, attack = partial(zero_shot, study.clip, head), np.nan
        if setting != "no noise":
            config, gate, frames = found[setting]
            title = f"ablation: {setting}"
            seed = study.profile.seed
            delta, _ = train(study.clip, head, frames, config, "anchored", seed, progress=title, gate=gate)
            protocol = partial(anchored, study.clip, head, delta=delta, source=source, gate=gate)
            rates = total_rates(attack_rates(study, val, {setting: delta}))["rate"]
            attack = rates.get(setting, np.nan)  # one noise for all classes has none
        options = {"protocol": protocol, "method": setting, "frames": False}
        return study.evaluate(val, conditions, "ablation", **options).assign(attack=attack)

    rows = pd.concat(parallel.each(judge, ["no noise", *found], study.clip.device))
    return compared(rows.rename(columns={"method": "setting"}), study.profile.noise.ablation_steps)


def compared(rows: pd.DataFrame, steps: int) -> pd.DataFrame:
    """The predictions of every setting as the table that `ablation` describes."""
    attack = rows.groupby("setting")["attack"].first()
    rows = rows.assign(ce=rows["nll"])
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
