"""Training images of the compact CLIP: rendered once and memory-mapped; several images share a painted scene."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeAlias

import numpy as np
from tqdm.auto import tqdm

from ..base.cache import Step
from ..base.files import write_text
from ..base.paths import data_dir
from ..base.seeds import rng as named_rng
from .actions import ACTIONS, Style
from .figure import Person
from .overlay import Overlay
from .plan import HELD_OUT_LAYOUT, TEXT_SHARE, USUAL_SHARE
from .render import draw_moment, sample_camera, to_uint8
from .scenes import paint

SIDE = 120  # of a training image, pixels
PER_PAINTING = 5  # images that share a painted scene, each with an actor and an action of its own
CHUNK = 10  # paintings that one process renders at a time
CLINICAL_SHARE = 0.15  # of the images: clinical actions are rare in what CLIP has read and seen

Facts: TypeAlias = tuple[str, str, str]  # action, scene, words of the person


@dataclass(frozen=True)
class Samples:
    """Images: frames and clean plates uint8 [N, 120, 120, 3], labels uint8 [N, 120, 120], and the facts of each."""

    frames: np.ndarray
    plates: np.ndarray
    labels: np.ndarray
    facts: list[Facts]


def choose_action(scene: str, relation: str | None, actions: tuple[str, ...], rng: np.random.Generator) -> str:
    """An action for a scene: its own (usual), any home action (random), or any but its own (other).

    None mixes them as training does.
    """
    own = [a for a in actions if ACTIONS[a].scene == scene]
    home = [a for a in actions if not ACTIONS[a].clinical] or list(actions)
    if own and (relation == "usual" or (relation is None and rng.random() < USUAL_SHARE)):
        return str(rng.choice(own))
    if relation is None and rng.random() < CLINICAL_SHARE:
        home = [a for a in actions if ACTIONS[a].clinical] or home
    return str(rng.choice([a for a in home if relation != "other" or a not in own]))


def render_samples(
    seed: int, index: int, actions: tuple[str, ...], held_out: bool, relation: str | None
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, Facts]]:
    """PER_PAINTING images of one painted scene: frame and plate [120, 120, 3] uint8, labels [120, 120], facts."""
    rng = named_rng(seed, "held-out" if held_out else "pool", relation, index)
    scenes = sorted({ACTIONS[a].scene for a in actions if relation is None or not ACTIONS[a].clinical})
    scene = str(rng.choice(scenes))
    size = (SIDE * 11 // 10, SIDE * 22 // 15)  # the 264 x 352 canvas at half size
    camera = sample_camera(rng, False, size, SIDE)
    stage = paint(scene, HELD_OUT_LAYOUT if held_out else int(rng.integers(HELD_OUT_LAYOUT)), rng, camera)
    plate, samples = to_uint8(stage.plate()), []
    for _ in range(PER_PAINTING):
        action, person = choose_action(scene, relation, actions, rng), Person.sample(rng)
        style, time = Style.sample(rng, action), float(rng.uniform(0.25, 1.4))
        image, labels = draw_moment(stage.image, stage.front, camera, action, person, time, style, stage.light)
        v, u = (size[0] - SIDE) // 2 + rng.integers(-4, 5), (size[1] - SIDE) // 2 + rng.integers(-6, 7)
        crop = np.s_[v : v + SIDE, u : u + SIDE]
        image, labels = stage.grade(image)[crop], labels[crop]
        if overlay := Overlay.sample(rng, TEXT_SHARE):
            overlay.burn(image, labels)
        samples.append((to_uint8(image), plate[crop], labels, (action, scene, person.words)))
    return samples


SAMPLING = Step("training images", render_samples)


def render_chunk(args: tuple) -> Samples:
    """The samples of a few paintings; for worker processes."""
    seed, indices, actions, held_out, relation = args
    samples = [sample for i in indices for sample in render_samples(seed, i, actions, held_out, relation)]
    frames, plates, labels, facts = zip(*samples)
    return Samples(np.stack(frames), np.stack(plates), np.stack(labels), list(facts))


def rendered_samples(
    count: int,
    seed: int,
    actions: tuple[str, ...],
    held_out: bool = False,
    relation: str | None = None,
    workers: int | None = None,
) -> Samples:
    """`count` rendered samples, rendered unless they are on disk under the key of everything that decides them.

    held_out: people and layouts that training never sees. relation: how scenes and actions are paired (choose_action).
    """
    count -= count % PER_PAINTING
    key = SAMPLING.key(count, seed, actions, held_out, relation)
    folder = data_dir() / "compact-clip" / f"samples-{key}"
    done = folder / "facts.json"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shapes = {"frames": (count, SIDE, SIDE, 3), "plates": (count, SIDE, SIDE, 3), "labels": (count, SIDE, SIDE)}
        # Filled in place, larger than memory; facts.json, written last, says that they are complete.
        arrays = {k: np.lib.format.open_memmap(folder / f"{k}.npy", "w+", np.uint8, s) for k, s in shapes.items()}
        paintings = range(count // PER_PAINTING)
        chunks = [(seed, paintings[i : i + CHUNK], actions, held_out, relation) for i in paintings[::CHUNK]]
        facts: list[Facts] = []
        with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool:
            progress = tqdm(total=count, unit="image", desc="rendering training images")
            for part in pool.map(render_chunk, chunks):
                rows = slice(len(facts), len(facts) + len(part.facts))
                for name, array in arrays.items():
                    array[rows] = getattr(part, name)
                facts += part.facts
                progress.update(len(part.facts))
            progress.close()
        for array in arrays.values():
            array.flush()
        write_text(done, json.dumps(facts))
    frames, plates, labels = (np.load(folder / f"{k}.npy", mmap_mode="r") for k in ("frames", "plates", "labels"))
    return Samples(frames, plates, labels, [tuple(facts) for facts in json.loads(done.read_text())])
