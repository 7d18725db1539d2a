"""Another domain: what was learned at the source, tested elsewhere; and the networks on the same clips."""

from __future__ import annotations

import pandas as pd
import torch

from ..evaluate.judge import evaluate_methods
from ..masking.plan import SQUARE, hidden_condition
from ..noise.learning import Learned, setup_of
from ..noise.protocols import HEADLINE, build_protocols
from ..rivals.fitting import network_protocols


def evaluate_away(study, away: pd.DataFrame, learned: Learned) -> pd.DataFrame:
    """CLIP without noise and with the noises that take one or two forward passes, on another domain; all its classes
    compete, also those without noise."""
    setup = setup_of(study, learned, all_classes=True)
    methods = build_protocols(setup, ["none", HEADLINE, "anchored", "gated", "shared"])
    return evaluate_methods(study, away, methods, ["none", SQUARE], "ward")


def evaluate_networks(
    study, models: dict[str, torch.nn.Module], test: pd.DataFrame, away: pd.DataFrame
) -> pd.DataFrame:
    """The networks on the source's test clips, and on the other domain's clips of the classes that they know."""
    known = away[away["label"] < study.n_source].reset_index(drop=True)
    hidden = hidden_condition(study.profile, study.store.plates is not None)
    methods = network_protocols(study, models)
    tables = [evaluate_methods(study, test, methods, ["none", SQUARE, hidden], "networks")]
    if len(known):
        tables.append(evaluate_methods(study, known, methods, ["none", SQUARE], "networks"))
    return pd.concat(tables, ignore_index=True)
