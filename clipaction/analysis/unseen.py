"""Unseen classes, as prompt learning reports them: some classes are left out of training, and their clips are judged
beside those of the others (base and new classes; Zhou et al. 2022, arXiv:2203.05557, section 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import torch

from ..base import parallel
from ..base.errors import UserError
from ..base.seeds import rng
from ..evaluate.judge import evaluate_methods
from ..evaluate.methods import METHODS
from ..evaluate.mixing import mixtures
from ..evaluate.predictions import correct, log_probabilities
from ..masking.plan import SQUARE
from ..noise.apply import isolate
from ..noise.frames import TrainingFrames, in_other_scenes
from ..noise.learning import RECIPES, Material, fit_gate, recipe_config
from ..noise.protocols import Setup, build_protocols
from ..noise.training import train
from ..noise.views import Views, embed_views
from ..rivals.probe import mean_of, scores_of
from ..rivals.prompts import tune_prompts
from ..vision.clip import CLIP
from ..vision.zero_shot import clip_scores, encode_clips, zero_shot

DIVISIONS = 3  # in each a third of the classes is left out; every class is left out once
NOISES = ("shared", "anchored", "anchored-class", "gated", "posterior")
COLUMNS = ["division", "method", "clip", "cls", "group", "seen", "right", "right_own", "steps"]


@dataclass(frozen=True)
class Division:
    """Classes in another order: the `known` first are trained on, the others are left out. Labels, heads and phrases
    follow that order. test: all test clips; val: validation clips of known classes only, as are frames and views."""

    order: np.ndarray
    known: int
    frames: TrainingFrames
    views: dict[str, Views]
    val: pd.DataFrame
    test: pd.DataFrame


def orders(classes: int, seed: int) -> list[tuple[np.ndarray, int]]:
    """(order of the classes [C], how many of them, the first, are trained on) of each division. UserError where fewer
    than two classes would be left out."""
    if classes < 2 * DIVISIONS:
        raise UserError(
            f"unseen classes: {classes} classes are too few, at least {2 * DIVISIONS} are needed; set "
            "noise.unseen_steps=0"
        )
    found = []
    for left_out in np.array_split(rng(seed, "unseen classes").permutation(classes), DIVISIONS):
        seen = np.setdiff1d(np.arange(classes), left_out)
        found.append((np.concatenate([seen, np.sort(left_out)]), len(seen)))
    return found


def divide(study, given: Material, val: pd.DataFrame, test: pd.DataFrame, order: np.ndarray, known: int) -> Division:
    """What a division learns from: frames, views and validation clips of the known classes alone. Their scenes
    are swapped among themselves."""
    place = np.argsort(order)  # of each class in the new order
    frames = copy(given.frames)
    frames.labels = place[given.frames.labels]
    frames = frames.of_classes(known)
    val, test = (meta.assign(label=place[meta["label"]]) for meta in (val, test))
    val = val[val["label"] < known].reset_index(drop=True)
    views = embed_views(study, frames, val, in_other_scenes(study, val, given.source), looks={"isolated": isolate})
    views = {name: replace(each, classes=known) for name, each in views.items()}
    return Division(order, known, frames, views, val, test)


def unseen_classes(study, given: Material, val: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """The table of `outcomes` of all divisions: every noise of NOISES with `noise.unseen_steps` steps (the last step
    is kept), tuned prompts, and each of their mixtures with the probe."""
    divisions = [divide(study, given, val, test, *each) for each in orders(study.n_source, study.profile.seed)]
    gates = [gates_of(study, division) for division in divisions]

    def learn(job: tuple[int, str]) -> torch.Tensor:
        number, name = job
        division, gate = divisions[number], gates[number].get(name)
        head, title = head_of(study, division)[: division.known], f"unseen classes, {number + 1}: {name}"
        common = (config_of(study, name), RECIPES[name].use, study.profile.seed)
        return train(study.clip, head, division.frames, *common, progress=title, gate=gate)[0]

    jobs = list(product(range(DIVISIONS), NOISES))
    learned = dict(zip(jobs, parallel.each(learn, jobs, study.clip.device)))
    tables = []
    for number, division in enumerate(divisions):
        noises = {name: learned[number, name] for name in NOISES}
        tables.append(outcomes(answers(study, division, noises, gates[number]), division.known).assign(division=number))
    return pd.concat(tables, ignore_index=True).assign(steps=study.profile.noise.unseen_steps)[COLUMNS]


def config_of(study, name: str):
    """The profile's noise section for a noise, with the steps of this study."""
    return recipe_config(study.profile.noise.model_copy(update={"steps": study.profile.noise.unseen_steps}), name)


def head_of(study, division: Division) -> torch.Tensor:
    """Prototypes [C, D] in the division's order."""
    return study.head()[torch.from_numpy(division.order).to(study.clip.device)]


def gates_of(study, division: Division) -> dict[str, torch.Tensor]:
    """The gates [K, D + 1] of those noises that have one, of the known classes."""
    head = head_of(study, division)[: division.known]
    gated = [name for name in NOISES if RECIPES[name].gate]
    return {name: fit_gate(study, config_of(study, name), division.views, RECIPES[name], head) for name in gated}


def answers(study, division: Division, noises: dict, gates: dict) -> pd.DataFrame:
    """Prediction rows, with scores, of the unmasked test clips: all classes compete, those never trained on, too.
    The mixtures' weights come from the validation clips of known classes, where these compete alone."""
    head, known, clip = head_of(study, division), division.known, study.clip
    names = [study.classes[c] for c in division.order]
    phrases = [study.dataset.phrases[name] for name in names]
    views, seed, config = division.views["whole"], study.profile.seed, study.profile.noise
    examples = (views.train, views.train_labels, views.val, views.val_labels)
    prompts = tune_prompts(clip, phrases[:known], *examples, seed, others=phrases[known:])

    def built(classes: int) -> dict[str, Callable]:
        setup = Setup(clip, head[:classes], noises, gates, config.shortlist, seed, config.anchor)
        found = build_protocols(setup, ["none", *noises])
        found["prompts"] = partial(zero_shot, clip, prompts[:classes])
        return found | {"probe": partial(probe_among, clip, head[:classes], views.probe)}

    judge = partial(evaluate_methods, study, step="unseen", scores=True)
    chosen_on = judge(division.val, built(known), ["none", SQUARE])
    rows = judge(division.test, built(len(head)), ["none"])
    mixed = mixtures(METHODS, chosen_on, rows)[0]
    return pd.concat([rows[rows["method"] != "probe"], mixed], ignore_index=True)


@torch.inference_mode()
def probe_among(
    clip: CLIP, head: torch.Tensor, probe: torch.Tensor, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores tau log p of clips [N, T, 3, S, S] among more classes (head [C, D]) than the probe [K, D + 1] knows: CLIP
    says how likely it is one of the first K, the probe which of them; the other classes keep CLIP's probabilities.
    Noise behind a gate treats them alike (`noise.gates.gate_weights`)."""
    features, tau, known = encode_clips(clip, x), clip.tau, len(probe)

    def among(scores: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        log_p = (scores / tau).log_softmax(-1)
        one_of_them = log_p[..., :known].logsumexp(-1, keepdim=True)
        return torch.cat([one_of_them + own / tau, log_p[..., known:]], -1) * tau

    of_clip, of_frames = clip_scores(features, head)
    own = (scores_of(probe, each, tau) for each in (mean_of(features), features))
    return among(of_clip, next(own)), among(of_frames, next(own))


def outcomes(rows: pd.DataFrame, known: int) -> pd.DataFrame:
    """A row a method and clip: method, clip, cls, group, seen (whether its class was trained on), right (all classes
    compete) and right_own (only known ones compete on their clips, only unseen ones on theirs: the same scores, a
    shorter list). rows: with scores, labels in the division's order."""
    seen, log_p = (rows["label"] < known).to_numpy(), log_probabilities(rows)
    competes = (np.arange(log_p.shape[1]) < known) == seen[:, None]
    own = np.where(competes, log_p, -np.inf).argmax(1) == rows["label"]
    found = rows[["method", "clip", "cls", "group"]].assign(seen=seen, right=correct(rows), right_own=own)
    return found.reset_index(drop=True)
