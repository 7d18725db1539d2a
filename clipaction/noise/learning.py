"""The noises of a study: trained side by side, kept by key, loaded by later notebooks."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from ..base import parallel
from ..base.cache import Step, cached_table
from ..base.code import fingerprint
from ..base.errors import UserError
from ..base.registry import Registry
from ..masking.batches import masked_batches
from ..masking.conditions import check
from ..masking.plan import SQUARE
from ..masking.regions import SOURCES
from ..vision.load import ARCHITECTURE
from .apply import anchored, gated, isolate, shared
from .files import load_noise, save_noise, saved_facts
from .frames import TrainingFrames, in_other_scenes, region_source, training_frames
from .gates import posterior_gate
from .protocols import Setup
from .training import train
from .views import Views, kept_views, validation_batches

TERMS = ("pair", "hinge", "confidence", "tv", "agreement")  # of the loss, beside cross-entropy
PLAIN = dict.fromkeys(TERMS, 0.0)  # cross-entropy alone
PULLED = {"hinge": 0.1}  # large noises of single classes need more of it, or they are patches (see the attack rate)
PAIRED = {"ce": 0.0, "pair": 1.0, "confidence": 0.0, "agreement": 0.0}  # the true class with its noise against others


@dataclass(frozen=True)
class Recipe:
    """How a noise is learned. use: how it is added meanwhile (see `objective`). gate: '' is none, 'profile' the one
    that the profile asks for, 'posterior' the model's own posterior. loss: weights of terms that differ from the
    profile's. steps, batch: shares of the profile's. real: learned from regions that a source found, without exact
    masks."""

    use: str
    gate: str = ""
    loss: Mapping[str, float] = field(default_factory=dict)
    steps: float = 1.0
    batch: float = 1.0
    real: bool = False


RECIPES: Registry[Recipe] = Registry("noise")
RECIPES |= {
    # One noise for all classes learns from every frame, so it needs half of the frames a step: validation clips show no
    # difference.
    "anchored": Recipe("anchored", loss=PLAIN, steps=2.0, batch=0.5),
    "anchored-class": Recipe("anchored", "profile", loss=PULLED),
    "gated": Recipe("gated", "profile", loss=PULLED),
    "posterior": Recipe("gated", "posterior"),
    "hypothesis": Recipe("oracle", loss=PAIRED),
    "shared": Recipe("shared", steps=2.0, batch=0.5),
    "naive": Recipe("oracle", loss=PLAIN, steps=0.5),  # it has converged long before
    "anchored-class-real": Recipe("anchored", "profile", loss=PULLED, real=True),
}


@dataclass(frozen=True)
class Material:
    """What is learned from: training frames, and their views embedded, by how they are seen ('whole', 'isolated',
    'unswapped'). source: the region source that found actor and prop in them ('truth' where masks are exact, '' where
    regions are not known). swapped: the validation clips in other clips' scenes, uint8 [N, T, S, S, 3], if any."""

    frames: TrainingFrames
    views: dict[str, Views]
    source: str
    swapped: np.ndarray | None = None

    @cached_property
    def scenes(self) -> str:
        """A digest of all regions and scenes, whatever found them."""
        return fingerprint([self.frames.region, self.frames.plates, self.frames.anchor, self.swapped])


def material(study, train: pd.DataFrame, val: pd.DataFrame, name: str = "given") -> Material:
    """The frames of training clips and their views, and validation clips in other scenes. name: 'given', with exact
    masks where the data have them; 'real', as on real videos, with what a region source finds."""
    source = study.profile.noise.anchor if name == "real" else region_source(study)
    found = Material(training_frames(study, train, source), {}, source, in_other_scenes(study, val, source))
    found.views.update(kept_views(study, name, found, val, looks={"isolated": isolate}))
    if name == "given":
        found.views["unswapped"] = kept_views(study, "unswapped", found, val, swap=0.0)["whole"]
    return found


def material_names(study) -> list[str]:
    """What materials a study has: 'real' only where exact masks would be there."""
    return ["given", "real"] if region_source(study) == "truth" else ["given"]


def materials(study, train: pd.DataFrame, val: pd.DataFrame) -> dict[str, Material]:
    """All materials of a study, by name."""
    return {name: material(study, train, val, name) for name in material_names(study)}


def fit_gate(
    study, config, views: Mapping[str, Views], recipe: Recipe, head: torch.Tensor | None = None
) -> torch.Tensor:
    """The gate [C, D + 1] of a recipe: the model's own posterior, or a probe on its features, as the noise section
    asks for. That of anchored noise sees what anchored noise sees as the action: the isolated view.

    head: prototypes [C, D] of the classes that the views are of; those of the study when None."""
    if recipe.gate == "profile" and config.gate == "features":
        return views["isolated" if recipe.use == "anchored" else "whole"].probe
    return posterior_gate(study.head() if head is None else head, study.clip.tau, config.temperature)


def recipe_config(config, name: str):
    """A noise section with the loss, the steps and the size of the noise that a recipe asks for."""
    recipe = RECIPES[name]
    return config.model_copy(
        update={
            "loss": config.loss.model_copy(update=dict(recipe.loss)),
            "steps": math.ceil(config.steps * recipe.steps),
            "batch": math.ceil(config.batch * recipe.batch),
            "eps": config.eps_of.get(name.removesuffix("-real"), config.eps),
        }
    )


def validation_score(
    study,
    meta: pd.DataFrame,
    delta: torch.Tensor,
    use: str,
    gate: torch.Tensor | None = None,
    swapped: np.ndarray | None = None,
) -> float:
    """Minus the mean cross-entropy of `validation_batches` under a noise; training keeps the step with the highest."""
    clip, head, losses = study.clip, study.head(), []
    for x, y in validation_batches(study, meta, swapped):
        if use == "gated":
            scores = gated(clip, head, x, delta, gate)[0]
        elif use == "anchored":
            scores = anchored(clip, head, x, delta, study.profile.noise.anchor, gate)[0]
        else:
            scores = shared(clip, head, x, delta)[0]
        losses.append(F.cross_entropy(scores / clip.tau, y.to(scores.device), reduction="none").cpu())
    return -float(torch.cat(losses).mean())


def learn(
    study,
    name: str,
    given: Material,
    val: pd.DataFrame,
    watch: Callable[[str, list[dict]], None] | None = None,
) -> tuple[torch.Tensor, torch.Tensor | None, pd.DataFrame]:
    """A noise of RECIPES [rows, 3, S, S], its gate if it has one, and its training curve: from
    results/<profile>/noise/<name>.safetensors if its key is the same, else trained.

    A killed training goes on where it was. watch: called with the name and the curve so far."""
    recipe, seed = RECIPES[name], study.profile.seed
    config = recipe_config(study.profile.noise, name)
    gate = fit_gate(study, config, given.views, recipe) if recipe.gate else None
    folder = study.results / "noise"
    folder.mkdir(parents=True, exist_ok=True)
    tensors = [fingerprint(tensor) for tensor in (study.head(), gate)]
    settings = config.model_dump(exclude={"ablation_steps", "unseen_steps", "search_steps", "shortlist", "eps_of"})
    data = given.frames
    clips = (study.store.key, data.ids, data.labels.tolist(), val["clip"].tolist(), val["label"].tolist())
    chosen = [*check(SQUARE).functions, SOURCES[config.anchor].function]
    key = NOISE.key(*study.clip.identity, *clips, given.scenes, settings, recipe.use, seed, tensors, also=chosen)
    path, curve_path = folder / f"{name}.safetensors", folder / f"{name}.parquet"
    if saved_facts(path).get("key") != key:
        curve_path.unlink(missing_ok=True)  # noise and curve are made together

    def compute() -> pd.DataFrame:
        score: Callable[[torch.Tensor], float] | None = None
        if recipe.use != "oracle":  # validated without labels, that would take a pass a class: the last step is kept
            score = partial(validation_score, study, val, use=recipe.use, gate=gate, swapped=given.swapped)
        files = {"checkpoint": folder / f"{name}-{key}.checkpoint", "watch": watch and partial(watch, name)}
        delta, curve = train(
            study.clip, study.head(), data, config, recipe.use, seed, score, f"noise: {name}", gate, **files
        )
        save_noise(path, delta, gate, key=key, use=recipe.use, seed=seed, eps=config.eps)
        return curve.assign(variant=name)

    curve = cached_table(curve_path, key, compute)
    return load_noise(path).to(study.clip.device), gate, curve


NOISE = Step("noise", learn, masked_batches, *ARCHITECTURE)  # study.masked gives the validation clips


@dataclass(frozen=True)
class Learned:
    """Noises by name, and the gates of those that have one."""

    noises: dict[str, torch.Tensor]
    gates: dict[str, torch.Tensor]


def allowed(given: Collection[str]) -> list[str]:
    """The noises of RECIPES that the materials with these names allow."""
    return [name for name, recipe in RECIPES.items() if not recipe.real or "real" in given]


def learn_all(
    study,
    given: Mapping[str, Material],
    val: pd.DataFrame,
    watch: Callable[[str, list[dict]], None] | None = None,
) -> tuple[Learned, pd.DataFrame]:
    """All noises of RECIPES that the materials allow, trained side by side, and their curves one below the other."""
    names = allowed(given)
    longest_first = sorted(names, key=effort, reverse=True)  # so that no core waits long for the last

    def one(name: str) -> tuple[torch.Tensor, torch.Tensor | None, pd.DataFrame]:
        return learn(study, name, given["real" if RECIPES[name].real else "given"], val, watch)

    learned = dict(zip(longest_first, parallel.each(one, longest_first, study.clip.device)))
    noises, gates, curves = zip(*(learned[name] for name in names))
    found = {name: gate for name, gate in zip(names, gates) if gate is not None}
    return Learned(dict(zip(names, noises)), found), pd.concat(curves, ignore_index=True)


def effort(name: str) -> float:
    """How long the training of a noise takes, roughly, in any unit: a gate needs each frame twice."""
    recipe = RECIPES[name]
    return recipe.steps * recipe.batch * (2 if recipe.gate else 1)


def load_learned(study) -> Learned:
    """The noises that notebook 04 saved, by name, with their gates. UserError when it has not run."""
    folder, device = study.results / "noise", study.clip.device
    paths = {name: folder / f"{name}.safetensors" for name in RECIPES}
    missing = [path.name for name, path in paths.items() if not path.exists() and not RECIPES[name].real]
    if missing:
        raise UserError(f"{missing[0]} is missing in {folder}; run notebook 04 first (./run_all.sh --only 04)")
    there = {name: path for name, path in paths.items() if path.exists()}
    noises = {name: load_noise(path).to(device) for name, path in there.items()}
    gates = {name: load_noise(path, "gate").to(device) for name, path in there.items() if RECIPES[name].gate}
    return Learned(noises, gates)


def setup_of(study, learned: Learned, all_classes: bool = False) -> Setup:
    """What this study's protocols are built from. all_classes: those of other domains compete, too."""
    head, config = study.head(source_only=not all_classes), study.profile.noise
    anchor = SOURCES[config.anchor]
    return Setup(study.clip, head, learned.noises, learned.gates, config.shortlist, study.profile.seed, anchor)
