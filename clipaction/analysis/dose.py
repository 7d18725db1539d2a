"""The instrument, calibrated: compact CLIPs with known doses of scene bias, judged like the model of a study.

Each model is judged on the same test clips. What is measured, and whether it should rise or fall with the dose, stands
in `dose_response.MEASURES`. The profile's own model is judged beside them; its dose is not known.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch

from .. import rivals  # noqa: F401  (importing it registers its methods)
from ..base import parallel
from ..base.cache import Step, cached_table
from ..demo.dose import DOSES, available
from ..evaluate import mixing
from ..evaluate.judge import evaluate_methods
from ..evaluate.methods import METHODS
from ..evaluate.predictions import correct
from ..masking.plan import SQUARE
from ..masking.regions.truth import coverage_of
from ..noise.frames import TrainingFrames, training_frames
from ..noise.learning import Learned, Material, learn, setup_of
from ..noise.protocols import build_protocols
from ..noise.views import kept_views
from ..rivals.setup import RivalSetup
from ..study import Study
from ..vision.clip import to_input
from ..vision.dosed import load_dosed
from ..vision.load import ARCHITECTURE
from ..vision.relevance import relevance, upsample
from .dose_response import OWN

WHOLE, GONE, BOX, ISOLATED = "none", "hide:actor+prop:plate", "hide:actor+prop:box", "keep:actor+prop:silhouette"
CONTROL = f"control:{BOX}"
NOISES = ("anchored",)  # of RECIPES: those that are learned at every dose
RIVALS = ("probe",)
STEPS = 24  # of each noise's training, at most
FEW = 84  # clips whose relevance is measured: one a group
COLUMNS = ["model", "dose", "method", "measure", "clip", "group", "value"]


def has_doses(study: Study) -> bool:
    """Whether there are models with doses, and the study's clips are those that they know, in frames of their size."""
    profile = study.profile
    return available() and profile.dataset.kind == "demo" and profile.model.name == "clipaction-compact"


def dosed_studies(study: Study) -> dict[str, Study]:
    """The study with each model in turn, by the model's name; results go to doses/<name>/ of its own folder."""
    device, precision = study.profile.model.device, study.profile.model.precision
    models = {f"{dose:.0%}": load_dosed(dose, device, precision) for dose in DOSES}
    return {name: with_model(study, clip, name) for name, clip in {**models, OWN: study.clip}.items()}


def with_model(study: Study, clip, name: str) -> Study:
    """The same clips and frames before another model."""
    other = copy.copy(study)
    for known in ("_heads", "_finders"):  # they belong to the model
        vars(other).pop(known, None)
    noise = study.profile.noise.model_copy(update={"views": 1, "steps": min(study.profile.noise.steps, STEPS)})
    profile = study.profile.model_copy(update={"noise": noise})
    vars(other).update(clip=clip, profile=profile, results=study.results / "doses" / name.strip("%"))
    return other


def judge_doses(study: Study, train: pd.DataFrame, val: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Every measure of every model without noise, and of every method what needs no more than its answers: a row a clip
    (COLUMNS).

    A measure is the mean of its `value` over the clips, so it has an interval over groups like any other mean.
    """
    studies, frames, tables = dosed_studies(study), training_frames(study, train), []

    def learned(each: Study) -> dict[str, Callable]:
        return learn_methods(each, frames, val)

    methods = parallel.each(learned, studies.values(), study.clip.device)
    for (name, each), known in zip(studies.items(), methods):
        # what notebook 03 judged already, of the study's own model, is found there
        parts = (study if name == OWN else each).evaluate(test, [BOX, CONTROL, ISOLATED], "masking", frames=False)
        values = pd.concat([judge_methods(each, known, val, test, parts), relevance_values(each, test)])
        tables.append(values.assign(model=name, dose=getattr(each.clip, "dose", np.nan)))
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def learn_methods(study: Study, frames: TrainingFrames, val: pd.DataFrame) -> dict[str, Callable]:
    """No noise, NOISES and RIVALS, learned on this model from the frames of the training clips: functions of images."""
    given = Material(frames, {}, "truth")
    given.views.update(kept_views(study, "given", given, val))
    found = {name: learn(study, name, given, val)[:2] for name in NOISES}
    gates = {name: gate for name, (_, gate) in found.items() if gate is not None}
    setup = setup_of(study, Learned({name: noise for name, (noise, _) in found.items()}, gates))
    phrases = [study.dataset.phrases[name] for name in study.classes[: study.n_source]]
    beside = RivalSetup(study.clip, study.head(), given.views, phrases, study.profile.seed)
    builders = {name: METHODS[name].build for name in RIVALS}
    built = {name: build(beside) for name, build in builders.items() if build is not None}
    return build_protocols(setup, ["none", *NOISES]) | built


def judge_methods(
    study: Study, methods: Mapping[str, Callable], val: pd.DataFrame, test: pd.DataFrame, parts: pd.DataFrame
) -> pd.DataFrame:
    """The measures of each method, and of their mixtures with the probe; weights are chosen on validation clips.

    parts: the answers without noise under BOX, CONTROL and ISOLATED."""
    chosen = evaluate_methods(study, val, methods, [WHOLE, SQUARE], "validation", scores=True)
    rows = evaluate_methods(study, test, methods, [WHOLE, GONE], scores=True)
    mixed, _ = mixing.mixtures(METHODS, chosen, rows)
    rows = pd.concat([rows, mixed, parts.assign(method="none")], ignore_index=True)
    return pd.concat([values_of(each).assign(method=name) for name, each in rows.groupby("method", sort=False)])


def values_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The measures that one method's prediction rows allow: columns measure, clip, group, value; a row a clip."""
    sides = {name: side.set_index("clip").sort_index() for name, side in rows.groupby("condition", observed=True)}
    right = {name: pd.Series(correct(side), side.index).astype(float) for name, side in sides.items()}
    usual, other = (sides[WHOLE]["scene"] == name for name in ("usual", "other"))
    values = {"accuracy": right[WHOLE], "background": right[GONE], "sure_blind": sides[GONE]["p_pred"]}
    if usual.any():
        values["usual"] = mean_among(right[WHOLE], usual)
    if usual.any() and other.any():
        values["scene_gap"] = values["usual"] - mean_among(right[WHOLE], other)
    if BOX in right:
        values |= {"actor": right[CONTROL] - right[BOX], "isolated": right[ISOLATED]}
    groups = sides[WHOLE]["group"]
    tables = [pd.DataFrame({"measure": name, "group": groups, "value": value}) for name, value in values.items()]
    return pd.concat(tables).reset_index()


def mean_among(values: pd.Series, chosen: pd.Series) -> pd.Series:
    """Values a clip whose mean over all clips is that of `values` among the chosen ones.

    They are the mean and each clip's influence on it (Hampel 1974), so resampling groups gives its spread to first
    order, whatever number of chosen clips is drawn.
    """
    mean = values[chosen].mean()
    return mean + (values - mean) * chosen * (len(values) / chosen.sum())


def relevance_values(study: Study, test: pd.DataFrame) -> pd.DataFrame:
    """The share of relevance towards the true class that lies on actor and prop, in the middle frame of FEW clips."""
    chosen = test.iloc[:: max(1, len(test) // FEW)]
    key = RELEVANCE.key(*study.clip.identity, study.store.key, chosen["row"].tolist(), chosen["label"].tolist())

    def compute() -> pd.DataFrame:
        clip, head, t, parts, shares = study.clip, study.head(), study.profile.frames // 2, study.store.parts, []
        assert parts is not None  # the demo has exact masks
        for start in range(0, len(chosen), 32):
            part = chosen.iloc[start : start + 32]
            region = coverage_of("actor+prop", parts[part["row"].to_numpy(), t])
            x, targets = to_input(study.store.get(part["row"])[:, t]), head[part["label"].tolist()]
            heat = upsample(relevance(clip.model, x, targets, encode=clip.encode_image).cpu(), (clip.size, clip.size))
            shares.append((heat * region).sum((1, 2)) / heat.sum((1, 2)).clamp_min(1e-8))
        return chosen[["clip", "group"]].assign(measure="relevance", value=torch.cat(shares).numpy(), method="none")

    return cached_table(study.results / "relevance.parquet", key, compute)


RELEVANCE = Step("relevance at each dose", relevance_values, *ARCHITECTURE)
