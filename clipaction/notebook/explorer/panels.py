"""What the explorers show of frames: pictures as JPEG files, CLIP's answer as bars, where it looks, and the change in
words."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import torch
from PIL import Image

from ...study import Study
from ...vision.clip import to_input
from ...vision.relevance import relevance, upsample
from ...vision.zero_shot import clip_scores

TOP = 5  # classes that are shown as bars
SURE = 0.6  # the probability of an answer that is called sure


@dataclass(frozen=True)
class Answer:
    """What CLIP says to one clip: probabilities of classes [C], and of each frame [T, C]."""

    clip: np.ndarray
    frames: np.ndarray


@torch.inference_mode()
def judge(study: Study, frames: np.ndarray, prompts: Mapping[str, torch.Tensor] | None = None) -> Answer:
    """CLIP's answer to frames uint8 [T, S, S, 3] of one clip. prompts: prototypes [D] of sentences that compete with
    the classes; they are the last columns."""
    head = torch.cat([study.head(), *(vector[None] for vector in (prompts or {}).values())])
    scores = clip_scores(study.clip.encode_image(to_input(frames))[None], head)
    clip, single = ((each[0] / study.clip.tau).softmax(-1).cpu().numpy() for each in scores)
    return Answer(clip, single)


def sharp(own: np.ndarray, clean: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Frames `shown` uint8 [T, S, S, 3] in the video's own pixels [T, R, R, 3]: sharp where they are as the clean ones,
    and enlarged where a mask or noise has changed them."""
    size = own.shape[1]
    at = ((np.arange(size) + 0.5) * clean.shape[1] / size).astype(int)
    changed = (shown != clean).any(-1)[:, at][:, :, at]
    return np.where(changed[..., None], shown[:, at][:, :, at], own)


def heat(study: Study, frames: np.ndarray, target: int) -> np.ndarray:
    """Relevance of frames uint8 [T, S, S, 3] towards a class: float [T, S, S] in [0, 1] (Chefer et al. 2021)."""
    targets = study.head()[target].expand(len(frames), -1)
    found = relevance(study.clip.model, to_input(frames), targets, encode=study.clip.encode_image).cpu()
    return upsample(found, frames.shape[1:3]).numpy()


def files(frames: np.ndarray, kind: str, **options: Any) -> list[bytes]:
    """Frames uint8 [T, H, W, 3] as picture files of a kind that Pillow knows."""
    found = []
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, kind, **options)
        found.append(file.getvalue())
    return found


def jpegs(frames: np.ndarray, quality: int = 88) -> list[bytes]:
    """Frames uint8 [T, H, W, 3] as JPEG files."""
    return files(frames, "JPEG", quality=quality, subsampling=0)


def change(before: Answer, after: Answer, names: Sequence[str], label: int | None) -> tuple[str, str]:
    """('Archery 0.91 → GolfSwing 0.48: now wrong', 'wrong'): both answers with their probabilities, and a verdict:
    'right', 'wrong', or '' where the label is not known."""
    first, then = int(before.clip.argmax()), int(after.clip.argmax())
    p = after.clip[then]
    words = f"{names[first]} {before.clip[first]:.2f} → {names[then]} {p:.2f}"
    if label is None:
        return words + (": another answer" if then != first else ""), ""
    if then == label:
        return f"{words}: {'still' if first == label else 'now'} right", "right"
    sure = ", and sure" if p >= SURE else ""
    return f"{words}: {'now' if first == label else 'still'} wrong{sure}", "wrong"


def panel(
    title: str, frames: np.ndarray, answer: Answer, names: Sequence[str], classes: int, label: int | None
) -> dict:
    """One picture with its likeliest classes and the answer to each frame. classes: how many of the names are classes;
    the others are sentences of one's own."""

    def kind(c: int) -> str:
        return "true" if c == label else "prompt" if c >= classes else "other"

    def entry(p: np.ndarray, c: int) -> dict:
        return {"name": names[c], "p": float(p[c]), "kind": kind(c)}

    bars = [entry(answer.clip, int(c)) for c in answer.clip.argsort()[::-1][:TOP]]
    answers = [entry(p, int(p.argmax())) for p in answer.frames]
    return {"title": title, "frames": jpegs(frames), "bars": bars, "answers": answers}


def coloured(values: np.ndarray) -> np.ndarray:
    """Values [T, H, W] in [0, 1] as colours uint8 [T, H, W, 3]."""
    return (matplotlib.colormaps["inferno"](values)[..., :3] * 255).astype(np.uint8)
