"""Tables made from prediction rows: scores with intervals, paired comparisons, confusion and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from ..base.errors import UserError
from .calibration import calibration_interval
from .intervals import bootstrap_groups, proportion
from .predictions import checked, correct, top5
from .significance import fixed_broken, sign_flip

Columns = str | Sequence[str]


def summarise(predictions: pd.DataFrame, by: Columns = (), seed: int = 0) -> pd.DataFrame:
    """Scores of the clip-level rows, one row for each combination of values in the columns `by`.

    Columns: by, n_clips, n_groups, acc (acc_low, acc_high), top5, confidence, confidence_wrong (mean confidence of
    wrong answers; NaN where none is wrong), ece (ece_low, ece_high), nll (nll_low, nll_high; mean negative
    log-likelihood of the label, nats), brier (of all classes, in [0, 2]), entropy. ece looks at the answer's confidence
    alone and is low also for a model that is right as rarely as it says; nll and brier are proper scores of the whole
    distribution. Raises UserError when there are no clip-level rows.
    """
    records = []
    for key, rows in _split(_clip_rows(predictions, "summarise"), by):
        right, groups = correct(rows), rows["group"]
        p, entropy, brier = (checked(rows[name], name) for name in ("p_pred", "entropy", "brier"))
        records.append(
            {
                **key,
                "n_clips": rows["clip"].nunique(),
                "n_groups": groups.nunique(),
                **_named("acc acc_low acc_high", proportion(right, groups, seed=seed)),
                "top5": top5(rows),
                "confidence": p.mean(),
                "confidence_wrong": np.nan if right.all() else p[~right].mean(),
                **_named("ece ece_low ece_high", calibration_interval(p, right, groups, seed=seed)),
                **_named("nll nll_low nll_high", bootstrap_groups(rows["nll"], groups, seed=seed)),
                "brier": brier.mean(),
                "entropy": entropy.mean(),
            }
        )
    return pd.DataFrame(records)


def compare(
    predictions: pd.DataFrame,
    baseline: str | Mapping[str, str],
    on: str = "condition",
    by: Columns = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Each value of column `on` ('condition' or 'method') against its baseline, clip by clip, within each combination
    of `by`.

    baseline: one value for all, or {value: its own baseline}, for example a region condition and its equal-area
    control. Columns: by, `on`, baseline, n_clips, n_groups, acc, acc_baseline, diff (low, high: over groups), fixed,
    broken (counts of clips), p (two-sided, sign flips of whole groups; not corrected for the number of rows), flip
    (share of clips whose class changed), confidence_diff (confidence_low, confidence_high). Only clips present on both
    sides count. Raises UserError when a side has no rows, a clip occurs twice, or there is nothing to compare.
    """
    by, records = [by] if isinstance(by, str) else list(by), []
    needed = list(dict.fromkeys([*by, on, "clip", "group", "label", "pred", "p_pred"]))
    for key, rows in _split(_clip_rows(predictions, "compare")[needed], by):
        repeated = rows["clip"][rows.duplicated([on, "clip"])]
        if len(repeated):
            clip = repeated.iloc[0]
            raise UserError(
                f"compare on '{on}': clip {clip} occurs twice; add the columns that tell its rows apart to `by`"
            )
        sides = {value: side.set_index("clip").sort_index() for value, side in rows.groupby(on, observed=True)}
        pairs = baseline if isinstance(baseline, Mapping) else {value: baseline for value in sides if value != baseline}
        for value, other in pairs.items():
            if missing := {value, other} - set(sides):
                raise UserError(
                    f"compare on '{on}': no rows for {', '.join(sorted(missing))} {key or ''}; run that {on} first"
                )
            shared = sides[value].index.intersection(sides[other].index)
            if shared.empty:
                raise UserError(
                    f"compare on '{on}': {value} and {other} have no clip in common; run both on the same clips"
                )
            change = _paired(sides[other].loc[shared], sides[value].loc[shared], seed)
            records.append({**key, on: value, "baseline": other, **change})
    if not records:
        raise UserError(f"compare on '{on}': nothing beside the baseline {baseline}; run another {on} first")
    return pd.DataFrame(records)


def background_reliance(
    predictions: pd.DataFrame,
    hidden: str = "hide:actor+prop:plate",
    by: Columns = ("cls",),
    seed: int = 0,
) -> pd.DataFrame:
    """How often the background alone is enough: summarise() of condition `hidden`, in which actor and prop are gone.

    Its acc is renamed `reliance`; `acc` is that of condition 'none' on the same clips. Chance is one over the number of
    classes. A model that is honest has low confidence here. Raises UserError when one of the two conditions has no
    rows.
    """
    by = [by] if isinstance(by, str) else list(by)
    if missing := {"none", hidden} - set(predictions["condition"]):
        raise UserError(f"background_reliance: no rows for condition {', '.join(sorted(missing))}; run it first")
    blind, seen = (summarise(predictions[predictions["condition"] == name], by, seed) for name in (hidden, "none"))
    blind = blind.rename(columns={"acc": "reliance", "acc_low": "reliance_low", "acc_high": "reliance_high"})
    return blind.merge(seen[[*by, "acc"]], on=by) if by else blind.assign(acc=seen["acc"])


def confusion(predictions: pd.DataFrame, classes: int) -> np.ndarray:
    """int [classes, classes] counts of clip-level rows: row the true class, column the predicted one."""
    rows = _clip_rows(predictions, "confusion")
    return confusion_matrix(rows["label"], rows["pred"], labels=np.arange(classes))


def frame_disagreement(predictions: pd.DataFrame) -> pd.DataFrame:
    """Share of a clip's frames whose predicted class differs from the clip's own, for one method and one condition.

    Columns: clip, disagree_frames (in [0, 1]). Raises UserError for several methods or conditions, or without
    frame-level rows.
    """
    clips = _clip_rows(predictions, "frame_disagreement").set_index("clip")["pred"]
    frames = predictions[predictions["level"] == "frame"]
    if frames.empty or not clips.index.is_unique:
        raise UserError("frame_disagreement: needs frame-level rows of one method and one condition; select them first")
    shares = (frames["pred"] != frames["clip"].map(clips)).groupby(frames["clip"]).mean()
    return shares.rename("disagree_frames").reset_index()


def _paired(before: pd.DataFrame, after: pd.DataFrame, seed: int) -> dict:
    """What changes between two tables of the same clips in the same order."""
    was, now, groups = correct(before), correct(after), before["group"]
    diff = now.astype(float) - was
    confidence = after["p_pred"].to_numpy() - before["p_pred"].to_numpy()
    return {
        "n_clips": len(before),
        "n_groups": groups.nunique(),
        "acc": now.mean(),
        "acc_baseline": was.mean(),
        **_named("diff low high", bootstrap_groups(diff, groups, seed=seed)),
        **_named("fixed broken", fixed_broken(was, now)),
        "p": sign_flip(diff, groups, seed=seed),
        "flip": (before["pred"].to_numpy() != after["pred"].to_numpy()).mean(),
        **_named("confidence_diff confidence_low confidence_high", bootstrap_groups(confidence, groups, seed=seed)),
    }


def _split(table: pd.DataFrame, by: Columns) -> list[tuple[dict, pd.DataFrame]]:
    """({column: value}, rows) for each combination of `by`, sorted; the whole table when `by` is empty."""
    by = [by] if isinstance(by, str) else list(by)
    if not by:
        return [({}, table)]
    return [(dict(zip(by, key)), rows) for key, rows in table.groupby(by, observed=True, dropna=False)]


def _named(names: str, values: Sequence) -> dict:
    return dict(zip(names.split(), values, strict=True))


def _clip_rows(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    rows = predictions[predictions["level"] == "clip"]
    if rows.empty:
        raise UserError(f"{name}: the prediction table holds no clip-level rows; run the step that writes it")
    return rows
