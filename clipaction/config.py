"""Profiles: everything a run can be told, in one validated schema.

    profile = load_profile("demo", {"noise.eps": 8})     # a name, or a path to a .yaml; overrides by dotted name
    profile.noise.eps, profile.key("dataset", "frames")

A profile is frozen; `Profile.key` hashes the named sections for caches. Overrides and files may nest sections or write `a.b`.
A file may say `extends: demo` and give only what differs.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import UserError
from .paths import PROFILES, profile_file

Shape = Literal["square", "circle", "ellipse", "triangle", "stripes", "border", "patches", "blob"]
Part = Literal["actor", "head", "limbs", "prop", "actor+prop", "background", "text", "relevant"] | Annotated[str, Field(pattern=r"^relevant[1-9]\d?$")]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetConfig(Section):
    kind: Literal["demo", "folder", "ucf101"] = Field(description="rendered demo world, DIR/<class>/<video>, or UCF-101")
    root: str | None = Field(None, description="folder of videos (kinds folder, ucf101), or UCF-101's zip; ucf101 is fetched when empty")
    fetch: Literal["archive", "clips"] = Field("archive", description="ucf101: the whole zip, or its clips by range requests")
    classes: tuple[str, ...] | None = Field(None, min_length=2, description="keep only these classes, by name; all when empty")
    splits: tuple[Literal[1, 2, 3], ...] = Field((1,), min_length=1, description="UCF-101 splits; several: a run each, their clips then taken together")
    test_groups: int = Field(7, ge=1, le=7, description="groups a class that test (the first of 1-7)")
    val_groups: int = Field(3, ge=1, le=3, description="demo: groups a class that validate (the first of 8-10)")
    train_groups: int = Field(15, ge=1, le=18, description="groups a class that train (demo: the first of 11-25)")
    test_clips: int | None = Field(None, ge=1, description="clips a test group; all when empty")
    val_clips: int | None = Field(None, ge=1, description="clips a validation group; all when empty")
    train_clips: int | None = Field(None, ge=1, description="clips a training group; all when empty")
    ward_groups: int = Field(5, ge=0, le=25, description="demo: groups a class in the ward, all of them test; 0 leaves the ward out")
    ward_clips: int = Field(2, ge=1, description="demo: clips a ward group")
    frames_per_clip: int = Field(32, ge=8, description="demo: frames rendered a clip, at 25 a second")

    @model_validator(mode="after")
    def _demo_counts(self):
        if self.kind == "demo" and None in (self.test_clips, self.val_clips, self.train_clips):
            raise ValueError("kind demo needs test_clips, val_clips and train_clips; extend the demo profile")
        return self


class ModelConfig(Section):
    name: str = Field("clipaction-compact", description="open_clip model name")
    pretrained: str = Field("package", description="`package` (weights shipped here), an open_clip tag (openai), or a weights file")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field("auto", description="auto: fp32 on a CPU, fp16 on a GPU")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto: a GPU when there is one")


class MaskingConfig(Section):
    percents: tuple[int, ...] = Field((10, 30, 50), min_length=1, description="masked area, % of the frame")
    shapes: tuple[Shape, ...] = Field(("square", "circle", "ellipse", "triangle", "stripes", "border", "patches", "blob"), min_length=1,
                                      description="what the mask looks like")
    placements: tuple[Literal["centre", "random"], ...] = Field(("centre", "random"), min_length=1, description="where it lies")
    motions: tuple[Literal["still", "moving"], ...] = Field(("still", "moving"), min_length=1, description="whether it moves over the clip")


class RegionsConfig(Section):
    sources: tuple[Literal["truth", "motion", "relevance", "detector", "boxes"], ...] = Field(
        ("truth", "motion"), min_length=1, description="how actor, prop and background are found; the first one makes the main tables")
    boxes: str | None = Field(None, description="UCF101-24's finalAnnots.mat for the source boxes; data/ucf101/ when empty")
    parts: tuple[Part, ...] = Field(("actor", "head", "limbs", "prop", "actor+prop", "background", "text", "relevant"), min_length=1,
                                    description="what is hidden or isolated; relevant is the 20 % most relevant pixels, relevant30 30 %")
    fills: tuple[Literal["mean", "blur", "soft"], ...] = Field(
        ("mean", "blur", "soft"), description="sensitivity checks: the 30 % square and the actor-and-prop box not in black")
    controls: tuple[Literal["control", "cells"], ...] = Field(("control", "cells"),
                                                              description="equal-area controls: the same mask elsewhere, random cells")
    grains: tuple[Literal["silhouette", "box", "plate"], ...] = Field(("silhouette", "box", "plate"), min_length=1,
                                                                     description="how it is hidden; plate needs the demo's clean plate")


class LossWeights(Section):
    """Weights of the terms of the noise's loss; 0 switches a term off."""

    ce: float = Field(1.0, ge=0, description="cross-entropy of the noisy frame over the class texts")
    pair: float = Field(0.0, ge=0, description="pair term: the true class with its noise against every class with its own")
    hinge: float = Field(0.03, ge=0, description="a class's noise must not drag other classes' frames to it")
    confidence: float = Field(0.1, ge=0, description="no confident answer on frames whose actor is removed")
    tv: float = Field(0.01, ge=0, description="total variation of the noise")
    agreement: float = Field(0.1, ge=0, description="same answer on two differently masked versions of a frame")


class NoiseConfig(Section):
    eps: float = Field(16.0, gt=0, le=255, description="size of the noise, in 1/255: of the largest change of a pixel, or of their root mean square")
    norm: Literal["linf", "l2"] = Field("linf", description="which of the two eps bounds")
    gate: Literal["posterior", "features"] = Field("features", description="what mixes the noises: the model's own posterior, or a linear "
                                                   "probe on its clean features, fitted to the training views")
    temperature: float = Field(1.0, gt=0, description="gate posterior: temperature T of pi = softmax(s / (tau T))")
    steps: int = Field(300, ge=1, description="optimiser steps a variant")
    batch: int = Field(64, ge=4, description="frames a step, in two views of each clip frame")
    lr: float = Field(0.15, gt=0, description="Adam's learning rate, in units of the squashed parameter (delta = eps tanh theta)")
    validate_every: int = Field(50, ge=1, description="steps between validations, of which the best is kept")
    patience: int = Field(4, ge=1, description="validations in a row that may be no better before training stops")
    resolution: int = Field(48, ge=2, description="side of the learned noise before it is upsampled to the frame, px")
    swap: float = Field(0.9, ge=0, le=1, description="share of training views whose scene is another clip's (where truth is known)")
    mask: float = Field(0.5, ge=0, le=1, description="share of training views with a black box of 5-50 % of the frame")
    views: int = Field(4, ge=1, description="views of every training frame that probe and prompts learn from")
    margin: float = Field(0.0, ge=0, description="margin of the hinge, in logits")
    shortlist: int = Field(3, ge=2, description="k of shortlist-k")
    loss: LossWeights = LossWeights()
    ablation_steps: int = Field(0, ge=0, description="steps of each of the twenty trainings of the ablation (tab06); 0: no ablation")


class BaselinesConfig(Section):
    enabled: bool = Field(True, description="train the frame CNN and CNN+GRU")
    epochs: int = Field(14, ge=1, description="passes over the training clips")
    lr: float = Field(3e-3, gt=0, description="AdamW's largest learning rate")


class Profile(Section):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="names results/<name> and figures/<name>")
    title: str = Field(description="one line for captions and the report")
    seed: int = Field(0, ge=0, description="of everything drawn at random")
    frames: int = Field(8, ge=1, description="frames a clip, T: the centres of T equal segments")
    batch: int = Field(32, ge=1, description="frames a forward pass")
    dataset: DatasetConfig
    model: ModelConfig = ModelConfig()
    masking: MaskingConfig = MaskingConfig()
    regions: RegionsConfig = RegionsConfig()
    noise: NoiseConfig = NoiseConfig()
    baselines: BaselinesConfig = BaselinesConfig()

    def dump(self, *sections: str) -> dict[str, Any]:
        """The named sections (all when none) as plain JSON types."""
        return self.model_dump(mode="json", include=set(sections) or None)

    def key(self, *sections: str) -> str:
        """16 hex digits that change when any value of the named sections (all when none) does."""
        return hashlib.sha256(json.dumps(self.dump(*sections), sort_keys=True).encode()).hexdigest()[:16]


def load_profile(name_or_path: str | Path = "demo", overrides: dict[str, Any] | None = None) -> Profile:
    """The validated profile of a shipped name or a .yaml file, with `overrides` ({"noise.eps": 8} or nested) on top.

    Raises UserError, one line, for an unknown profile, an unreadable file or a value that does not fit the schema.
    """
    values = _merge(_read(str(name_or_path)), _nest(overrides or {}))
    try:
        return Profile.model_validate(values)
    except ValidationError as error:
        first = {e["loc"][:2]: e for e in reversed(error.errors())}  # one a field: a bad item is also reported for its list
        raise UserError(f'profile "{name_or_path}": ' + "; ".join(_explain(e) for e in reversed(first.values()))) from None


def _read(name: str, seen: tuple[str, ...] = ()) -> dict:
    """A profile's values with those it extends underneath; its name defaults to the file's."""
    path = profile_file(name)
    if name in seen:
        raise UserError(f'profile "{name}" extends itself; take its "extends" line out')
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({' '.join(str(error).split())}); mend the file") from None
    if not isinstance(values, dict):
        raise UserError(f'{path}: expected "section: values" lines; see {PROFILES / "demo.yaml"}')
    values = {"name": path.stem, **_nest(values)}
    for section, field in (("dataset", "root"), ("model", "pretrained"), ("regions", "boxes")):  # a path in a file starts from that file's folder
        value = values.get(section, {}).get(field) if isinstance(values.get(section), dict) else None
        if isinstance(value, str) and (path.parent / value).exists():
            values[section] = {**values[section], field: str((path.parent / value).resolve())}
    base = values.pop("extends", None)
    return values if base is None else _merge(_read(str(base), (*seen, name)), values)


def _nest(values: dict) -> dict:
    """{"a.b": 1} -> {"a": {"b": 1}}, at every depth."""
    out: dict = {}
    for key, value in values.items():
        for part in reversed(str(key).split(".")):
            value = {part: _nest(value) if isinstance(value, dict) else value}
        out = _merge(out, value)
    return out


def _merge(below: dict, above: dict) -> dict:
    out = dict(below)
    for key, value in above.items():
        out[key] = _merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def _explain(error) -> str:
    """'noise.eps: input should be greater than 0 (got -3)', or the nearest known name for an unknown field."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{where}: missing"
    if error["type"] == "extra_forbidden":
        known = _fields(error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
        return f"{where}: unknown field; " + (f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}")
    if error["type"] == "value_error":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]} (got {error['input']!r})"


def _fields(location: tuple) -> list[str]:
    model = Profile
    for part in location:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
