"""The search for the noises' settings: every noise gets the same ones to try, judged on validation clips alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from ..base import parallel
from ..evaluate.intervals import bootstrap_groups
from ..evaluate.predictions import correct, prediction_rows
from ..noise.learning import RECIPES, Learned, Material, fit_gate, recipe_config, setup_of
from ..noise.protocols import build_protocols
from ..noise.training import train
from ..noise.views import validation_batches
from ..rivals.probe import probe_scores
from ..vision.zero_shot import zero_shot
from .attack import attack_rates, total_rates

SIZES = (16.0, 48.0, 96.0)  # eps, in 1/255
RATES = (0.15, 0.3)  # Adam's learning rate
KINDS = ("whole", "masked", "scene")  # of frames, in the order of `validation_batches`
JUDGED_BY = {"naive": "naive-hypothesis"}  # the protocol that uses a noise without labels, where its name is another


class Setting(NamedTuple):
    noise: str
    eps: float
    lr: float


def settings() -> list[Setting]:
    """Every noise with every eps and learning rate. What is learned 'as on real videos' takes its twin's settings."""
    return [Setting(*each) for each in product([name for name in RECIPES if not RECIPES[name].real], SIZES, RATES)]


def config_of(study, setting: Setting):
    """The profile's noise section with a setting, for the few steps of a search."""
    short = study.profile.noise.model_copy(update={"steps": study.profile.noise.search_steps})
    return recipe_config(short, setting.noise).model_copy(update={"eps": setting.eps, "lr": setting.lr})


def search(study, given: Material, val: pd.DataFrame) -> pd.DataFrame:
    """The table of `judged`: rows 'none' and 'probe' for orientation, then every setting of every noise, all with
    `noise.search_steps` steps times the share of their recipe, as in earnest. The last step is judged; nothing stops
    early. Test clips are not read."""
    noises = dict.fromkeys(setting.noise for setting in settings())
    gates = {name: fit_gate(study, study.profile.noise, given.views, RECIPES[name]) for name in noises}
    gates = {name: gate for name, gate in gates.items() if RECIPES[name].gate}
    swapped = given.swapped

    def judge(setting: Setting) -> pd.DataFrame:
        return tried(study, given, val, setting, gates.get(setting.noise))

    orientation = {
        "none": partial(zero_shot, study.clip, study.head()),
        "probe": partial(probe_scores, study.clip, given.views["whole"].probe),
    }
    untrained = dict.fromkeys(("eps", "lr", "steps", "attack"), np.nan)
    rows = [
        answers(study, val, protocol, swapped).assign(noise=name, **untrained) for name, protocol in orientation.items()
    ]
    rows += parallel.each(judge, settings(), study.clip.device)
    return judged(study, pd.concat(rows, ignore_index=True))


def tried(study, given: Material, val: pd.DataFrame, setting: Setting, gate: torch.Tensor | None) -> pd.DataFrame:
    """The rows of `answers` of a noise that was trained with a setting and is used as its protocol uses it, with the
    setting, its steps and the attack rate (NaN where classes have no noise of their own)."""
    config, name, seed = config_of(study, setting), setting.noise, study.profile.seed
    title = f"search: {name}, {setting.eps:g}/255, {setting.lr:g}"
    use, head = RECIPES[name].use, study.head()
    delta, _ = train(study.clip, head, given.frames, config, use, seed, progress=title, gate=gate)
    setup = setup_of(study, Learned({name: delta}, {} if gate is None else {name: gate}))
    (protocol,) = build_protocols(setup, [JUDGED_BY.get(name, name)]).values()
    rates = total_rates(attack_rates(study, val, {name: delta}))["rate"]
    facts = {**setting._asdict(), "steps": config.steps, "attack": rates.get(name, np.nan)}
    return answers(study, val, protocol, given.swapped).assign(**facts)


@torch.inference_mode()
def answers(study, val: pd.DataFrame, protocol: Callable, swapped: np.ndarray | None) -> pd.DataFrame:
    """Prediction rows of a label-free protocol on the frames that `validation_batches` makes of the clips of `val`;
    column condition: the kind of frame, of KINDS."""
    found = torch.cat([protocol(x)[0].cpu() for x, _ in validation_batches(study, val, swapped)])
    parts = zip(KINDS, found.split(len(val)))
    rows = [prediction_rows(scores.numpy(), None, val, study.clip.tau, "", kind) for kind, scores in parts]
    return pd.concat(rows, ignore_index=True)


def judged(study, rows: pd.DataFrame) -> pd.DataFrame:
    """A row a setting: noise, eps, lr, steps, n_clips, n_groups; ce, the mean cross-entropy of all kinds of frames
    together (ce_low, ce_high), and by how much it is above that of the noise's best setting (worse, worse_low,
    worse_high: paired, over groups); accuracy by kind (acc_whole, acc_masked, acc_scene); attack; best: whether its
    ce is the noise's lowest; used: whether the profile trains this noise so."""
    rows = rows.assign(right=correct(rows))
    keys = ["noise", "eps", "lr"]
    tables = {key: each.reset_index(drop=True) for key, each in rows.groupby(keys, sort=False, dropna=False)}
    best: dict[str, pd.DataFrame] = {}
    for (name, _, _), each in tables.items():
        if name not in best or each["nll"].mean() < best[name]["nll"].mean():
            best[name] = each
    records = []
    for key, each in tables.items():
        setting, groups = Setting(*key), each["group"]
        ce = bootstrap_groups(each["nll"], groups)
        worse = bootstrap_groups(each["nll"] - best[setting.noise]["nll"], groups)
        records.append(
            {
                **setting._asdict(),
                "steps": each["steps"].iloc[0],
                "n_clips": each["clip"].nunique(),
                "n_groups": groups.nunique(),
                **dict(zip(("ce", "ce_low", "ce_high"), ce)),
                **dict(zip(("worse", "worse_low", "worse_high"), worse)),
                **{
                    f"acc_{kind}": share
                    for kind, share in each.groupby("condition", sort=False)["right"].mean().items()
                },
                "attack": each["attack"].iloc[0],
                "best": setting.noise in RECIPES and each is best[setting.noise],
                "used": setting.noise in RECIPES and in_use(study, setting),
            }
        )
    return pd.DataFrame(records)


def in_use(study, setting: Setting) -> bool:
    """Whether the profile trains the noise with this setting."""
    config = recipe_config(study.profile.noise, setting.noise)
    return bool(np.isclose(config.eps, setting.eps) and np.isclose(config.lr, setting.lr))


def in_words(table: pd.DataFrame) -> list[str]:
    """A line a noise: which setting is the best, how far the worst lies behind it, and what the profile uses."""
    lines = []
    for name, rows in table[table["noise"].isin(list(RECIPES))].groupby("noise", sort=False):
        best, worst, used = rows[rows["best"]].iloc[0], rows.loc[rows["worse"].idxmax()], rows[rows["used"]]
        taken = "uses another than these" if used.empty else f"uses {named(used.iloc[0])}"
        behind = f"{worst['worse']:.3f} [{worst['worse_low']:.3f}, {worst['worse_high']:.3f}] behind"
        attack = "" if np.isnan(best["attack"]) else f" (attack rate {100 * best['attack']:.1f} %)"
        lines.append(f"{name}: best with {named(best)}{attack}; {named(worst)} is {behind}; the profile {taken}")
    return lines


def named(row: pd.Series) -> str:
    """A setting in words."""
    return f"eps {row['eps']:g}, rate {row['lr']:g}"
