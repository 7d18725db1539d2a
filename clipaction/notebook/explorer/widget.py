"""The front end that both explorers share: one JavaScript module on anywidget, which needs no build step."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from threading import RLock
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure
from PIL import Image

from ...base.errors import UserError

HERE = Path(__file__).parent
STILLS = "CLIPACTION_STILLS"  # environment variable: explorers show a picture instead of knobs


def still(view: dict) -> bytes:
    """The pictures of a view with its answers as a PNG, for executed notebooks and what is made of them."""
    panels = view["panels"]
    figure = Figure(figsize=(2.6 * len(panels), 3.2), layout="constrained")
    for axes, panel in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels):
        frames = panel["frames"]
        axes.imshow(Image.open(io.BytesIO(frames[len(frames) // 2])))
        axes.set_title(panel["title"], fontsize=8)
        axes.set_axis_off()
        for line, bar in enumerate(panel.get("bars", [])[:2]):
            axes.text(0, -0.06 - 0.07 * line, f"{bar['name']} {bar['p']:.2f}", transform=axes.transAxes, fontsize=8)
    figure.suptitle(f"{view['change']}   (open this notebook in JupyterLab to turn the knobs)", fontsize=8)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()


class Explorer(anywidget.AnyWidget):
    """What goes between Python and the page. `front.js` says what each trait is for.

    A subclass sets `knobs` and overrides `look`, which says what the knobs show. A UserError becomes a line under the
    pictures; the pictures stay."""

    _esm = HERE / "front.js"
    _css = HERE / "front.css"
    clips: traitlets.List = traitlets.List().tag(sync=True)
    scene = traitlets.Dict().tag(sync=True)
    controls: traitlets.List = traitlets.List().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    knobs = traitlets.Dict().tag(sync=True)
    quiz = traitlets.Dict().tag(sync=True)
    training = traitlets.Dict().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    size = traitlets.Int().tag(sync=True)  # side of a drawn mask in pixels; 0: nothing can be drawn
    accepts = traitlets.Bool(True).tag(sync=True)  # whether sentences and videos can be added

    def __init__(self, **values: Any):
        self.lock = RLock()  # the page's messages, and a training in a thread of its own
        super().__init__(**values)
        self.on_msg(lambda _, content, buffers: self.answer(content, [bytes(part) for part in buffers]))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if os.environ.get(STILLS):  # nobody can turn knobs there
            png = base64.b64encode(still(self.view)).decode()
            return {"image/png": png, "text/plain": "The knobs need a kernel: python -m clipaction lab"}
        return super()._repr_mimebundle_(**options)

    def answer(self, content: dict, buffers: list[bytes]) -> None:
        """One message of the page: {"kind": the name of a method, without its `do_`, and what that takes}."""
        content = dict(content)
        ticket = content.pop("ticket", 0)
        with self.lock, self.hold_sync():  # the page gets all that has changed at once
            try:
                note = getattr(self, "do_" + content.pop("kind"))(buffers, **content) or ""
            except UserError as error:
                note = str(error)
            except Exception as error:  # of a shape or source of the reader's own, for example
                note = f"{type(error).__name__}: {error}"
            self.note = note
            if ticket:  # also after an error, or the page would wait for ever
                self.view = {**self.view, "ticket": ticket}

    def do_knobs(self, buffers: list[bytes], knobs: dict) -> None:
        """The reader moved a knob."""
        self.look(knobs, buffers)

    def look(self, knobs: dict, buffers: list[bytes]) -> None:
        raise NotImplementedError
