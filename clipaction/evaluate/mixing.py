"""Two methods' answers mixed, from rows that kept their scores: no forward pass, and no label of a test clip.

    log p = log_softmax(weight * log p_a + (1 - weight) * log p_b)

This is a weighted geometric mean of both distributions, renormalised (a logarithmic opinion pool; Genest and Zidek
1986, Statistical Science 1:114). It is the same as mixing logits: a constant added to all of them does not matter. One
weight serves all clips and conditions. It is chosen on validation clips.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch

from ..base.errors import UserError
from .methods import Method
from .predictions import log_probabilities, prediction_rows, validation_rows

WEIGHTS = tuple(k / 20 for k in range(21))  # 0, 0.05 ... 1
KEY = ["condition", "clip"]


def mix_scores(a: torch.Tensor, b: torch.Tensor, weight: float, tau: float = 1.0) -> torch.Tensor:
    """The mixture of two methods' scores [..., C] as scores tau log p, so that softmax(scores / tau) = p.

    weight: of a, in [0, 1]. tau: the temperature of both, as probabilities are softmax(scores / tau).
    """
    log_a, log_b = (scores.div(tau).log_softmax(-1) for scores in (a, b))
    return (weight * log_a + (1 - weight) * log_b).log_softmax(-1) * tau


def mixing_losses(val_a: pd.DataFrame, val_b: pd.DataFrame) -> pd.Series:
    """The mean cross-entropy (nats) of the mixture at each of WEIGHTS (the index: the weight of a) on validation rows.

    val_a, val_b: rows with `scores` of one method each, of the same validation clips under the same conditions. All
    rows count alike, but those without the actor ('hide:') are left out: a right answer there comes from the place.
    Raises UserError for rows of other clips than validation's.
    """
    val_a = with_actor(val_a)
    a, b = paired_scores(validation_rows(val_a, "a weight"), validation_rows(val_b, "a weight"))
    label = torch.tensor(val_a["label"].to_numpy())
    losses = [float(torch.nn.functional.nll_loss(mix_scores(a, b, weight), label)) for weight in WEIGHTS]
    return pd.Series(losses, pd.Index(WEIGHTS, name="weight"), name="nll")


def with_actor(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of conditions that do not hide the actor."""
    return rows[~rows["condition"].astype(str).str.startswith("hide:")]


def choose_weight(val_a: pd.DataFrame, val_b: pd.DataFrame) -> float:
    """The weight of a with the lowest of `mixing_losses`; of equal ones the lowest, which favours b."""
    return float(mixing_losses(val_a, val_b).round(9).idxmin())


def mixed_rows(rows_a: pd.DataFrame, rows_b: pd.DataFrame, weight: float, method: str) -> pd.DataFrame:
    """Prediction rows, with `scores`, of the mixture: one for each row of `rows_a`, in its order.

    rows_a, rows_b: clip rows with `scores` of one method each; b needs a row for every clip and condition of a. method:
    what the mixture is called. Labels are copied, never used.
    """
    a, b = paired_scores(rows_a, rows_b)
    mixed = mix_scores(a, b, weight).numpy()
    found = prediction_rows(mixed, None, rows_a, 1.0, method, "", scores=True)
    return found.assign(condition=rows_a["condition"].to_numpy())


def paired_scores(rows_a: pd.DataFrame, rows_b: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
    """float64 [n, C] log-probabilities of a and of b for the clips and conditions of the rows of a.

    Raises UserError for rows of several methods, where b lacks a row of a, and for other classes.
    """
    for place, rows in (("first", rows_a), ("second", rows_b)):
        if rows["method"].nunique() != 1 or rows.duplicated(KEY).any():
            raise UserError(f"mixing: the {place} table must hold one row of one method for each clip and condition")
    known, wanted = (pd.MultiIndex.from_frame(rows[KEY].astype(str)) for rows in (rows_b, rows_a))
    found = known.get_indexer(wanted)
    if missing := int((found < 0).sum()):
        which = " and ".join(rows["method"].iloc[0] for rows in (rows_a, rows_b))
        raise UserError(f"mixing {which}: {missing} rows of the first have no partner; run both on the same clips")
    a, b = log_probabilities(rows_a), log_probabilities(rows_b)[found]
    if a.shape != b.shape:
        raise UserError(f"mixing: {a.shape[1]} classes against {b.shape[1]}; both must choose among the same classes")
    return torch.from_numpy(a), torch.from_numpy(b)


def mixtures(methods: Mapping[str, Method], val: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All mixtures among `methods` whose parts have rows: their rows on the clips and conditions of `test`, and their
    weights (columns method, a, b, weight of a, n_val rows), chosen on `val`.

    val, test: clip rows with `scores` of all methods. With val also as `test` it gives the mixtures' validation rows,
    from which they are calibrated as other methods are. No rows where no method is a mixture of those given."""
    of_val, of_test = (dict(list(rows.groupby("method", sort=False, observed=True))) for rows in (val, test))
    mixed, weights = [], []
    for name, entry in methods.items():
        if len(entry.parts) != 2 or not set(entry.parts) <= set(of_val) & set(of_test):
            continue
        a, b = entry.parts
        weight = choose_weight(of_val[a], of_val[b])
        common = of_test[a][of_test[a]["condition"].isin(of_test[b]["condition"].unique())]
        mixed.append(mixed_rows(common, of_test[b], weight, name))
        weights.append({"method": name, "a": a, "b": b, "weight": weight, "n_val": len(with_actor(of_val[a]))})
    columns = ["method", "a", "b", "weight", "n_val"]
    return pd.concat([test.head(0), *mixed], ignore_index=True), pd.DataFrame(weights, columns=columns)
