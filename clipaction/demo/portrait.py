"""One drawn figure on plain ground, to check that a loaded CLIP has working weights."""

from __future__ import annotations

import numpy as np

from .actions import Style, draw_action
from .draw import Camera, Canvas
from .figure import Person
from .scenery import Light


def portrait(action: str, size: int, seed: int = 0) -> np.ndarray:
    """A person doing `action`, side view, on light grey: float32 [size, size, 3] in [0, 1]."""
    rng = np.random.default_rng(seed)
    canvas = Canvas.blank((size, size), (0.8, 0.8, 0.8))
    camera = Camera(height=1.3, distance=4.6, pitch=0.08, focal=1.7, size=(size, size))
    draw_action(
        canvas,
        camera,
        action,
        Person.sample(rng),
        0.5,
        Style.sample(rng, action),
        Light((-0.4, -0.7), (1.0, 1.0, 1.0), 0.3),
    )
    return np.clip(canvas.image, 0, 1)
