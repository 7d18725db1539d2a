"""Invented results in the schema that notebooks 01 to 05 write, for tests of layout: random numbers, no model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from clipaction.analysis.bias import bias
from clipaction.masking.plan import hidden_condition, plan
from clipaction.profiles import load_profile

HOME = [
    *("Archery", "Basketball", "Biking", "BoxingPunchingBag", "CleanAndJerk", "GolfSwing", "JumpRope"),
    *("MoppingFloor", "PlayingGuitar", "PullUps", "PushUps", "WalkingWithDog"),
]
CLINICAL = ["FallingDown", "SittingUpInBed", "WalkingWithFrame", "StandingUpFromChair"]
SQUARE = "shape:square:30:centre:still"
GAIN = {
    "none": 0,
    "gated": 0.5,
    "shared": 0.3,
    "random": -0.1,
    "shuffled": 0.1,
    "hypothesis": 0.05,
    "shortlist-3": 0.1,
    "naive-hypothesis": -1.2,
    "offset": 0.25,
    "probe": 0.9,
    "oracle": 0.6,
    "naive-oracle": 2.5,
    "cnn": 0.2,
    "cnn-gru": 0.3,
}


def clips_table(profile, classes, clinical) -> pd.DataFrame:
    data, rows = profile.dataset, []
    scenes = ["usual", "random", "other", "random"] if data.kind == "demo" else [""] * 4
    parts = [
        ("test", range(1, 1 + data.test_groups), 4),
        ("val", range(8, 8 + data.val_groups), 2),
        ("train", range(11, 11 + data.train_groups), 2),
    ]
    home, ward = ("home", "ward") if data.kind == "demo" else ("", None)
    plan_ = [(home, cls, split, groups, n) for cls in classes for split, groups, n in parts]
    plan_ += [("ward", cls, "test", range(1, data.ward_groups + 1), 2) for cls in (*classes, *clinical) if ward]
    for domain, cls, split, groups, n in plan_:
        for group in groups:
            for clip in range(n):
                scene = "" if domain == "ward" else scenes[clip]
                rows.append(
                    {
                        "id": f"{domain}/v_{cls}_g{group:02}_c{clip + 1:02}".lstrip("/"),
                        "cls": cls,
                        "label": (*classes, *clinical).index(cls),
                        "group": f"{domain}/{cls}/g{group:02}",
                        "split": split,
                        "domain": domain,
                        "scene": scene,
                        "scene_name": scene,
                        "n_frames": 32,
                        "fps": 25.0,
                        "width": 320,
                        "height": 240,
                        "ok": True,
                        "reason": "",
                    }
                )
    return pd.DataFrame(rows)


def strength(condition: str) -> tuple[float, float]:
    """How much of the action's and of the scene's evidence a condition leaves."""
    if condition.startswith("shape:"):
        _, shape, percent, _, motion = condition.split(":")
        left = 1 - float(percent) / (60 + 12 * (len(shape) % 5))
        return left * (0.9 if motion == "still" else 1), left
    if condition.startswith("hide:actor"):
        return 0.15 if ("plate" in condition or "box" in condition) else 0.9, 1
    if condition.startswith("keep:actor"):
        return 1.0, 0.1
    return (1, 1) if condition == "none" else (0.75, 0.85)


def predict(meta, classes: int, method: str, condition: str, rng, frames: int = 0) -> pd.DataFrame:
    """Rows of a predictions table: softmax of drawn scores to which the true class and the scene's class add."""
    n, label = len(meta), meta["label"].to_numpy()
    action, scene = strength(condition)
    trait = np.random.default_rng(3).normal(0, 0.6, 64)[label]  # classes differ
    scores = np.random.default_rng(7).normal(0, 1, (n, classes)) + rng.normal(0, 0.5, (n, classes))
    scores[np.arange(n), label] += (
        action * (2.2 + trait + GAIN.get(method, 0)) * np.where(meta["domain"] == "ward", 0.7, 1)
    )
    at = np.where(meta["scene"] == "usual", label, (label + 5) % classes)
    scores[np.arange(n), at] += scene * 1.3 * (meta["scene"].to_numpy() != "random")
    levels = [scores] if not frames else [scores, *(scores + rng.normal(0, 0.8, scores.shape) for _ in range(frames))]
    tables = []
    for frame, values in enumerate(levels, -1):
        p = np.exp(1.3 * values - (1.3 * values).max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        best = np.argsort(-p, axis=1)[:, :5]
        top = np.take_along_axis(p, best, 1)
        tables.append(
            meta.rename(columns={"id": "clip"})[["clip", "cls", "label", "group", "split", "domain", "scene"]].assign(
                method=method,
                condition=condition,
                frame=frame,
                pred=best[:, 0],
                top5=[" ".join(map(str, row)) for row in best],
                p_true=p[np.arange(n), label],
                p_pred=top[:, 0],
                margin=top[:, 0] - top[:, 1],
                entropy=-(p * np.log(p)).sum(1),
                level="clip" if frame < 0 else "frame",
            )
        )
    return pd.concat(tables, ignore_index=True)


def picture(size: int, rng, seed: int) -> np.ndarray:
    """A sky, a ground and a figure, uint8 [S, S, 3]."""
    v, u = np.mgrid[:size, :size] / size
    image = np.stack([0.55 + 0.3 * v, 0.7 - 0.1 * v, 0.85 - 0.5 * v], -1)
    image[v > 0.65] = [0.45, 0.55, 0.35]
    image[(np.abs(u - 0.5 - 0.05 * np.sin(seed + 12 * v)) < 0.08) & (v > 0.25) & (v < 0.85)] = [0.7, 0.2, 0.2]
    image[np.hypot(u - 0.5, v - 0.2) < 0.08] = [0.85, 0.65, 0.5]
    return (255 * np.clip(image + rng.normal(0, 0.03, image.shape), 0, 1)).astype(np.uint8)


def masked(image: np.ndarray, condition: str) -> np.ndarray:
    out, size = image.copy(), len(image)
    if condition.startswith("shape:"):
        side = int(size * np.sqrt(float(condition.split(":")[2]) / 100) / 2)
        out[size // 2 - side : size // 2 + side, size // 2 - side : size // 2 + side] = 0
    elif condition != "none":
        out[size // 8 : -size // 8, size // 3 : -size // 3] = 0
    return out


def write_results(
    folder: Path, name: str = "demo", truth: bool = True, failed: int = 2, overrides: dict | None = None
) -> Path:
    """A results folder of the named profile; truth=False leaves out what only the demo has."""
    overrides = overrides or {}
    profile, rng = load_profile(name, overrides), np.random.default_rng(0)
    classes, clinical, hidden = HOME, CLINICAL if truth else [], hidden_condition(profile, truth)
    for part in ("predictions", "masks", "noise", "notebooks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    size = 96

    def save(table: pd.DataFrame, to: str) -> None:
        table.to_parquet(folder / f"{to}.parquet", index=False)

    clips = clips_table(profile, classes, clinical)
    broken = clips.index[-failed:] if failed else []
    clips.loc[broken, ["ok", "reason"]] = [False, "moov atom not found"]
    save(clips, "clips")
    clips = clips[clips["ok"]]
    test, ward = clips[(clips["split"] == "test") & (clips["domain"] != "ward")], clips[clips["domain"] == "ward"]
    known = ward[ward["cls"].isin(classes)]
    everything = len(classes) + len(clinical)
    (folder / "run.json").write_text(
        json.dumps(
            {
                "profile": profile.dump(),
                "title": profile.title,
                "classes": [*classes, *clinical],
                "source_classes": len(classes),
                "phrases": {},
                "frames": profile.frames,
                "model": {"name": profile.model.name, "weights_hash": "0" * 16, "tau": 0.01, "size": size},
            }
        )
    )
    home = clips[(clips["split"] != "train") & (clips["domain"] != "ward")]
    zero = [(home, len(classes)), (ward, everything)]
    save(
        pd.concat([predict(rows, wide, "clip", "none", rng, profile.frames) for rows, wide in zero if len(rows)]),
        "predictions/zero_shot",
    )
    meta = test[["id", "cls", "group", "scene"]].rename(columns={"id": "clip"})
    save(
        meta.assign(
            disagree_frames=rng.choice([0, 0.25, 0.5, 0.75], len(meta), p=[0.5, 0.25, 0.15, 0.1]),
            template_agreement=rng.beta(8, 2, len(meta)),
            offset_agreement=rng.choice([0.0, 1.0], len(meta), p=[0.2, 0.8]),
        ),
        "instability",
    )
    conditions = plan(profile)
    masking = pd.concat([predict(test, 12, "clip", c, rng) for c in conditions])
    save(masking, "predictions/masking")
    save(bias(masking, classes), "bias")
    shown = [c for c in conditions if ":30:centre:still" in c or (c.startswith(("hide", "keep")) and "@" not in c)][:24]
    example = picture(size, rng, 0)
    shown = ["none", *shown]
    np.savez_compressed(
        folder / "masks/gallery.npz", names=np.array(shown), images=np.stack([masked(example, c) for c in shown])
    )
    strip = ["none", *(f"shape:square:{p}:centre:still" for p in profile.masking.percents)]
    np.savez_compressed(
        folder / "masks/strip.npz", names=np.array(strip), images=np.stack([masked(example, c) for c in strip])
    )
    scores = [
        meta[["clip", "group"]].assign(source=s, part="actor+prop", iou=rng.beta(6, 4, len(meta)))
        for s in ("motion", "centre prior")
        if truth
    ]
    save(
        pd.concat(scores) if truth else pd.DataFrame(columns=["source", "part", "clip", "group", "iou"]),
        "region_scores",
    )
    methods = [m for m in GAIN if not m.startswith("cnn")]
    slow = ("hypothesis", "shortlist-3", "naive-hypothesis")  # run on unmasked clips only
    pairs = [(m, c) for m in methods for c in ("none", SQUARE, hidden)[: 1 if m in slow else 3]]
    save(pd.concat([predict(test, 12, m, c, rng) for m, c in pairs]), "predictions/noise")
    save(
        pd.concat([predict(test, 12, m, "none", rng) for m in ("none", "gated", "shared", "probe")]),
        "predictions/calibrated",
    )
    eps, low = profile.noise.eps / 255, rng.normal(0, 1, (14, 3, 8, 8))
    delta = (eps * np.tanh(low.repeat(12, 2).repeat(12, 3))).astype(np.float32)
    for variant, part in (("gated", delta[:12]), ("shared", delta[12:13]), ("naive", delta[:12] * 0.9)):
        save_file({"delta": part}, folder / f"noise/{variant}.safetensors", metadata={"eps": str(profile.noise.eps)})
    steps, curves = np.arange(1, profile.noise.steps + 1), []
    for k, variant in enumerate(("gated", "shared", "naive")):
        loss = 0.6 + 0.2 * k + 0.8 * np.exp(-steps / 60) + rng.normal(0, 0.08, len(steps))
        val = np.where(
            (steps % 50 == 0) | (steps == steps[-1]), -0.9 + 0.1 * (2 - k) * (1 - np.exp(-steps / 80)), np.nan
        )
        curves.append(pd.DataFrame({"step": steps, "loss": loss, "ce": loss * 0.8, "val": val, "variant": variant}))
    save(pd.concat(curves), "noise/curves")
    of = len(test) * 11 // 12
    save(
        pd.DataFrame(
            [
                {"variant": v, "cls": c, "hits": int(of * r), "of": of, "rate": int(of * r) / of}
                for v, r in (("none", 0.03), ("gated", 0.035), ("naive", 0.47))
                for c in classes
            ]
        ),
        "noise/attack",
    )
    settings = [
        "no noise",
        "all terms",
        "cross-entropy only",
        "with pair",
        "without hinge",
        "without confidence",
        "without tv",
        "without agreement",
    ]
    rows = [
        {
            "condition": c,
            "n_clips": 72,
            "acc": (a := base + 0.02 * rng.normal()),
            "low": a - 0.08,
            "high": a + 0.08,
            "confidence": a - 0.03,
            "ece": abs(rng.normal(0.08, 0.02)),
            "ce": 1 - a,
            "change": 0.7 - a,
            "change_low": 0.6 - a,
            "change_high": 0.8 - a,
            "attack": 0.05,
            "setting": s,
            "steps": profile.noise.ablation_steps,
        }
        for s in settings
        for c, base in (("none", 0.74), (SQUARE, 0.45))
    ]
    save(pd.DataFrame(rows if profile.noise.ablation_steps else []), "noise/ablation")
    share = rng.beta(4, 6, len(meta))
    share = {m: np.clip(share + d + rng.normal(0, 0.04, len(meta)), 0, 1) for m, d in (("none", 0), ("gated", 0.06))}
    relevance = pd.concat(
        [meta[["clip", "cls", "group"]].assign(method=m, share=value, area=0.14) for m, value in share.items()]
    )
    save(relevance if truth else relevance.head(0), "relevance")
    v, u = np.mgrid[:size, :size] / size
    maps = np.stack([np.exp(-((u - 0.3 - 0.1 * k) ** 2 + (v - 0.4) ** 2) / 0.03) for k in range(6)]).astype(np.float32)
    if truth:
        np.savez_compressed(
            folder / "relevance.npz",
            clips=meta["clip"].to_numpy()[::70][:6].astype("U"),
            before=maps[:5],
            after=maps[1:6],
            frames=np.stack([picture(size, rng, k) for k in range(5)]),
        )
    if len(ward):
        pairs = [(m, c) for m in ("none", "gated", "shared") for c in ("none", SQUARE)]
        save(pd.concat([predict(ward, everything, m, c, rng) for m, c in pairs]), "predictions/ward")
    if profile.baselines.enabled:
        parts = [(test, "none"), (test, SQUARE), (test, hidden), (known, "none"), (known, SQUARE)]
        save(
            pd.concat([predict(rows, 12, m, c, rng) for rows, c in parts if len(rows) for m in ("cnn", "cnn-gru")]),
            "predictions/baselines",
        )
    save(
        pd.DataFrame(
            {
                "step": ["decode", "zero shot", "masking", "noise", "ward"],
                "seconds": [21.0, 9.5, 240.2, 180.7, 33.1],
                "items": [900, 568, 57000, 600, 160],
                "unit": ["clip", "clip", "clip", "step", "clip"],
            }
        ),
        "timing",
    )
    (folder / "environment.json").write_text(
        json.dumps({"python": "3.12.1", "system": "Linux x86_64", "processor": "invented", "cores": "2"})
    )
    return folder
