"""Known doses of scene bias: the same images, drawn with other frequencies, and the small files that come of it.

A dose is the share of images whose scene is the action's own because it was put there. The scenes of the others are
drawn without regard to the action, so by chance some are its own, too. Actions and scenes are each as frequent at
every dose: only how they go together differs. All captions are true.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from ..base.errors import UserError
from ..base.files import replacing
from ..base.seeds import rng as named_rng
from ..vision.clip import TEMPLATES
from .actions import ACTIONS
from .batches import draw
from .samples import CLINICAL_SHARE, Facts

DOSES = (0.0, 0.25, 0.5, 0.75)
FOLDER = Path(__file__).parent / "doses"
# named in full, as keys of finished work hold the files whose names the code says
FILES = ("dose-00.safetensors", "dose-25.safetensors", "dose-50.safetensors", "dose-75.safetensors")


def dose_path(dose: float) -> Path:
    """The file of a dose's image tower and prototypes; its card is beside it."""
    return FOLDER / dict(zip(DOSES, FILES)).get(dose, f"dose-{100 * dose:g}.safetensors")


def available() -> bool:
    """Whether all doses are there; `python -m clipaction.demo.train --dose <dose>` trains one."""
    return all(dose_path(dose).is_file() for dose in DOSES)


def coupled(facts: Facts) -> bool:
    """Whether an image's scene is its action's own."""
    return ACTIONS[facts[0]].scene == facts[1]


def image_weights(facts: Sequence[Facts], dose: float) -> np.ndarray:
    """How often each image [N] is to be drawn, sums to 1.

    p(action, scene) = q(action) (dose [scene is its own] + (1 - dose) q(scene)), where home actions are alike frequent,
    clinical ones together `CLINICAL_SHARE`, and a scene as its own actions. Images with the same action and scene are
    drawn alike. UserError where the pool lacks an action in a scene.
    """
    if not 0 <= dose <= 1:
        raise UserError(f"a dose of {dose}: give a share from 0 to 1")
    there = {action for action, *_ in facts}
    clinical = {a for a in there if ACTIONS[a].clinical}
    share = CLINICAL_SHARE if clinical and there - clinical else float(bool(clinical))
    q = {a: share / len(clinical) if a in clinical else (1 - share) / len(there - clinical) for a in there}
    scene: dict[str, float] = {}
    for action, p in q.items():
        scene[ACTIONS[action].scene] = scene.get(ACTIONS[action].scene, 0) + p
    count = Counter((action, place) for action, place, _ in facts)
    wanted = {(a, s): q[a] * (dose * (ACTIONS[a].scene == s) + (1 - dose) * scene[s]) for a in there for s in scene}
    if lacking := [cell for cell, p in wanted.items() if p > 0 and not count[cell]]:
        raise UserError(f"no image of {lacking[0][0]} in the {lacking[0][1]} to draw from; render more with --images")
    weights = np.array([wanted.get((action, place), 0.0) / count[action, place] for action, place, _ in facts])
    return weights / weights.sum()


def coupled_share(
    facts: Sequence[Facts], weights: np.ndarray | None, seed: int, steps: Iterable[int], batch: int
) -> float:
    """The share of images with their action's own scene among those that the batches of these steps drew."""
    own = np.array([coupled(each) for each in facts])
    return float(np.mean([own[draw(named_rng(seed, "batch", k), len(own), batch, weights)].mean() for k in steps]))


@torch.inference_mode()
def save_dose(path: Path, model: Any, tokenizer: Any, dose: float) -> None:
    """Write a trained model's image tower (fp16) and its prototypes of all classes (float32 [C, D]); no text tower.

    The prototypes are those of `CLIP.head` for the package's templates and each class's first words.
    """
    phrases = [action.words[0] for action in ACTIONS.values()]
    texts = [template.format(phrase) for phrase in phrases for template in TEMPLATES]
    embedded = F.normalize(model.encode_text(tokenizer(texts)).float(), dim=-1)
    head = F.normalize(embedded.view(len(phrases), len(TEMPLATES), -1).mean(1), dim=-1)
    tensors = {f"visual.{name}": value for name, value in model.visual.state_dict().items()}
    tensors = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    tensors |= {"head": head, "logit_scale": model.logit_scale.detach().float()}
    facts = {"dose": f"{dose:g}", "phrases": json.dumps(phrases), "templates": json.dumps(TEMPLATES)}
    with replacing(path) as temporary:
        save_file({name: t.contiguous() for name, t in tensors.items()}, temporary, metadata=facts)
