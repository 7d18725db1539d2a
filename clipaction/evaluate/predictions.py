"""The table of predictions, from which every number comes: one row for each clip (and frame), method and condition."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from ..base.errors import UserError

META = ["clip", "cls", "label", "group", "split", "domain", "scene"]  # what is known of a clip, in every row


def prediction_rows(
    clip_scores: np.ndarray,
    frame_scores: np.ndarray | None,
    meta: pd.DataFrame,
    tau: float,
    method: str,
    condition: str,
    scores: bool = False,
) -> pd.DataFrame:
    """Scores as prediction rows: one a clip, then one a frame if frame_scores are given.

    clip_scores [N, C] and frame_scores [N, T, C] are cosines; probabilities are softmax(scores / tau). meta: N rows
    with the columns META. Columns of the result: META, method, condition, level ('clip' or 'frame'), frame (-1 for a
    clip), pred, top5 (the five best classes, joined by spaces), p_true, p_pred, margin (best minus second probability),
    entropy (nats), and two proper scores of the whole distribution (Gneiting and Raftery 2007), lower is better: nll,
    the negative log-likelihood of the label in nats, and brier, sum over classes of (p - 1[class is the label])^2 in
    [0, 2]. nll comes from the log-softmax, so it is finite also where p_true is too small for a number. scores: whether
    clip rows keep the log-probability of every class, float32 [C], in the column `scores`; frame rows have None there.
    """
    table = _rows(clip_scores, meta, np.full(len(meta), -1), tau, scores).assign(level="clip")
    if frame_scores is not None:
        n, t, c = frame_scores.shape
        repeated, numbers = meta.loc[meta.index.repeat(t)], np.tile(np.arange(t), n)
        frames = _rows(frame_scores.reshape(n * t, c), repeated, numbers, tau).assign(level="frame")
        table = pd.concat([table, frames.assign(scores=None) if scores else frames], ignore_index=True)
    table.insert(len(META), "method", method)
    table.insert(len(META) + 1, "condition", condition)
    return table


def _rows(scores: np.ndarray, meta: pd.DataFrame, frame: np.ndarray, tau: float, keep: bool = False) -> pd.DataFrame:
    """Rows of one level; `frame` [n] numbers them. Computed in float64, whatever the encoder's precision."""
    logits = np.asarray(scores, np.float64) / tau
    logp = log_softmax(logits, axis=1)
    p, order = np.exp(logp), np.argsort(-logits, axis=1, kind="stable")
    label, rows = meta["label"].to_numpy(), np.arange(len(meta))
    table = (
        meta[META]
        .reset_index(drop=True)
        .assign(
            frame=frame,
            pred=order[:, 0],
            top5=[" ".join(map(str, best)) for best in order[:, :5]],
            p_true=p[rows, label],
            p_pred=p[rows, order[:, 0]],
            margin=p[rows, order[:, 0]] - p[rows, order[:, 1]],
            entropy=-(p * logp).sum(1),
            nll=-logp[rows, label],
            brier=((p - np.eye(p.shape[1])[label]) ** 2).sum(1),
        )
    )
    return table.assign(scores=list(logp.astype(np.float32))) if keep else table


def log_probabilities(predictions: pd.DataFrame) -> np.ndarray:
    """float64 [n, C]: the log-probabilities that clip-level rows kept (column `scores`).

    Raises UserError where they were not kept, or where rows know different numbers of classes.
    """
    kept = predictions.get("scores")
    if kept is None or not len(kept) or kept.isna().any():
        raise UserError("no scores in these prediction rows; evaluate the method with scores=True and take clip rows")
    if len(widths := sorted(set(map(len, kept)))) > 1:
        raise UserError(f"prediction rows of {widths} classes together; take those of one set of classes")
    return np.stack(kept.to_list()).astype(np.float64)


def validation_rows(predictions: pd.DataFrame, what: str) -> pd.DataFrame:
    """The rows as they are. Raises UserError if any is of another split than 'val': `what` is fitted with labels."""
    if other := set(predictions["split"]) - {"val"}:
        raise UserError(f"{what}: rows of {', '.join(sorted(other))} clips; only validation clips may choose it")
    return predictions


def correct(predictions: pd.DataFrame) -> np.ndarray:
    """Bool [n]: whether each row's prediction is its label."""
    return predictions["pred"].to_numpy() == predictions["label"].to_numpy()


def in_top5(predictions: pd.DataFrame) -> np.ndarray:
    """Bool [n]: whether the label is among the five best classes of each row."""
    return np.array(
        [str(label) in best.split() for label, best in zip(predictions["label"], predictions["top5"])], bool
    )


def accuracy(predictions: pd.DataFrame) -> float:
    """Share of rows whose prediction is right, in [0, 1]. Raises UserError without rows."""
    return float(checked(correct(predictions), "accuracy").mean())


def top5(predictions: pd.DataFrame) -> float:
    """Share of rows whose label is among the five best classes, in [0, 1]. Raises UserError without rows."""
    return float(checked(in_top5(predictions), "top5").mean())


def checked(values, name: str) -> np.ndarray:
    """`values` as a float array. Raises UserError, naming `name`, when it is empty or holds NaN."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        raise UserError(f"{name}: no rows; run the step that makes them, or widen the selection")
    if np.isnan(values).any():
        missing = np.isnan(values).any(axis=tuple(range(1, values.ndim))).sum()
        raise UserError(f"{name}: {missing} of {len(values)} rows are NaN; drop or recompute them first")
    return values


def checked_pair(a, b, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Two float arrays of the same shape. Raises UserError otherwise, and as `checked` does."""
    a, b = checked(a, name), checked(b, name)
    if a.shape != b.shape:
        raise UserError(f"{name}: {len(a)} rows against {len(b)}; both must describe the same clips in the same order")
    return a, b
