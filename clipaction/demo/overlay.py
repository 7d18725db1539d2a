"""Burnt-in text in a corner of the frame, as in many videos: a date, a camera's number, a word.

It says nothing about the action, so hiding it should change nothing. It is the control among the parts that can be
hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .draw import TEXT

WORDS = ("REC", "LIVE", "REPLAY", "PLAY", "CH 5", "DEMO", "TAKE 2")
COLOURS = ((1.0, 1.0, 1.0), (1.0, 0.9, 0.3), (0.75, 1.0, 0.75))


@dataclass(frozen=True)
class Overlay:
    """A line of text in a corner (row and column, each 0 or 1); height is a share of the frame's."""

    text: str
    corner: tuple[int, int]
    height: float
    colour: tuple[float, float, float]

    @classmethod
    def sample(cls, rng: np.random.Generator, share: float, surveillance: bool = False) -> Overlay | None:
        """An overlay with probability `share`, else None; a surveillance camera writes its number and the time."""
        time = f"{rng.integers(24):02d}:{rng.integers(60):02d}"
        date = f"{rng.integers(1, 29):02d}.{rng.integers(1, 13):02d}.20{rng.integers(8, 25):02d}"
        text = (
            f"CAM {rng.integers(1, 9)}  {time}"
            if surveillance
            else str(rng.choice([date, f"{date}  {time}", str(rng.choice(WORDS))]))
        )
        overlay = cls(
            text,
            (int(rng.integers(2)), int(rng.integers(2))),
            float(rng.uniform(0.065, 0.095)),
            COLOURS[rng.integers(len(COLOURS))],
        )
        return overlay if rng.random() < share else None

    def burn(self, image: np.ndarray, labels: np.ndarray) -> None:
        """Write the text onto a frame [H, W, 3] float in [0, 1] and into its labels [H, W], in place."""
        h, w = labels.shape
        letters, shadow = _glyphs(self.text, round(self.height * h))
        (gh, gw), margin = letters.shape, round(0.04 * h)
        v, u = (margin, h - margin - gh)[self.corner[0]], (margin, w - margin - gw)[self.corner[1]]
        at = np.s_[v : v + gh, u : u + gw]
        image[at] *= 1 - 0.6 * shadow[..., None]
        image[at] += letters[..., None] * (np.asarray(self.colour, np.float32) - image[at])
        labels[at][letters >= 0.5] = TEXT


@lru_cache(maxsize=256)
def _glyphs(text: str, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Coverage float32 [h, w] in [0, 1] of the letters, `height` pixels high, and of their shadow."""
    font = ImageFont.load_default(size=height)
    left, top, right, bottom = font.getbbox(text)
    shape = Image.new("L", (int(right - left) + 3, int(bottom - top) + 3))
    ImageDraw.Draw(shape).text((1 - left, 1 - top), text, fill=255, font=font)
    letters = np.asarray(shape, np.float32) / 255
    return letters, np.maximum(letters, np.roll(letters, (1, 1), (0, 1)))
