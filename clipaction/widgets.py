"""The explorers: ipywidgets as a thin shell over plain functions that also run without a front end."""

from __future__ import annotations

from functools import partial

import ipywidgets as W
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from matplotlib.figure import Figure

from . import experiments, masks, noise, pictures, regions
from .clip import to_input
from .errors import UserError
from .study import Study


def explorer(draw, idle=lambda **values: (), **controls: W.Widget) -> W.VBox:
    """Controls above the picture `draw(**values)` returns; drawn once now and again whenever a control moves. `idle(**values)` names the
    controls that have no effect: they are not shown."""
    picture = W.Output()

    def refresh(_=None):
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
    knobs = W.Box(list(controls.values()), layout=W.Layout(flex_flow="row wrap", max_width="900px"))  # side by side: the picture stays in sight
    return W.VBox([knobs, picture])


def buttons(options: list[str], value: str) -> W.ToggleButtons:
    """A row of buttons, in line with the knobs below."""
    return W.ToggleButtons(options=options, value=value, layout=W.Layout(width="100%", margin="2px 2px 2px 90px"))


def clip_picker(study: Study) -> W.Dropdown:
    """The test clips, by class."""
    test = study.clips("test")
    return W.Dropdown(options=[(f"{cls} · {name}", name) for cls, name in zip(test["cls"], test["clip"])], description="clip", layout=W.Layout(width="420px"))


def condition_name(what: str, shape: str, percent: int, placement: str, motion: str, part: str, grain: str, source: str, control: bool) -> str:
    """The condition that the mask explorer's knobs spell."""
    if what == "whole frame":
        return "none"
    if what == "shape":
        return f"shape:{shape}:{percent}:{placement}:{motion}"
    kind, control = {"hide": "hide", "isolate": "keep"}[what], "control:" if control else ""
    if part == "most relevant":
        return f"{control}{kind}:relevant{percent}:silhouette"
    return f"{control}{kind}:{part}:{grain}{'' if source == 'truth' else f'@{source}'}"


def idle(what: str, part: str, **_) -> set[str]:
    """The mask explorer's knobs that have no part in the condition."""
    shape, region = {"shape", "percent", "placement", "motion"}, {"part", "grain", "source", "control"}
    if what == "whole frame":
        return shape | region
    return region if what == "shape" else shape - {"percent"} | {"grain", "source"} if part == "most relevant" else shape


def mask_explorer(study: Study) -> W.VBox:
    """Choose a clip and a mask; see the frames and what CLIP makes of them."""
    given = {*study.profile.regions.sources, "motion"} | ({"truth"} if study.store.parts is not None else set())
    sources = [source for source in regions.SOURCES if source in given and source != "relevance"]

    def draw(clip, **knobs) -> Figure:
        return pictures.draw_masked(study, clip, condition_name(**knobs))

    pick = lambda **options: W.Dropdown(**options, layout=W.Layout(width="260px"))  # noqa: E731  (a layout each: they come and go one by one)
    return explorer(
        draw,
        idle,
        clip=clip_picker(study),
        what=buttons(["whole frame", "shape", "hide", "isolate"], "shape"),
        shape=pick(options=masks.SHAPES, description="shape"),
        percent=W.IntSlider(30, 1, 90, description="area, %", continuous_update=False),
        placement=pick(options=masks.PLACEMENTS, description="place"),
        motion=pick(options=masks.MOTIONS, description="motion"),
        part=pick(options=["actor+prop", "actor", "head", "limbs", "prop", "background", "text", "most relevant"], description="part"),
        grain=pick(options=["silhouette", "box", *(["plate"] if study.store.plates is not None else [])], description="grain"),
        source=pick(options=sources, description="found by"),
        control=W.Checkbox(False, description="same mask elsewhere"),
    )


def draw_noisy(study: Study, clip_id: str, method: str = "gated", strength: float = 1.0, of: str | None = None) -> Figure:
    """A clip with noise and what CLIP makes of it. method: none, gated, shared or class (the noise of class `of` on this clip, whatever it shows)."""
    learned = experiments.load_learned(study)
    clip = study.meta[study.meta["clip"] == clip_id]
    frames = study.store.get(clip["row"])[0]
    x = to_input(frames)
    if method == "gated":
        delta = noise.worn(study.clip, study.head(), x, learned["gated"], experiments.load_gate(study))
    else:
        delta = {"none": torch.zeros(1), "shared": learned["shared"], "class": learned["naive"][[study.classes.index(of or study.classes[0])]]}[method]
    noisy = noise.add(x, strength * delta)
    shown = (noisy.permute(0, 2, 3, 1).numpy() * 255 + 0.5).astype(np.uint8)
    return pictures.judged(study, shown, f"{clip['cls'].iloc[0]} · {method}{f' {of}' if method == 'class' else ''} noise x {strength:g}")


def noise_explorer(study: Study) -> W.VBox:
    """Choose a clip and a noise, and how strong; 'class' lets you add the naive noise of any class, also a wrong one."""
    return explorer(
        partial(draw_noisy, study),
        lambda method, **_: set() if method == "class" else {"of"},
        clip_id=clip_picker(study),
        method=buttons(["none", "gated", "shared", "class"], "gated"),
        of=W.Dropdown(options=study.classes[: study.n_source], description="class"),
        strength=W.FloatSlider(1.0, min=0, max=2, step=0.1, description="strength", continuous_update=False),
    )

