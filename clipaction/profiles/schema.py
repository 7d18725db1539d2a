"""What a run can be told: one validated schema, a class a section, a description a field.

A profile is frozen; `Profile.key` hashes the named sections. Names of mask shapes, region sources, noises, networks
and kinds of data sets are checked against what is registered, so that those added by a notebook or an extension are
known, too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..base.files import digest
from .names import Condition, File, Kind, Name, Network, Noise, Shape, Source

Part = (
    Literal["actor", "head", "limbs", "prop", "actor+prop", "background", "text", "relevant"]
    | Annotated[str, Field(pattern=r"^relevant[1-9]\d?$")]
)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetConfig(Section):
    kind: Kind = Field(
        description="demo (rendered videos), folder (DIR/<class>/<video>), ucf101, or one that was added"
    )
    root: File | None = Field(
        None, description="folder of videos (kinds folder, ucf101), or UCF-101's zip; ucf101 is fetched when empty"
    )
    fetch: Literal["archive", "clips"] = Field(
        "archive", description="ucf101: the whole zip, or its clips by range requests"
    )
    classes: tuple[str, ...] | None = Field(
        None, min_length=2, description="keep only these classes, by name; all when empty"
    )
    splits: tuple[Literal[1, 2, 3], ...] = Field(
        (1,), min_length=1, description="UCF-101 splits; several: a run each, their clips then taken together"
    )
    test_groups: int = Field(7, ge=1, le=7, description="groups a class that test (the first of 1-7)")
    val_groups: int = Field(3, ge=1, le=3, description="demo: groups a class that validate (the first of 8-10)")
    train_groups: int = Field(15, ge=1, le=18, description="groups a class that train (demo: the first of 11-25)")
    test_clips: int | None = Field(None, ge=1, description="clips a test group; all when empty")
    val_clips: int | None = Field(None, ge=1, description="clips a validation group; all when empty")
    train_clips: int | None = Field(None, ge=1, description="clips a training group; all when empty")
    ward_groups: int = Field(
        5, ge=0, le=25, description="demo: groups a class in the ward, all of them test; 0 leaves the ward out"
    )
    ward_clips: int = Field(2, ge=1, description="demo: clips a ward group")
    frames_per_clip: int = Field(16, ge=8, description="demo: frames rendered a clip, at 12.5 a second")

    @model_validator(mode="after")
    def _demo_counts(self):
        if self.kind == "demo" and None in (self.test_clips, self.val_clips, self.train_clips):
            raise ValueError("kind demo needs test_clips, val_clips and train_clips; extend the demo profile")
        return self


class ModelConfig(Section):
    name: str = Field("clipaction-compact", max_length=200, description="open_clip model name")
    pretrained: File = Field(
        "package", description="`package` (weights shipped here), an open_clip tag (openai), or a weights file"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field("auto", description="auto: fp32 on a CPU, fp16 on a GPU")
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto: a GPU when there is one")


class MaskingConfig(Section):
    percents: tuple[Annotated[int, Field(ge=1, le=99)], ...] = Field(
        (10, 30, 50), min_length=1, description="masked area, % of the frame"
    )
    shapes: tuple[Shape, ...] = Field(
        ("square", "circle", "ellipse", "triangle", "stripes", "border", "patches", "blob"),
        min_length=1,
        description="what the mask looks like",
    )
    placements: tuple[Literal["centre", "random"], ...] = Field(
        ("centre", "random"), min_length=1, description="where it lies"
    )
    motions: tuple[Literal["still", "moving"], ...] = Field(
        ("still", "moving"), min_length=1, description="whether it moves over the clip"
    )
    also: tuple[Condition, ...] = Field((), description="further conditions by name, such as a mask that you drew")


class RegionsConfig(Section):
    sources: tuple[Source, ...] = Field(
        ("truth", "motion"),
        min_length=1,
        description="how actor, prop and background are found; the first one makes the main tables",
    )
    boxes: File | None = Field(
        None, description="UCF101-24's finalAnnots.mat for the source boxes; data/ucf101/ when empty"
    )
    parts: tuple[Part, ...] = Field(
        ("actor", "head", "limbs", "prop", "actor+prop", "background", "text", "relevant"),
        min_length=1,
        description="what is hidden or isolated; relevant is the 20 % most relevant pixels, relevant30 30 %",
    )
    fills: tuple[Literal["mean", "blur", "soft"], ...] = Field(
        ("mean", "blur", "soft"),
        description="sensitivity checks: the 30 % square and the actor-and-prop box not in black",
    )
    controls: tuple[Literal["control", "cells"], ...] = Field(
        ("control", "cells"), description="equal-area controls: the same mask elsewhere, random cells"
    )
    grains: tuple[Literal["silhouette", "box", "plate"], ...] = Field(
        ("silhouette", "box", "plate"), min_length=1, description="how it is hidden; plate needs the demo's clean plate"
    )


class LossWeights(Section):
    """Weights of the terms of the noise's loss; 0 switches a term off."""

    ce: float = Field(1.0, ge=0, description="cross-entropy of the noisy frame over the class texts")
    pair: float = Field(
        0.0, ge=0, description="pair term: the true class with its noise against every class with its own"
    )
    hinge: float = Field(0.03, ge=0, description="a class's noise must not drag other classes' frames to it")
    confidence: float = Field(0.1, ge=0, description="no confident answer on frames whose actor is removed")
    tv: float = Field(0.01, ge=0, description="total variation of the noise")
    agreement: float = Field(0.1, ge=0, description="same answer on two differently masked versions of a frame")


class NoiseConfig(Section):
    eps: float = Field(
        16.0,
        gt=0,
        le=255,
        description="size of the noise, in 1/255: of the largest change of a pixel, or of their root mean square",
    )
    eps_of: dict[Noise, Annotated[float, Field(gt=0, le=255)]] = Field(
        {}, description="another eps for single noises, by name (see noise/learning.py), chosen on validation clips"
    )
    anchor: Source = Field(
        "motion", description="region source that tells anchored noise where the action is, from the frames alone"
    )
    norm: Literal["linf", "l2"] = Field("linf", description="which of the two eps bounds")
    gate: Literal["posterior", "features"] = Field(
        "features",
        description="what mixes the noises: the model's own posterior, or a linear "
        "probe on its clean features, fitted to the training views",
    )
    temperature: float = Field(1.0, gt=0, description="gate posterior: temperature T of pi = softmax(s / (tau T))")
    steps: int = Field(300, ge=1, description="optimiser steps a variant")
    batch: int = Field(64, ge=4, description="frames a step, in two views of each clip frame")
    lr: float = Field(
        0.15, gt=0, description="Adam's learning rate, in units of the squashed parameter (delta = eps tanh theta)"
    )
    validate_every: int = Field(50, ge=1, description="steps between validations, of which the best is kept")
    patience: int = Field(4, ge=1, description="validations in a row that may be no better before training stops")
    resolution: int = Field(48, ge=2, description="side of the learned noise before it is upsampled to the frame, px")
    swap: float = Field(
        0.9, ge=0, le=1, description="share of training views whose scene is another clip's (where truth is known)"
    )
    mask: float = Field(0.5, ge=0, le=1, description="share of training views with a black box of 5-50 % of the frame")
    views: int = Field(4, ge=1, description="views of every training frame that probe and prompts learn from")
    margin: float = Field(0.0, ge=0, description="margin of the hinge, in logits")
    shortlist: int = Field(3, ge=2, description="k of shortlist-k")
    loss: LossWeights = LossWeights()
    ablation_steps: int = Field(
        0, ge=0, description="steps of each of the twenty trainings of the ablation (tab06); 0: no ablation"
    )
    unseen_steps: int = Field(
        0, ge=0, description="steps of each training of the study of unseen classes (tab10); 0: no such study"
    )
    search_steps: int = Field(
        0, ge=0, description="steps of each training of the search for settings (tab11); 0: no search"
    )


class BaselinesConfig(Section):
    enabled: bool = Field(True, description="train the networks: frame CNN, CNN + GRU, MC3-18")
    epochs: int = Field(14, ge=1, description="passes over the training clips")
    epochs_of: dict[Network, Annotated[int, Field(ge=1)]] = Field(
        {}, description="another number of passes for single networks, by name"
    )
    lr: float = Field(3e-3, gt=0, description="AdamW's largest learning rate")
    weights: Literal["auto", "none", "kinetics"] = Field(
        "auto",
        description="what MC3-18 starts from: none is from scratch; auto is Kinetics-400 where it can be downloaded",
    )


class Profile(Section):
    name: Name = Field(description="names results/<name> and figures/<name>")
    title: str = Field(max_length=200, description="one line for the report; {model} becomes the model's name")
    extensions: tuple[File, ...] = Field(
        (), description="Python files that add shapes, sources, methods, figures or tables; imported with the profile"
    )
    seed: int = Field(0, ge=0, description="of everything drawn at random")
    frames: int = Field(8, ge=1, le=256, description="frames a clip, T: the centres of T equal segments")
    batch: int = Field(32, ge=1, le=2**16, description="frames a forward pass")
    dataset: DatasetConfig
    model: ModelConfig = ModelConfig()
    masking: MaskingConfig = MaskingConfig()
    regions: RegionsConfig = RegionsConfig()
    noise: NoiseConfig = NoiseConfig()
    baselines: BaselinesConfig = BaselinesConfig()

    @model_validator(mode="after")
    def _known_of_these_videos(self):
        kind = self.dataset.kind
        for source, others in (("truth", ("folder", "ucf101")), ("boxes", ("demo",))):
            if source in self.regions.sources and kind in others:
                raise ValueError(f"regions.sources: {source} is not known of {kind} videos; choose motion or detector")
        if self.regions.grains == ("plate",) and kind in ("folder", "ucf101"):
            raise ValueError("regions.grains: plate needs the demo's clean plates; add silhouette or box")
        return self

    def dump(self, *sections: str) -> dict[str, Any]:
        """The named sections (all when none) as plain JSON types."""
        return self.model_dump(mode="json", include=set(sections) or None)

    def key(self, *sections: str) -> str:
        """16 hex digits that change when any value of the named sections (all when none) does."""
        return digest(self.dump(*sections))[:16]
