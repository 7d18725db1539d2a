"""Numbers with their uncertainty, all from the tidy prediction table (one row a clip or frame, method and condition).

Intervals are 95 % percentile intervals of a bootstrap that resamples *groups* (a person, scene and camera), because clips of one group
resemble each other and are not independent evidence; they are expanded for small numbers of groups (Hesterberg 2015, The American
Statistician 69:371). Everything is deterministic by seed and independent of the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.stats import norm, t
from sklearn.metrics import confusion_matrix
from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from .errors import UserError
from .seeds import rng

Interval = tuple[float, float, float]  # estimate, low, high
Columns = str | Sequence[str]


def _array(values, name: str) -> np.ndarray:
    """Float array of `values`; UserError when it is empty or holds NaN."""
    values = np.asarray(values, dtype=float)
    if not len(values):
        raise UserError(f"{name}: no rows; the step that makes them has not run or the selection is empty")
    if np.isnan(values).any():
        raise UserError(f"{name}: {np.isnan(values).any(axis=tuple(range(1, values.ndim))).sum()} of {len(values)} rows are NaN; "
                        "drop or recompute them first")
    return values


def _pair(a, b, name: str) -> tuple[np.ndarray, np.ndarray]:
    a, b = _array(a, name), _array(b, name)
    if a.shape != b.shape:
        raise UserError(f"{name}: {len(a)} rows against {len(b)}; both must describe the same clips in the same order")
    return a, b


def hits(predictions: pd.DataFrame) -> np.ndarray:
    """Bool [n]: is each row's prediction its label?"""
    return predictions["pred"].to_numpy() == predictions["label"].to_numpy()


def in_top5(predictions: pd.DataFrame) -> np.ndarray:
    """Bool [n]: is the label among the space-joined five best classes?"""
    return np.array([str(label) in best.split() for label, best in zip(predictions["label"], predictions["top5"])], dtype=bool)


def accuracy(predictions: pd.DataFrame) -> float:
    return float(_array(hits(predictions), "accuracy").mean())


def top5(predictions: pd.DataFrame) -> float:
    return float(_array(in_top5(predictions), "top5").mean())


@lru_cache(maxsize=16)
def _resamples(groups: int, n: int, seed: int) -> np.ndarray:
    """[n, groups]: how often each group is drawn in each of n resamples of `groups` groups with replacement."""
    return rng(seed, "bootstrap").multinomial(groups, np.full(groups, 1 / groups), size=n).astype(float)


def _group_sums(values: np.ndarray, groups) -> tuple[np.ndarray, np.ndarray]:
    """Per group (sorted by name): column sums [G,k] of values [m,k], and the number of rows [G]."""
    names, index = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    if len(index) != len(values):
        raise UserError(f"bootstrap: {len(values)} values but {len(index)} groups; give one group a row")
    sums = np.stack([np.bincount(index, column, len(names)) for column in values.T], axis=1)
    return sums, np.bincount(index, minlength=len(names)).astype(float)


def _mean(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sizes


def _tail(groups: int) -> float:
    """Hesterberg's lower quantile level: 0.025 for many groups, less for few, as Student's t and the n/(n-1) of a variance ask."""
    return float(norm.cdf(-np.sqrt(groups / (groups - 1)) * t.ppf(0.975, groups - 1)))


def bootstrap_groups(values, groups, n: int = 2000, seed: int = 0, statistic: Callable = _mean) -> Interval:
    """(estimate, low, high) of the mean of `values` [m] over rows, 95 % percentile interval over resampled `groups` [m].

    values may be [m,k] with statistic(sums [..., k], sizes [...]) -> [...], any function of column sums and row counts.
    A single group says nothing about other groups: low and high are NaN. A paired difference is bootstrap_groups(a - b, groups).
    Groups are not stratified by class, so intervals include the (small, conservative) variation of the class mix.
    """
    values = _array(values, "bootstrap")
    sums, sizes = _group_sums(values.reshape(len(values), -1), groups)
    estimate = float(statistic(sums.sum(0), sizes.sum()))
    if len(sizes) < 2:
        return estimate, float("nan"), float("nan")
    counts = _resamples(len(sizes), n, seed)
    low, high = np.quantile(statistic(counts @ sums, counts @ sizes), [_tail(len(sizes)), 1 - _tail(len(sizes))])
    return estimate, float(low), float(high)


def proportion(hit, groups, n: int = 2000, seed: int = 0) -> Interval:
    """bootstrap_groups for a share of yes/no rows; where all rows agree (0 or 1) the bootstrap has no spread, and the interval
    is Clopper-Pearson's with the groups as the sample (as if a group's clips were one observation: conservative)."""
    estimate, low, high = bootstrap_groups(hit, groups, n, seed)
    if estimate in (0.0, 1.0):
        size = len(np.unique(np.asarray(groups).astype(str)))
        low, high = proportion_confint(round(estimate * size), size, method="beta")
    return estimate, float(low), float(high)


def mcnemar(a_correct, b_correct) -> tuple[int, int, float]:
    """(fixed, broken, p): clips wrong in a and right in b, the reverse, and McNemar's exact two-sided p. Takes clips as independent."""
    a, b = (v.astype(bool) for v in _pair(a_correct, b_correct, "mcnemar"))
    fixed, broken = int((~a & b).sum()), int((a & ~b).sum())
    return fixed, broken, float(exact_mcnemar([[0, broken], [fixed, 0]], exact=True).pvalue) if fixed + broken else 1.0


@lru_cache(maxsize=4)
def _signs(groups: int, n: int, seed: int) -> np.ndarray:
    return rng(seed, "sign_flip").choice([-1.0, 1.0], size=(n, groups))


def sign_flip(differences, groups, n: int = 9999, seed: int = 0) -> float:
    """Two-sided p of a mean paired difference of zero, flipping the sign of whole groups: McNemar's question without its independence."""
    differences = _array(differences, "sign_flip")
    sums = _group_sums(differences[:, None], groups)[0][:, 0]
    extreme = np.abs(_signs(len(sums), n, seed) @ sums) >= abs(sums.sum()) - 1e-9
    return float((1 + extreme.sum()) / (n + 1))


def holm(pvalues) -> np.ndarray:
    """Holm's step-down adjusted p values, in the order given."""
    return multipletests(_array(pvalues, "holm"), method="holm")[1]


def _bins(confidence: np.ndarray, bins: int, binning: str) -> tuple[np.ndarray, np.ndarray]:
    """(edges [bins+1], bin of each row); bins are (low, high] as in Guo et al.; ties share a bin, so order cannot matter."""
    if binning not in ("width", "mass"):
        raise UserError(f"binning '{binning}': use 'width' or 'mass'")
    if confidence.min() < 0 or confidence.max() > 1 + 1e-6:
        raise UserError(f"confidence outside [0,1] ({confidence.min():.3g} to {confidence.max():.3g}); give probabilities, not scores")
    edges = np.linspace(0, 1, bins + 1) if binning == "width" else np.quantile(confidence, np.linspace(0, 1, bins + 1))
    return edges, np.searchsorted(edges[1:-1], confidence, side="left")


def _gaps(confidence, correct, bins: int, binning: str) -> np.ndarray:
    """[m, bins]: confidence - correct of each row, in the column of its bin."""
    confidence, correct = _pair(confidence, correct, "calibration")
    return np.eye(bins)[_bins(confidence, bins, binning)[1]] * (confidence - correct)[:, None]


def expected_calibration_error(confidence, correct, bins: int = 10, binning: str = "width") -> float:
    """sum over bins of share x |accuracy - mean confidence| (Guo et al. 2017, arXiv:1706.04599).

    binning 'width' (default, theirs): equal-width bins of [0,1]; 'mass': as many clips a bin. Small samples bias it upwards.
    """
    return float(np.abs(_gaps(confidence, correct, bins, binning).sum(0)).sum() / len(np.asarray(correct)))


def calibration_interval(confidence, correct, groups, bins: int = 10, binning: str = "width", n: int = 2000, seed: int = 0) -> Interval:
    """ECE with its interval over groups (bins held fixed). ECE is an absolute value and resampling inflates it further, so the
    interval is the basic one (2 x estimate - quantile), clipped to [0,1] and widened to hold the estimate."""
    ece, low, high = bootstrap_groups(_gaps(confidence, correct, bins, binning), groups, n, seed,
                                      lambda sums, sizes: np.abs(sums).sum(-1) / sizes)
    return ece, float(np.clip(2 * ece - high, 0, ece)), float(np.clip(2 * ece - low, ece, 1))


def reliability_curve(confidence, correct, bins: int = 10, binning: str = "width") -> pd.DataFrame:
    """One row a non-empty bin: low, high (edges), n, confidence, accuracy, acc_low, acc_high (Wilson, clips as independent)."""
    confidence, correct = _pair(confidence, correct, "reliability")
    edges, index = _bins(confidence, bins, binning)
    table = pd.DataFrame({"bin": index, "confidence": confidence, "accuracy": correct}).groupby("bin").agg(
        n=("accuracy", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean")).reset_index()
    low, high = proportion_confint(table["accuracy"] * table["n"], table["n"], method="wilson")
    table.insert(0, "low", edges[table["bin"]])
    table.insert(1, "high", edges[table["bin"] + 1])
    return table.drop(columns="bin").assign(acc_low=low, acc_high=high)


def _named(names: str, values: Sequence) -> dict:
    return dict(zip(names.split(), values, strict=True))


def _clip_rows(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    rows = predictions[predictions["level"] == "clip"]
    if rows.empty:
        raise UserError(f"{name}: the prediction table holds no clip-level rows; run the step that writes it")
    return rows


def summarise(predictions: pd.DataFrame, by: Columns = (), seed: int = 0) -> pd.DataFrame:
    """One row a cell of `by`, of the clip-level rows: n_clips, n_groups, acc (acc_low, acc_high), top5, confidence, confidence_wrong
    (mean confidence of wrong answers; NaN where none is wrong), ece (ece_low, ece_high), entropy."""
    records = []
    for key, rows in _cells(_clip_rows(predictions, "summarise"), by):
        hit, p, entropy = hits(rows), _array(rows["p_pred"], "p_pred"), _array(rows["entropy"], "entropy")
        records.append({**key, "n_clips": rows["clip"].nunique(), "n_groups": rows["group"].nunique(),
                        **_named("acc acc_low acc_high", proportion(hit, rows["group"], seed=seed)), "top5": top5(rows),
                        "confidence": p.mean(), "confidence_wrong": np.nan if hit.all() else p[~hit].mean(),
                        **_named("ece ece_low ece_high", calibration_interval(p, hit, rows["group"], seed=seed)),
                        "entropy": entropy.mean()})
    return pd.DataFrame(records)


def _cells(table: pd.DataFrame, by: Columns):
    """(dict of the key, rows) for each cell of `by`, sorted; the whole table when `by` is empty."""
    by = [by] if isinstance(by, str) else list(by)
    return [(dict(zip(by, key)), rows) for key, rows in table.groupby(by, observed=True, dropna=False)] if by else [({}, table)]


def _paired(a: pd.DataFrame, b: pd.DataFrame, seed: int) -> dict:
    """What changes from a to b, both rows of the same clips in the same order."""
    before, after, groups = hits(a), hits(b), a["group"]
    diff = after.astype(float) - before
    return {"n_clips": len(a), "n_groups": groups.nunique(), "acc": after.mean(), "acc_baseline": before.mean(),
            **_named("diff low high", bootstrap_groups(diff, groups, seed=seed)), **_named("fixed broken p", mcnemar(before, after)),
            "p_group": sign_flip(diff, groups, seed=seed), "flip": (a["pred"].to_numpy() != b["pred"].to_numpy()).mean(),
            **_named("confidence_diff confidence_low confidence_high",
                     bootstrap_groups(b["p_pred"].to_numpy() - a["p_pred"].to_numpy(), groups, seed=seed))}


def compare(predictions: pd.DataFrame, baseline: str | Mapping[str, str], on: str = "condition", by: Columns = (),
            seed: int = 0) -> pd.DataFrame:
    """Each value of column `on` ('condition' or 'method') against its baseline, clip by clip, within each cell of `by`.

    baseline: one value for all, or {value: its own baseline}, e.g. a region condition and its equal-area control.
    Columns: by, `on`, baseline, n_clips, n_groups, acc, acc_baseline, diff (low, high: over groups), fixed, broken, p (McNemar),
    p_holm (over all rows of this call), p_group (sign flips of groups), flip (share of clips whose class changed),
    confidence_diff (confidence_low, confidence_high). Only clips present on both sides count.
    """
    records = []
    for key, rows in _cells(_clip_rows(predictions, "compare"), by):
        repeated = rows["clip"][rows.duplicated([on, "clip"])]
        if len(repeated):
            raise UserError(f"compare on '{on}': clip {repeated.iloc[0]} occurs twice; add the columns that tell its rows apart to `by`")
        sides = {value: side.set_index("clip").sort_index() for value, side in rows.groupby(on, observed=True)}
        pairs = baseline if isinstance(baseline, Mapping) else {value: baseline for value in sides if value != baseline}
        for value, other in pairs.items():
            if missing := {value, other} - set(sides):
                raise UserError(f"compare on '{on}': no rows for {', '.join(sorted(missing))} {key or ''}; run that {on} first")
            shared = sides[value].index.intersection(sides[other].index)
            if shared.empty:
                raise UserError(f"compare on '{on}': {value} and {other} have no clip in common")
            records.append({**key, on: value, "baseline": other, **_paired(sides[other].loc[shared], sides[value].loc[shared], seed)})
    if not records:
        raise UserError(f"compare on '{on}': nothing beside the baseline {baseline}; run another {on} first")
    table = pd.DataFrame(records)
    table.insert(table.columns.get_loc("p") + 1, "p_holm", holm(table["p"]))
    return table


def background_reliance(predictions: pd.DataFrame, hidden: str = "hide:actor+prop:plate", by: Columns = ("cls",),
                        seed: int = 0) -> pd.DataFrame:
    """What the background alone earns: summarise() of condition `hidden` (actor and prop gone), its acc renamed `reliance`, plus `acc`
    of condition 'none' on the same cells. Chance is one over the number of classes; an honest model's confidence here is low."""
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
    """clip, disagree_frames: share of a clip's frames whose class differs from the clip's own (one method, one condition)."""
    clips = _clip_rows(predictions, "frame_disagreement").set_index("clip")["pred"]
    frames = predictions[predictions["level"] == "frame"]
    if frames.empty or not clips.index.is_unique:
        raise UserError("frame_disagreement: needs frame-level rows of one method and one condition; select them first")
    return (frames["pred"] != frames["clip"].map(clips)).groupby(frames["clip"]).mean().rename("disagree_frames").reset_index()
