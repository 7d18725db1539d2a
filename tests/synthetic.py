"""Invented results in the schema that notebooks 01 to 05 write, for tests of layout: random numbers, no model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from clipaction.analysis import dose
from clipaction.analysis.bias import bias
from clipaction.analysis.doubtful import sought
from clipaction.analysis.tempering import calibrated
from clipaction.evaluate.predictions import META, prediction_rows
from clipaction.masking.plan import hidden_condition, plan
from clipaction.profiles import load_profile

HOME = [
    *("Archery", "Basketball", "Biking", "BoxingPunchingBag", "CleanAndJerk", "GolfSwing", "JumpRope"),
    *("MoppingFloor", "PlayingGuitar", "PullUps", "PushUps", "WalkingWithDog"),
]
CLINICAL = ["FallingDown", "SittingUpInBed", "WalkingWithFrame", "StandingUpFromChair"]
SQUARE = "shape:square:30:centre:still"
HELDOUT = "shape:stripes:30:centre:still"  # a mask shape that no training view had
GAIN = {
    "none": 0,
    "anchored": 0.6,
    "anchored-class": 0.7,
    "gated": 0.5,
    "shared": 0.3,
    "random": -0.1,
    "shuffled": 0.1,
    "hypothesis": 0.05,
    "shortlist-3": 0.1,
    "naive-hypothesis": -1.2,
    "offset": 0.25,
    "probe": 0.9,
    "clip+probe": 1.0,
    "anchored+probe": 1.2,
    "anchored-class-real": 0.3,
    "red-circle": -0.1,
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


def predict(meta, classes: int, method: str, condition: str, rng, frames: int = 0, keep: bool = False) -> pd.DataFrame:
    """Rows of a predictions table: softmax of drawn scores to which the true class and the scene's class add; keep:
    with their log-probabilities."""
    n, label = len(meta), meta["label"].to_numpy()
    action, scene = strength(condition)
    trait = np.random.default_rng(3).normal(0, 0.6, 64)[label]  # classes differ
    scores = np.random.default_rng(7).normal(0, 1, (n, classes)) + rng.normal(0, 0.5, (n, classes))
    scores[np.arange(n), label] += (
        action * (2.2 + trait + GAIN.get(method, 0)) * np.where(meta["domain"] == "ward", 0.7, 1)
    )
    at = np.where(meta["scene"] == "usual", label, (label + 5) % classes)
    scores[np.arange(n), at] += scene * 1.3 * (meta["scene"].to_numpy() != "random")
    noise = rng.normal(0, 0.8, (n, frames, classes)) if frames else None
    frame_scores = None if noise is None else scores[:, None] + noise
    rows = meta.rename(columns={"id": "clip"})[META].reset_index(drop=True)
    return prediction_rows(scores, frame_scores, rows, 1 / 1.3, method, condition, scores=keep)


def dose_table(test: pd.DataFrame, rng) -> pd.DataFrame:
    """Measures of models with known doses and of the profile's own, without noise and with a probe."""
    tables, all_of = [], (dose.WHOLE, dose.GONE, dose.BOX, dose.CONTROL, dose.ISOLATED)
    for model, known in (*((f"{d:.0%}", d) for d in dose.DOSES), (dose.OWN, np.nan)):
        for method, conditions in (("none", all_of), ("probe", all_of[:2])):
            rows = dose.values_of(pd.concat([predict(test, 12, method, c, rng) for c in conditions]))
            tables.append(rows.assign(model=model, dose=known, method=method))
        share = tables[-1][tables[-1]["measure"] == "accuracy"].assign(measure="relevance", method="none")
        tables.append(share.assign(value=rng.beta(4, 6, len(share))))
    return pd.concat(tables, ignore_index=True)[dose.COLUMNS]


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
    facts = {"row": range(len(meta)), "area": 0.1, "border": 0.05, "middle": 0.1, "doubt": ""}
    parts = sought(profile) or {"none": ""}  # a profile may have no source that finds actors
    save(pd.concat([meta.assign(source=s, part=part, **facts) for s, part in parts.items()]), "region_checks")
    methods = [m for m in GAIN if not m.startswith("cnn")]
    slow = ("hypothesis", "shortlist-3", "naive-hypothesis")  # run on unmasked clips only
    pairs = [(m, c) for m in methods for c in ("none", SQUARE, HELDOUT, hidden)[: 1 if m in slow else 4]]
    noise = pd.concat([predict(test, 12, m, c, rng, keep=True) for m, c in pairs])
    save(noise, "predictions/noise")
    fitted = [m for m in methods if m not in slow and "oracle" not in m]
    val = clips[(clips["split"] == "val") & (clips["domain"] != "ward")]
    tempered = [predict(val, 12, m, c, rng, keep=True) for m, c in pairs if m in fitted and c != HELDOUT]
    save(calibrated(pd.concat(tempered), noise), "predictions/calibrated")
    eps, low = profile.noise.eps / 255, rng.normal(0, 1, (14, 3, 8, 8))
    delta = (eps * np.tanh(low.repeat(12, 2).repeat(12, 3))).astype(np.float32)
    noises = {"anchored": 3 * delta[12:], "anchored-class": 3 * delta[:13], "shared": delta[12:13]}
    noises |= dict.fromkeys(("gated", "posterior", "hypothesis", "naive"), delta[:12])
    noises |= {"anchored-class-real": 3 * delta[:13]} if truth else {}
    for variant, part in noises.items():
        own = profile.noise.eps * (3 if "anchored" in variant else 1)
        save_file({"delta": part}, folder / f"noise/{variant}.safetensors", metadata={"eps": str(own)})
    steps, curves = np.arange(1, profile.noise.steps + 1), []
    for k, variant in enumerate(noises):
        loss = 0.6 + 0.1 * k + 0.8 * np.exp(-steps / 60) + rng.normal(0, 0.08, len(steps))
        val = np.where(
            (steps % 50 == 0) | (steps == steps[-1]), -0.9 + 0.05 * (6 - k) * (1 - np.exp(-steps / 80)), np.nan
        )
        curves.append(pd.DataFrame({"step": steps, "loss": loss, "ce": loss * 0.8, "val": val, "variant": variant}))
    save(pd.concat(curves), "noise/curves")
    of = len(test) * 11 // 12
    attacks = {"none": 0.03, "anchored-class": 0.04, "gated": 0.035, "hypothesis": 0.05, "naive": 0.47}
    save(
        pd.DataFrame(
            [
                {"variant": v, "cls": c, "successes": int(of * r), "of": of, "rate": int(of * r) / of}
                for v, r in attacks.items()
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
    share, shifts = rng.beta(4, 6, len(meta)), {"none": 0, "anchored-class": 0.1, "anchored": 0.08, "gated": 0.06}
    share = {m: np.clip(share + d + rng.normal(0, 0.04, len(meta)), 0, 1) for m, d in shifts.items()}
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
            noisy=np.stack([picture(size, rng, k) for k in range(5)]),
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
    if truth:
        save(dose_table(test, rng), "dose")
    save(
        pd.DataFrame(
            {
                "step": ["decode", "zero shot", "masking", "noise", "ward"],
                "seconds": [21.0, 9.5, 240.2, 180.7, 33.1],
                "items": [900, 568, 57000, 600, 160],
                "unit": ["clip", "clip", "clip", "step", "clip"],
                "frames": [0, 2272, 228000, 90000, 640],
                "learned": [0, 0, 0, 40000, 0],
            }
        ),
        "timing",
    )
    (folder / "environment.json").write_text(
        json.dumps({"python": "3.12.1", "system": "Linux x86_64", "processor": "invented", "cores": "2"})
    )
    return folder
