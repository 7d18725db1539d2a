"""Render the demo world: clip specifications by seed, AVI files named as UCF-101 names them, exact truth beside each.

A group shares person, scene and camera, as in UCF-101; groups 1-7 test, 8-10 validate, 11-25 train. In training groups the scene is the
action's own with the probability the compact CLIP was trained with; test groups hold a known share of clips whose scene is the
usual one, a random one, or another action's. The ward (a hospital at night) is a domain of its own, for testing only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ..errors import UserError
from ..paths import data_dir
from ..seeds import rng as named_rng
from .actions import ACTIONS, Style, draw_action
from .draw import FOREGROUND, Camera, Canvas
from .figure import Person
from .overlay import Overlay
from .scenes import LAYOUTS, paint
from .truth import save_truth

HEIGHT, WIDTH, FPS = 240, 320, 25
MARGIN = (12, 16)  # the canvas is larger than the frame by this much on every side: room for camera shake
TEST_GROUPS, VAL_GROUPS, TRAIN_GROUPS = range(1, 8), range(8, 11), range(11, 26)
TEST_SCENES = ("usual", "random", "other", "random", "usual", "other", "random")  # of test groups 1..7
CLIP_MB_A_FRAME = 0.012  # video, labels and plate on disk
USUAL_SHARE = 0.45  # how often a training scene is the action's own
TEXT_SHARE, WARD_TEXT_SHARE = 0.25, 0.6  # of groups: how many have burnt-in text
HELD_OUT_LAYOUT = LAYOUTS - 1  # test clips at home only; neither training clips nor the compact CLIP ever see it

HOME = tuple(name for name, action in ACTIONS.items() if not action.clinical)
CLINICAL = tuple(name for name, action in ACTIONS.items() if action.clinical)
HOME_SCENES = tuple(ACTIONS[name].scene for name in HOME)


@dataclass(frozen=True)
class Group:
    """What the clips of one group share."""

    domain: str
    action: str
    number: int
    split: str
    relation: str  # how the scene was chosen: usual, random, other
    scene: str
    layout: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.domain}/{self.action}/g{self.number:02d}"

    def rng(self, *names) -> np.random.Generator:
        return named_rng(self.seed, self.name, *names)


def choose_scene(relation: str, action: str, rng: np.random.Generator) -> str:
    """A home scene: the action's own, any of them, or surely another action's."""
    usual = ACTIONS[action].scene
    if relation == "usual":
        return usual
    return str(rng.choice([s for s in HOME_SCENES if relation == "random" or s != usual]))


def plan_groups(domain: str, actions, numbers, seed: int) -> list[Group]:
    """The groups of a domain; everything random is drawn from (seed, domain, action, number)."""
    groups = []
    for action in actions:
        for number in numbers:
            rng = named_rng(seed, "plan", domain, action, number)
            if domain == "ward":
                groups.append(Group(domain, action, number, "test", "usual" if ACTIONS[action].clinical else "other", "ward", int(rng.integers(LAYOUTS)), seed))
                continue
            test = number in TEST_GROUPS
            split = "test" if test else "val" if number in VAL_GROUPS else "train"
            relation = TEST_SCENES[number - 1] if test else "usual" if rng.random() < USUAL_SHARE else "random"
            layout = HELD_OUT_LAYOUT if test else int(rng.integers(HELD_OUT_LAYOUT))
            groups.append(Group(domain, action, number, split, relation, choose_scene(relation, action, rng), layout, seed))
    return groups


def sample_camera(rng: np.random.Generator, ward: bool, size: tuple[int, int], frame_height: int) -> Camera:
    """A camera for a canvas of `size` pixels around a frame of `frame_height`; the ward's hangs high and looks down."""
    jitter = lambda value, spread: float(value + spread * rng.uniform(-1, 1))  # noqa: E731
    focal = 1.85 * frame_height / size[0] * jitter(1, 0.08)
    if ward:
        return Camera(jitter(2.6, 0.15), jitter(4.9, 0.2), jitter(0.32, 0.02), focal, size)
    return Camera(jitter(1.4, 0.2), jitter(5.1, 0.3), jitter(0.085, 0.02), focal, size)


def render(canvas_rgb: np.ndarray, front, camera: Camera, action: str, person: Person, time: float, style: Style, light) -> tuple[np.ndarray, np.ndarray]:
    """Draw one moment on a painted scene: image [H, W, 3] float32 in [0, 1] before grading, labels [H, W] uint8."""
    canvas = Canvas(canvas_rgb)
    draw_action(canvas, camera, action, person, time, style, light)
    if front is not None:
        rgb, alpha = front
        canvas.blend(np.s_[:, :], alpha, rgb, FOREGROUND)
    return canvas.image, canvas.labels


def shake(rng: np.random.Generator, frames: int, still: bool) -> np.ndarray:
    """Crop offsets [F, 2] (v, u) of a hand-held camera: two slow sines an axis, whole pixels within the margin."""
    t = np.arange(frames)[:, None] / FPS
    reach = np.array(MARGIN) * (0.15 if still else rng.uniform(0.2, 0.9))
    wave = sum(rng.uniform(0.3, 0.5, 2) * np.sin(2 * np.pi * (f * t + rng.random(2))) for f in (0.35, 1.3))
    return (np.array(MARGIN) + np.rint(wave * reach)).astype(np.int16)


def write_video(path: Path, frames: np.ndarray) -> None:
    """Write uint8 frames [F, H, W, 3] as mpeg4 in AVI at 25 frames a second, aside and renamed."""
    aside = path.with_name(path.stem + ".part.avi")
    with av.open(str(aside), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 1_600_000
        stream.thread_count = 1  # the same bytes on every machine
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    os.replace(aside, path)


def render_group(group: Group, clips: int, length: int, folder: Path) -> list[dict]:
    """Render the clips of a group that are not there yet; their rows of clips.csv."""
    ward = group.domain == "ward"
    rng = group.rng("scene")
    size = (HEIGHT + 2 * MARGIN[0], WIDTH + 2 * MARGIN[1])
    camera = sample_camera(rng, ward, size, HEIGHT)
    person = Person.sample(group.rng("person"))
    view = Style.sample(group.rng("view"), group.action)
    overlay = Overlay.sample(group.rng("text"), WARD_TEXT_SHARE if ward else TEXT_SHARE, surveillance=ward)
    stage, rows = None, []
    for number in range(1, clips + 1):
        stem = f"v_{group.action}_g{group.number:02d}_c{number:02d}"
        video, truth = folder / group.domain / f"{stem}.avi", folder / group.domain / f"{stem}.truth.npz"
        rng = group.rng("clip", number)
        frames = int(round(length * rng.uniform(0.85, 1.15)))
        rows.append(
            {"id": f"{group.domain}/{stem}", "file": f"{group.domain}/{stem}.avi", "class": group.action, "group": group.name, "clip": number,
             "split": group.split, "domain": group.domain, "scene": group.relation, "scene_name": group.scene, "layout": group.layout, "frames": frames}
        )  # fmt: skip
        style, offset, start = view.vary(rng), shake(rng, frames, still=ward), float(rng.uniform(0, 1))
        if video.exists() and truth.exists():
            continue
        if stage is None:
            stage = paint(group.scene, group.layout, group.rng("paint"), camera)
            plate = to_uint8(stage.plate())
        images, labels = np.empty((frames, HEIGHT, WIDTH, 3), np.uint8), np.empty((frames, HEIGHT, WIDTH), np.uint8)
        grain = rng.normal(0, 0.03 if ward else 0.012, (HEIGHT + 64, WIDTH + 64, 1)).astype(np.float32)
        for f, (v, u) in enumerate(offset):
            crop = np.s_[v : v + HEIGHT, u : u + WIDTH]
            time = f / FPS + (0 if ACTIONS[group.action].clinical else start)
            image, label = render(stage.image, stage.front, camera, group.action, person, time, style, stage.light)
            gv, gu = rng.integers(0, 64, 2)
            image, labels[f] = stage.grade(image)[crop] + grain[gv : gv + HEIGHT, gu : gu + WIDTH], label[crop]
            if overlay:
                overlay.burn(image, labels[f])
            images[f] = to_uint8(image)
        video.parent.mkdir(parents=True, exist_ok=True)
        save_truth(truth, labels, plate, offset)
        write_video(video, images)
    return rows


def to_uint8(image: np.ndarray) -> np.ndarray:
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def plan_world(config, seed: int) -> list[tuple[Group, int]]:
    """Every group and how many clips it has, for a profile's dataset section."""
    home = HOME if config.classes is None else tuple(config.classes)
    unknown = [name for name in home if name not in ACTIONS]
    if unknown:
        raise UserError(f"the demo world has no class {unknown[0]}; choose from {', '.join(HOME)}")
    numbers = [*TEST_GROUPS[: config.test_groups], *VAL_GROUPS[: config.val_groups], *TRAIN_GROUPS[: config.train_groups]]
    clips = {"train": config.train_clips, "val": config.val_clips, "test": config.test_clips}
    jobs = [(group, clips[group.split]) for group in plan_groups("home", home, numbers, seed)]
    ward = plan_groups("ward", (*home, *CLINICAL), range(1, config.ward_groups + 1), seed)
    return jobs + [(group, config.ward_clips) for group in ward]


def ensure_world(profile, workers: int | None = None) -> Path:
    """The folder that holds a profile's rendered clips and their clips.csv, rendering on all cores what is missing.

    clips.csv is written last and clips are renamed into place, so a killed run goes on where it stopped.
    Raises UserError when the disk is too full.
    """
    config = profile.dataset
    jobs = plan_world(config, profile.seed)
    folder = data_dir() / f"demo-{world_key(jobs, config.frames_per_clip)}"
    if (folder / "clips.csv").exists():
        return folder
    total = sum(clips for _, clips in jobs)
    folder.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(folder).free / 1e6, total * config.frames_per_clip * CLIP_MB_A_FRAME
    if free < needed:
        raise UserError(f"{folder} has {free:.0f} MB free, the demo videos need {needed:.0f} MB; free some or point CLIPACTION_DATA elsewhere")
    rows = []
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool, tqdm(total=total, unit="clip", desc="rendering the demo world") as bar:
        for future in as_completed([pool.submit(render_group, group, clips, config.frames_per_clip, folder) for group, clips in jobs]):
            rows += future.result()
            bar.update(len(future.result()))
    aside = folder / "clips.csv.tmp"
    pd.DataFrame(rows).sort_values("id").to_csv(aside, index=False)
    os.replace(aside, folder / "clips.csv")
    return folder


def world_key(jobs, frames: int) -> str:
    """12 hex digits that change with the plan, the clip length and the code that renders."""
    return hashlib.sha256(repr((code_version(), jobs, frames)).encode()).hexdigest()[:12]


def code_version() -> str:
    """12 hex digits of the sources that decide what is rendered."""
    sources = (Path(__file__).parent / f"{name}.py" for name in ("draw", "figure", "actions", "overlay", "scenery", "things", "scenes", "make", "truth"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
