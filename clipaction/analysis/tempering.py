"""Confidence mended without touching the answers: one temperature a method, fitted on validation clips (Guo et al.
2017)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
import torch

from ..evaluate.calibration import temperature
from ..noise.views import validation_batches


def tempered(x: torch.Tensor, protocol: Callable, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A protocol's scores divided by a temperature."""
    clips, frames = protocol(x)
    return clips / temperature, frames / temperature


def calibrated(study, methods: Mapping[str, Callable], val: pd.DataFrame) -> dict[str, Callable]:
    """The same label-free methods, each at a temperature of its own, fitted on `validation_batches`."""
    found: dict[str, Callable] = {}
    for name, protocol in methods.items():
        scores, labels = zip(*((protocol(x)[0].cpu(), y) for x, y in validation_batches(study, val)))
        fitted = temperature(torch.cat(scores) / study.clip.tau, torch.cat(labels))
        found[name] = partial(tempered, protocol=protocol, temperature=fitted)
    return found
