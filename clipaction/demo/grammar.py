"""Captions: a small grammar over person, action, prop and scene; some captions leave parts out.

A caption carries the facts it states. It is true of every image with those facts, so all such images of a training
batch are its positives. With 16 actions in 14 scenes, a plain contrastive loss would treat many true captions as
false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .actions import ACTIONS
from .scenes import SCENE_WORDS

TEMPLATES = (
    "a photo of {}.",
    "a video frame of {}.",
    "{}.",
    "an image of {}.",
    "a picture of {}.",
    "a blurry photo of {}.",
    "a drawing of {}.",
    "a still of {}.",
)


@dataclass(frozen=True)
class Caption:
    """A sentence and the facts it states: action, scene, person. None: not mentioned; '': said to be absent."""

    text: str
    action: str | None = None
    scene: str | None = None
    person: str | None = None


def caption(rng: np.random.Generator, action: str | None, scene: str | None, person: str | None, say=None) -> Caption:
    """A random sentence about an image. `action` None: nobody is there. `scene` None: the actor is cut out of it.

    `say` fixes which of action and scene are mentioned, as a pair of booleans; random when None.
    """
    if action is None:
        assert scene is not None  # an image of nobody shows a scene
        empty = str(rng.choice(("an empty place", "a place with nobody", "an empty scene")))
        return Caption(_frame(rng, f"{empty} {_pick(rng, SCENE_WORDS[scene])}"), action="", scene=scene)
    tell_action, tell_scene = (
        say if say is not None else ((True, rng.random() < 0.5) if rng.random() < 0.85 else (False, True))
    )
    tell_scene = tell_scene and scene is not None
    tell_action = tell_action or not tell_scene
    who = person if person is not None and rng.random() < 0.3 else None
    words = [who if who is not None else str(rng.choice(("a person", "someone", "a human")))]
    if tell_action:
        words.append(_pick(rng, ACTIONS[action].words))
        if rng.random() < 0.2 and ACTIONS[action].prop_words:
            words.append("with " + _pick(rng, ACTIONS[action].prop_words))
    if tell_scene and scene is not None:
        words.append(_pick(rng, SCENE_WORDS[scene]))
    return Caption(
        _frame(rng, " ".join(words)),
        action if tell_action else None,
        scene if tell_scene else None,
        who,
    )


def matches(images: list[tuple], captions: list[Caption]) -> np.ndarray:
    """[I, C] bool: is the caption true of the image? An image is (action or '', scene or '', person or '')."""
    return np.array(
        [
            [
                all(said is None or said == fact for said, fact in zip((c.action, c.scene, c.person), facts))
                for c in captions
            ]
            for facts in images
        ]
    )


def _pick(rng, words) -> str:
    return str(words[rng.integers(len(words))])


def _frame(rng, text: str) -> str:
    return _pick(rng, TEMPLATES).format(text) if rng.random() < 0.8 else text
