"""The explorers: ipywidgets around plain functions that also run without a front end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as W
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from ..base.errors import UserError
from ..masking.masks import MOTIONS, PLACEMENTS
from ..masking.regions import SOURCES
from ..masking.shapes import SHAPES
from ..noise.apply import action_boxes, with_anchored_noise
from ..noise.gates import gated_noise
from ..noise.learning import load_learned
from ..noise.parameters import add
from ..noise.protocols import HEADLINE
from ..study import Study
from ..vision.clip import clips_to_input
from . import pictures

WHAT = ["whole frame", "shape", "hide", "isolate"]
PARTS = ["actor+prop", "actor", "head", "limbs", "prop", "background", "text", "most relevant"]
ANCHORED = (HEADLINE, "anchored")
NOISES = ["none", *ANCHORED, "gated", "shared", "class"]


def nothing_idle(**_: Any) -> set[str]:
    return set()


def explorer(draw: Callable[..., Figure], idle: Callable[..., set[str]] = nothing_idle, **controls: W.Widget) -> W.VBox:
    """Controls above the picture that `draw(**values)` returns; drawn now, and again whenever a control moves.
    `idle(**values)` names the controls that have no effect: they are not shown."""
    picture = W.Output()

    def refresh(_: object = None) -> None:
        values = {name: control.value for name, control in controls.items()}
        hidden = idle(**values)
        for name, control in controls.items():
            control.layout.display = "none" if name in hidden else None
        with picture:
            picture.clear_output(wait=True)
            try:
                display(draw(**values))
            except UserError as error:
                print(error)
            plt.close("all")

    for control in controls.values():
        control.observe(refresh, "value")
    refresh()
    # Side by side, so that the picture stays in sight.
    knobs = W.Box(list(controls.values()), layout=W.Layout(flex_flow="row wrap", max_width="900px"))
    return W.VBox([knobs, picture])


def buttons(options: list[str], value: str) -> W.ToggleButtons:
    """A row of buttons, in line with the knobs below."""
    return W.ToggleButtons(options=options, value=value, layout=W.Layout(width="100%", margin="2px 2px 2px 90px"))


def menu(**options: Any) -> W.Dropdown:
    """A dropdown with a layout of its own: menus come and go one by one."""
    return W.Dropdown(**options, layout=W.Layout(width="260px"))


def clip_picker(study: Study) -> W.Dropdown:
    """The test clips, by class."""
    test = study.clips("test")
    options = [(f"{cls} · {name}", name) for cls, name in zip(test["cls"], test["clip"])]
    return W.Dropdown(options=options, description="clip", layout=W.Layout(width="420px"))


def condition_name(
    what: str,
    shape: str,
    percent: int,
    placement: str,
    motion: str,
    part: str,
    grain: str,
    source: str,
    control: bool,
) -> str:
    """The condition that the mask explorer's knobs spell."""
    if what == "whole frame":
        return "none"
    if what == "shape":
        return f"shape:{shape}:{percent}:{placement}:{motion}"
    kind, prefix = {"hide": "hide", "isolate": "keep"}[what], "control:" if control else ""
    if part == "most relevant":
        return f"{prefix}{kind}:relevant{percent}:silhouette"
    return f"{prefix}{kind}:{part}:{grain}{'' if source == 'truth' else f'@{source}'}"


def idle_knobs(what: str, part: str, **_: Any) -> set[str]:
    """The mask explorer's knobs that do not change the condition."""
    shape, region = {"shape", "percent", "placement", "motion"}, {"part", "grain", "source", "control"}
    if what == "whole frame":
        return shape | region
    if what == "shape":
        return region
    return shape - {"percent"} | {"grain", "source"} if part == "most relevant" else shape


def mask_explorer(study: Study) -> W.VBox:
    """Choose a clip and a mask; see the frames and CLIP's answer."""
    wanted = {*study.profile.regions.sources, "motion"} | ({"truth"} if study.store.parts is not None else set())
    sources = [name for name in SOURCES if name in wanted and name != "relevance"]
    grains = ["silhouette", "box", *(["plate"] if study.store.plates is not None else [])]

    def draw(clip: str, **knobs: Any) -> Figure:
        return pictures.draw_masked(study, clip, condition_name(**knobs))

    return explorer(
        draw,
        idle_knobs,
        clip=clip_picker(study),
        what=buttons(WHAT, "shape"),
        shape=menu(options=list(SHAPES), description="shape"),
        percent=W.IntSlider(30, 1, 90, description="area, %", continuous_update=False),
        placement=menu(options=PLACEMENTS, description="place"),
        motion=menu(options=MOTIONS, description="motion"),
        part=menu(options=PARTS, description="part"),
        grain=menu(options=grains, description="grain"),
        source=menu(options=sources, description="found by"),
        control=W.Checkbox(False, description="same mask elsewhere"),
    )


def noisy_frames(
    study: Study, clip: pd.DataFrame, method: str, strength: float = 1.0, of: str | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Frames uint8 [T, S, S, 3] of a clip (a one-row table) with noise, and the boxes [T, S, S] of what moves where
    the noise is anchored to them. method, strength, of: see `draw_noisy`."""
    learned, source = load_learned(study), study.profile.noise.anchor
    x, boxes = clips_to_input(study.store.get(clip["row"])), None
    if method == "class":
        noisy = add(x[0], strength * learned.noises["naive"][study.classes.index(of or study.classes[0])])
    elif method == "gated":
        arguments = study.clip, study.head(), x[0], learned.noises["gated"], learned.gates["gated"]
        noisy = add(x[0], strength * gated_noise(*arguments))
    elif method in ANCHORED:
        noise, gate = strength * learned.noises[method], learned.gates.get(method)
        noisy = with_anchored_noise(study.clip, study.head(), x, noise, source, gate)[0]
        boxes = action_boxes(x, source)[0].numpy()
    else:
        noisy = add(x[0], strength * learned.noises["shared"]) if method == "shared" else x[0]
    return (noisy.permute(0, 2, 3, 1).cpu().numpy() * 255 + 0.5).astype(np.uint8), boxes


def draw_noisy(
    study: Study, clip_id: str, method: str = HEADLINE, strength: float = 1.0, of: str | None = None
) -> Figure:
    """A clip with noise, and CLIP's answer. method: one of NOISES, where 'class' is the naive noise of class `of`,
    whatever the clip shows. strength: factor of the noise. The box that anchored noise is put in is drawn faintly."""
    clip = study.meta[study.meta["clip"] == clip_id]
    frames, boxes = noisy_frames(study, clip, method, strength, of)
    name = f"{method} {of}" if method == "class" else method
    return pictures.judged(study, frames, f"{clip['cls'].iloc[0]} · {name} noise x {strength:g}", boxes)


def idle_noise_knobs(method: str, **_: Any) -> set[str]:
    """The noise explorer's knobs that change nothing."""
    return {"class": set(), "none": {"of", "strength"}}.get(method, {"of"})


def noise_explorer(study: Study) -> W.VBox:
    """Choose a clip and a noise, and how strong; 'class' adds the naive noise of any class, also a wrong one."""
    return explorer(
        partial(draw_noisy, study),
        idle_noise_knobs,
        clip_id=clip_picker(study),
        method=buttons(NOISES, HEADLINE),
        of=W.Dropdown(options=study.classes[: study.n_source], description="class"),
        strength=W.FloatSlider(1.0, min=0, max=2, step=0.1, description="strength", continuous_update=False),
    )
