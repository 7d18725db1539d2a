"""Several methods on the same clips. Labels reach only methods that are registered as told the label (`uses_label`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..base import parallel
from ..base.cache import cached_table
from ..base.code import fingerprint
from ..base.errors import UserError
from ..base.files import read_json
from ..data.store import FrameStore
from ..masking.conditions import check
from ..vision.clip import clips_to_input
from .methods import find_method
from .predictions import prediction_rows
from .sweep import evaluate_together, piece_key, piece_path


def labelled_batches(study, meta: pd.DataFrame, condition: str) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Clips under a condition as (images [n, T, 3, S, S] in [0, 1], labels [n])."""
    labels, at = torch.tensor(meta["label"].tolist()), 0
    for frames in study.masked(meta, condition):
        yield clips_to_input(frames, study.clip.device), labels[at : at + len(frames)]
        at += len(frames)


def evaluate_methods(
    study,
    meta: pd.DataFrame,
    methods: Mapping[str, Callable],
    conditions: Sequence[str],
    step: str = "noise",
    scores: bool = False,
) -> pd.DataFrame:
    """Clip-level predictions of methods (images -> scores, by name) under conditions; those of label-free methods are
    kept in predictions/<step>/. The methods' facts are noted in methods.json.

    scores: whether rows keep the log-probabilities of all classes; ask for them of test and validation clips alike
    where answers are mixed or calibrated afterwards."""
    blind = {name: protocol for name, protocol in methods.items() if not find_method(name).uses_label}
    with study.clip.remembering():
        tables = [study.evaluate(meta, conditions, step, blind, frames=False, scores=scores)] if blind else []
        for name, protocol in methods.items():
            if name not in blind:
                tables += [_evaluate_told(study, meta, name, protocol, condition, scores) for condition in conditions]
    note_methods(study, list(methods))
    return pd.concat(tables, ignore_index=True)


def evaluate_frames(
    study, meta: pd.DataFrame, methods: Mapping[str, Callable], frames: np.ndarray, condition: str, step: str = "frames"
) -> pd.DataFrame:
    """Clip-level predictions, with scores, of label-free methods on frames that no condition makes, such as validation
    clips in another clip's scene.

    frames: uint8 [N, T, S, S, 3], one clip for each row of `meta`. condition: what the rows call them; it names their
    folder in predictions/<step>/, too. They are kept by the content of the frames. Raises UserError for a method that
    uses labels.
    """
    if told := [name for name in methods if find_method(name).uses_label]:
        raise UserError(f"{', '.join(told)}: told the clip's class, so evaluated by evaluate_methods alone")
    store = FrameStore(Path(fingerprint(frames)), pd.DataFrame())
    vars(store).update(frames=frames, parts=None, plates=None)
    own, folder = meta.assign(row=np.arange(len(meta))), study.results / "predictions" / step / condition
    at = {"seed": study.profile.seed, "batch": study.profile.batch}
    with study.clip.remembering():
        table = evaluate_together(study.clip, store, own, ["none"], folder, methods, **at, frames=False, scores=True)
    return table.assign(condition=condition)


def _evaluate_told(
    study, meta: pd.DataFrame, name: str, protocol: Callable, condition: str, scores: bool
) -> pd.DataFrame:
    """A method that is told each clip's class. Kept apart, so that no label-free method shares a line with it."""
    at = (study.clip, study.store, meta, check(condition), study.finders, study.profile.seed)
    key = piece_key(*at, name, fingerprint(protocol), scores, also=[_evaluate_told])

    def compute() -> pd.DataFrame:
        batches = labelled_batches(study, meta, condition)
        answers = parallel.each(
            lambda batch: protocol(batch[0], labels=batch[1])[0], batches, study.clip.device, overlapped=True
        )
        found = torch.cat(answers).cpu().numpy()
        return prediction_rows(found, None, meta, study.clip.tau, name, condition, scores)

    path = piece_path(study.results / "predictions" / "told", name, condition, meta["clip"].tolist())
    return cached_table(path, key, compute)


def note_methods(study, names: Sequence[str]) -> None:
    """Add what methods are to results/<profile>/methods.json, which the figures read."""
    earlier = read_json(study.results / "methods.json") or {}
    described = describe_methods(names).items()
    study.record("methods", earlier | {name: earlier.get(name, {}) | facts for name, facts in described})


def describe_methods(names: Sequence[str]) -> dict[str, dict]:
    """{name: its facts} of methods, for the figures, which may be drawn where a notebook's own methods are not
    registered."""
    facts = ("label", "kind", "colour", "marker", "labels", "uses_label", "section", "needs")
    return {name: {fact: getattr(find_method(name), fact) for fact in facts} for name in names}
