"""Several methods on the same clips. Labels reach only methods that are registered as bounds (`uses_label`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from ..vision.clip import clips_to_input
from .methods import find_method
from .predictions import prediction_rows


def labelled_batches(study, meta: pd.DataFrame, condition: str) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Clips under a condition as (images [n, T, 3, S, S] in [0, 1], labels [n])."""
    labels, at = torch.tensor(meta["label"].tolist()), 0
    for frames in study.masked(meta, condition):
        yield clips_to_input(frames), labels[at : at + len(frames)]
        at += len(frames)


def evaluate_methods(
    study,
    meta: pd.DataFrame,
    methods: Mapping[str, Callable],
    conditions: Sequence[str],
    step: str = "noise",
    head: torch.Tensor | None = None,
) -> pd.DataFrame:
    """Clip-level predictions of methods (images -> scores, by name) under conditions; those of label-free methods are
    kept in predictions/<step>/. The methods' facts are noted in methods.json."""
    tables = []
    for name, protocol in methods.items():
        if find_method(name).uses_label:
            tables += [_evaluate_bound(study, meta, name, protocol, condition) for condition in conditions]
            continue
        options = {"protocol": protocol, "method": name, "frames": False, "head": head}
        tables.append(study.evaluate(meta, conditions, step, **options))
    note_methods(study, list(methods))
    return pd.concat(tables, ignore_index=True)


def _evaluate_bound(study, meta: pd.DataFrame, name: str, protocol: Callable, condition: str) -> pd.DataFrame:
    """A method that is told each clip's class. Kept apart, so that no label-free method shares a line with it."""
    batches = labelled_batches(study, meta, condition)
    scores = [protocol(x, labels=labels)[0].cpu().numpy() for x, labels in batches]
    return prediction_rows(np.concatenate(scores), None, meta, study.clip.tau, name, condition)


def note_methods(study, names: Sequence[str]) -> None:
    """Add what methods are to results/<profile>/methods.json, which the figures read."""
    path = study.results / "methods.json"
    try:
        earlier = json.loads(path.read_text())
    except (OSError, ValueError):
        earlier = {}
    study.record("methods", earlier | describe_methods(names))


def describe_methods(names: Sequence[str]) -> dict[str, dict]:
    """{name: its facts} of methods, for the figures, which may be drawn where a notebook's own methods are not
    registered."""
    facts = ("label", "kind", "colour", "marker", "labels", "uses_label")
    return {name: {fact: getattr(find_method(name), fact) for fact in facts} for name in names}
