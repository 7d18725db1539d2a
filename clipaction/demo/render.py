"""Render the clips of a group: AVI files named as UCF-101 names them, with exact ground truth beside each."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ..base.files import replacing
from .actions import ACTIONS, Style, draw_action
from .draw import FOREGROUND, Camera, Canvas
from .figure import Person
from .overlay import Overlay
from .plan import TEXT_SHARE, WARD_TEXT_SHARE, Group
from .scenery import Light
from .scenes import Stage, paint
from .truth import save_truth

HEIGHT, WIDTH = 240, 320
FPS = 12.5  # half of UCF-101's: a clip lasts as long, and a frame that no method looks at costs nothing
MARGIN = (12, 16)  # the canvas is larger than the frame by this much on every side: room for camera shake


def sample_camera(rng: np.random.Generator, ward: bool, size: tuple[int, int], frame_height: int) -> Camera:
    """A camera for a canvas of `size` pixels around a frame of `frame_height`; the ward's hangs high and looks down."""

    def around(value: float, spread: float) -> float:
        return float(value + spread * rng.uniform(-1, 1))

    focal = 1.85 * frame_height / size[0] * around(1, 0.08)
    if ward:
        return Camera(around(2.6, 0.15), around(4.9, 0.2), around(0.32, 0.02), focal, size)
    return Camera(around(1.4, 0.2), around(5.1, 0.3), around(0.085, 0.02), focal, size)


def draw_moment(
    scene: np.ndarray,
    front: tuple[np.ndarray, np.ndarray] | None,
    camera: Camera,
    action: str,
    person: Person,
    time: float,
    style: Style,
    light: Light,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the actor at `time` seconds on a painted scene [H, W, 3], and the foreground (rgb, alpha) over both.

    Returns the image [H, W, 3] float32 in [0, 1], before grading, and its labels [H, W] uint8.
    """
    canvas = Canvas(scene)
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
    """Write uint8 frames [F, H, W, 3] as mpeg4 in AVI at FPS frames a second."""
    with replacing(path) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(FPS))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 1_000_000
        stream.thread_count = 1  # the same bytes on every machine
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def render_group(group: Group, clips: int, length: int, folder: Path) -> list[dict]:
    """Render the clips of a group that are not there yet, about `length` frames each; their rows of clips.csv."""
    ward = group.domain == "ward"
    rng = group.rng("scene")
    size = (HEIGHT + 2 * MARGIN[0], WIDTH + 2 * MARGIN[1])
    camera = sample_camera(rng, ward, size, HEIGHT)
    person = Person.sample(group.rng("person"))
    view = Style.sample(group.rng("view"), group.action)
    overlay = Overlay.sample(group.rng("text"), WARD_TEXT_SHARE if ward else TEXT_SHARE, surveillance=ward)
    stage: Stage | None = None
    rows = []
    for number in range(1, clips + 1):
        name = f"{group.domain}/v_{group.action}_g{group.number:02d}_c{number:02d}"
        video, truth = folder / f"{name}.avi", folder / f"{name}.truth.npz"
        rng = group.rng("clip", number)
        frames = int(round(length * rng.uniform(0.85, 1.15)))
        rows.append(describe(group, number, name, frames))
        style, offset, start = view.vary(rng), shake(rng, frames, still=ward), float(rng.uniform(0, 1))
        if video.exists() and truth.exists():
            continue
        if stage is None:
            stage = paint(group.scene, group.layout, group.rng("paint"), camera)
        images, labels = np.empty((frames, HEIGHT, WIDTH, 3), np.uint8), np.empty((frames, HEIGHT, WIDTH), np.uint8)
        grain = rng.normal(0, 0.03 if ward else 0.012, (HEIGHT + 64, WIDTH + 64, 1)).astype(np.float32)
        for f, (v, u) in enumerate(offset):
            crop = np.s_[v : v + HEIGHT, u : u + WIDTH]
            time = f / FPS + (0 if ACTIONS[group.action].clinical else start)
            image, label = draw_moment(stage.image, stage.front, camera, group.action, person, time, style, stage.light)
            gv, gu = rng.integers(0, 64, 2)
            image, labels[f] = stage.grade(image)[crop] + grain[gv : gv + HEIGHT, gu : gu + WIDTH], label[crop]
            if overlay:
                overlay.burn(image, labels[f])
            images[f] = to_uint8(image)
        save_truth(truth, labels, to_uint8(stage.plate()), offset)
        write_video(video, images)
    return rows


def describe(group: Group, number: int, name: str, frames: int) -> dict:
    """The row of clips.csv of one clip; `name` is its path without the suffix."""
    return {
        "id": name,
        "file": f"{name}.avi",
        "class": group.action,
        "group": group.name,
        "clip": number,
        "split": group.split,
        "domain": group.domain,
        "scene": group.relation,
        "scene_name": group.scene,
        "layout": group.layout,
        "frames": frames,
    }


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Values in [0, 1] (others are clipped) to 0 to 255."""
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
