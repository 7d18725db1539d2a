"""The experiments of notebooks 04 and 05 on an open study: learn noises, use them in every way, hold them against every control."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from . import baselines, masks, noise, parallel, regions, stats
from .clip import clips_to_input, to_input
from .errors import UserError
from .evaluation import cached, key_of, predictions
from .relevance import relevance, upsample
from .seeds import rng
from .study import Study, majority, relabelled

USES_LABEL = ("oracle", "naive-oracle")  # methods that are handed the answer: bounds, never results
SQUARE = "shape:square:30:centre:still"
TERMS = ("pair", "hinge", "confidence", "tv", "agreement")  # of the loss, beside cross-entropy


def assert_disjoint(train: pd.DataFrame, val: pd.DataFrame, test: pd.DataFrame) -> None:
    """No clip and no group in two splits: what is chosen or learned never saw a test clip's people or place."""
    for column in ("clip", "group"):
        sets = [set(part[column]) for part in (train, val, test)]
        if sum(map(len, sets)) != len(set.union(*sets)):
            raise UserError(f"a {column} is in two splits; training data would leak into the test: check the data set's groups")


def training_frames(study: Study, meta: pd.DataFrame) -> noise.Frames:
    """Every frame of the clips of `meta`, with actor-and-prop regions and clean plates where there is truth."""
    rows, store = meta["row"].to_numpy(), study.store
    flat = lambda array: None if array is None else np.asarray(array[rows]).reshape(-1, *array.shape[2:])  # noqa: E731
    parts = flat(store.parts)
    region = None if parts is None else parts[:, regions.TRUTH["actor+prop"]].astype(np.uint16).sum(1).clip(max=255).astype(np.uint8)
    repeat = store.frames.shape[1]
    return noise.Frames(flat(store.frames), meta["label"].to_numpy().repeat(repeat), meta["clip"].repeat(repeat).tolist(), region, flat(store.plates))


def labelled_batches(study: Study, meta: pd.DataFrame, condition: str):
    """Clips under a condition as ([n, T, 3, S, S] in [0, 1], labels [n])."""
    labels, at = torch.tensor(meta["label"].tolist()), 0
    for frames in study.masked(meta, condition):
        yield clips_to_input(frames), labels[at : at + len(frames)]
        at += len(frames)


def validation_batches(study: Study, meta: pd.DataFrame):
    """Validation clips as ([n, T, 3, S, S] in [0, 1], labels [n]): whole, behind a 30 % square and, where truth is known, in another clip's place."""
    rows, labels = meta["row"].to_numpy(), torch.tensor(meta["label"].tolist())
    for condition in ("none", SQUARE):
        yield from labelled_batches(study, meta, condition)
    if study.store.plates is not None:
        elsewhere = np.roll(rows, len(rows) // 2 + 1)  # clips are sorted by class: another action's
        for i in range(0, len(rows), 16):
            cover = study.store.parts[rows[i : i + 16]][:, :, regions.TRUTH["actor+prop"]].astype(np.float32).sum(2).clip(max=255) / 255
            cover, place = torch.from_numpy(cover)[:, :, None], clips_to_input(study.store.plates[elsewhere[i : i + 16]])
            yield torch.lerp(place, clips_to_input(study.store.get(rows[i : i + 16])), cover), labels[i : i + 16]


@dataclass(frozen=True)
class Views:
    """Embeddings, on which rivals and gates are learned: `train` [n, D] of the very views that noise is trained on (scene-swapped, masked),
    and `val` [m, D] of the frames that choose, in T a clip; with their labels. probe: [C, D + 1], a linear probe's weights and, last, bias."""

    train: torch.Tensor
    train_labels: torch.Tensor
    val: torch.Tensor
    val_labels: torch.Tensor
    probe: torch.Tensor


@torch.no_grad()
def embed_views(study: Study, data: noise.Frames, val: pd.DataFrame) -> Views:
    """`noise.views` views of every training frame and those of `validation_batches`, embedded, and the linear probe that they give."""
    clip, config = study.clip, study.profile.noise
    generator, order = np.random.default_rng([study.profile.seed, 11]), np.tile(np.arange(len(data.labels)), config.views)
    batches = np.array_split(order, max(1, len(order) // study.profile.batch))
    train = [clip.encode_image(data.view(index, generator, config.swap, config.mask)) for index in tqdm(batches, desc="embedding training views", unit="batch", leave=False)]
    chosen, labels = zip(*((noise.encode_clips(clip, x).flatten(0, 1), y.repeat_interleave(x.shape[1])) for x, y in validation_batches(study, val)))
    found = (torch.cat(train), torch.from_numpy(data.labels[order]), torch.cat(chosen), torch.cat(labels))
    weight, bias = baselines.linear_probe(*(tensor.cpu().numpy() for tensor in found), study.n_source)
    return Views(*(tensor.to(clip.device) for tensor in (*found, torch.from_numpy(np.column_stack([weight, bias])).float())))


def fit_gate(study: Study, config, views: Views) -> torch.Tensor:
    """What decides how much of each class's noise a frame wears, [C, D + 1]: the model's own posterior, or the probe on its features.

    config: a profile's noise section.
    """
    return views.probe if config.gate == "features" else noise.posterior_gate(study.head(), study.clip.tau, config.temperature)


def validation_score(study: Study, meta: pd.DataFrame, delta: torch.Tensor, use: str = "gated", gate: torch.Tensor | None = None) -> float:
    """Minus the mean cross-entropy of `validation_batches` under a noise: what training stops by."""
    head, losses = study.head(), []
    for x, y in validation_batches(study, meta):
        if use == "gated":
            scores = noise.gated(study.clip, head, x, delta, gate)[0]
        elif use == "shared":
            scores = noise.plain(study.clip, head, x, delta)[0]
        else:
            scores = noise.oracle(study.clip, head, x, delta, y)[0]
        losses.append(F.cross_entropy(scores / study.clip.tau, y.to(scores.device), reduction="none").cpu())
    return -float(torch.cat(losses).mean())


def learn(study: Study, name: str, use: str, data: noise.Frames, val: pd.DataFrame, gate: torch.Tensor | None = None,
          watch: Callable | None = None) -> tuple[torch.Tensor, pd.DataFrame]:  # fmt: skip
    """A noise [C or 1, 3, S, S] and its training curve, from results/<profile>/noise/<name>.safetensors if its key matches, else trained.

    The naive noise (use 'oracle') is trained by cross-entropy alone, as the naive reading of the paper has it. gate: for the use 'gated'.
    A killed training goes on where it was. watch: called with the name and the curve so far.
    """
    config, seed = study.profile.noise, study.profile.seed
    if use == "oracle":  # half the steps: it has converged long before
        config = only_cross_entropy(config).model_copy(update={"steps": -(-config.steps // 2)})
    folder = study.results / "noise"
    folder.mkdir(exist_ok=True)
    tensors = [None if tensor is None else tensor.cpu().numpy().tobytes().hex() for tensor in (study.head(), gate)]
    settings = config.model_dump(exclude={"ablation_steps", "shortlist"})
    key = key_of(study.clip.weights_hash, study.clip.dtype, study.store.key, data.ids, val["clip"].tolist(), settings, use, seed, tensors)
    path, curve_at = folder / f"{name}.safetensors", folder / f"{name}.parquet"
    if noise.saved_facts(path).get("key") != key:
        curve_at.unlink(missing_ok=True)  # a noise without its curve, or the other way round, was interrupted

    def train() -> pd.DataFrame:
        validate = partial(validation_score, study, val, use=use, gate=gate)
        delta, curve = noise.train(study.clip, study.head(), data, config, use, seed, validate, f"noise: {name}", gate,
                                   checkpoint=folder / f"{name}-{key}.checkpoint", watch=watch and partial(watch, name))
        noise.save_noise(path, delta, gate, key=key, use=use, seed=seed, eps=config.eps)
        return curve.assign(variant=name)

    curve = cached(curve_at, key, train)
    return noise.load_noise(path).to(study.clip.device), curve


def learn_all(study: Study, data: noise.Frames, val: pd.DataFrame, gate: torch.Tensor, watch: Callable | None = None) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """The noises 'gated', 'shared' and 'naive', trained side by side, and their curves."""
    uses = {"gated": "gated", "shared": "shared", "naive": "oracle"}
    train = lambda name: learn(study, name, uses[name], data, val, gate if name == "gated" else None, watch)  # noqa: E731
    noises, curves = zip(*parallel.each(train, uses, study.clip.device))
    return dict(zip(uses, noises)), pd.concat(curves, ignore_index=True)


def only_cross_entropy(config):
    """A noise section with every other term of the loss switched off."""
    return config.model_copy(update={"loss": config.loss.model_copy(update=dict.fromkeys(TERMS, 0.0))})


def protocols(study: Study, learned: dict[str, torch.Tensor], gate: torch.Tensor, classes: int | None = None) -> dict[str, Callable | None]:
    """Every method by name: images [N, T, 3, S, S] -> (clip scores, frame scores). Those in USES_LABEL also take labels; no other can.

    learned: noises 'gated' (behind `gate`), 'shared' and 'naive'. classes: how many compete (more than have noise: the rest have none).
    """
    clip, config = study.clip, study.profile.noise
    head = study.head(source_only=classes is None or classes == study.n_source)
    wide = {name: relabelled(learned[name], len(head)) for name in ("gated", "naive")}
    gated, plain = partial(noise.gated, clip, head, gate=gate), partial(noise.plain, clip, head)
    order = np.random.default_rng(study.profile.seed).permutation(study.n_source)
    another = np.empty_like(order)
    another[order] = np.roll(order, 1)  # every class gets another class's noise
    return {
        "none": plain,
        "gated": partial(gated, delta=learned["gated"]),
        "shared": partial(plain, delta=learned["shared"]),
        "random": partial(gated, delta=noise.random_like(learned["gated"], study.profile.seed)),
        "shuffled": partial(gated, delta=learned["gated"][torch.from_numpy(another)]),
        "hypothesis": partial(noise.hypothesis, clip, head, delta=wide["gated"]),
        f"shortlist-{config.shortlist}": partial(noise.hypothesis, clip, head, delta=wide["gated"], shortlist=config.shortlist),
        "naive-hypothesis": partial(noise.hypothesis, clip, head, delta=wide["naive"]),
        "oracle": partial(noise.oracle, clip, head, delta=wide["gated"]),
        "naive-oracle": partial(noise.oracle, clip, head, delta=wide["naive"]),
    }


def evaluate_methods(study: Study, meta: pd.DataFrame, methods: dict[str, Callable], conditions: list[str], step: str = "noise", head=None) -> pd.DataFrame:
    """Clip-level predictions of methods under conditions. Labels reach only methods in USES_LABEL."""
    tables = []
    for name, protocol in methods.items():
        uses = fingerprint(protocol)
        if name in USES_LABEL:
            tables.append(_evaluate_oracle(study, meta, name, protocol, conditions))
        else:
            tables.append(study.evaluate(meta, conditions, step, protocol=protocol, method=name, uses=uses, frames=False, head=head))
    return pd.concat(tables, ignore_index=True)


def fingerprint(protocol: Callable) -> str:
    """A hash of the tensors and numbers a protocol was given, for cache keys; the model is in the key already."""
    digest = hashlib.sha256()
    while isinstance(protocol, partial):
        given = [("", value) for value in protocol.args if isinstance(value, torch.Tensor)]
        for name, value in [*given, *sorted(protocol.keywords.items())]:
            digest.update(name.encode())
            tensor = isinstance(value, torch.Tensor)
            digest.update(value.cpu().numpy().tobytes() if tensor else fingerprint(value).encode() if callable(value) else repr(value).encode())
        protocol = protocol.func
    digest.update(protocol.__name__.encode())
    return digest.hexdigest()[:16]


def _evaluate_oracle(study: Study, meta: pd.DataFrame, name: str, protocol: Callable, conditions: list[str]) -> pd.DataFrame:
    """A method that is told each clip's class: kept apart, so that no label-free method shares a line with it."""
    tables = []
    for condition in conditions:
        scores = [protocol(x, labels=labels)[0].cpu().numpy() for x, labels in labelled_batches(study, meta, condition)]
        tables.append(predictions(np.concatenate(scores), None, meta, study.clip.tau, name, condition))
    return pd.concat(tables, ignore_index=True)


def rivals(study: Study, views: Views) -> dict[str, Callable]:
    """What the same labels buy without noise: a linear probe, tuned prompts, and a per-class offset of the logits. Label-free at test time."""
    clip, head = study.clip, study.head()
    phrases = [study.dataset.phrases[name] for name in study.classes[: study.n_source]]
    prompts = baselines.tune_prompts(clip, phrases, views.train, views.train_labels, views.val, views.val_labels, study.profile.seed)
    offset = baselines.class_offset((views.val @ head.T / clip.tau).cpu().numpy(), views.val_labels.cpu().numpy())
    return {
        "probe": partial(linear, clip, views.probe),
        "prompts": partial(noise.plain, clip, prompts),
        "offset": partial(shifted, clip, head, torch.from_numpy(offset).float()),
    }


@torch.inference_mode()
def linear(clip, probe: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A probe's answer [C, D + 1] in the currency of scores: tau log p, so that softmax(s / tau) = p."""
    features = noise.encode_clips(clip, x)
    return tuple((f @ probe[:, :-1].T + probe[:, -1]).log_softmax(-1).clamp_min(-50) * clip.tau for f in (F.normalize(features.mean(1), dim=-1), features))


@torch.inference_mode()
def shifted(clip, head: torch.Tensor, offset: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Zero-shot scores with a constant a class added, in logits."""
    clips, frames = noise.plain(clip, head, x)
    return clips + offset.to(clips) * clip.tau, frames + offset.to(frames) * clip.tau


def calibrated(study: Study, methods: dict[str, Callable], val: pd.DataFrame) -> dict[str, Callable]:
    """The same label-free methods at a temperature of their own, fitted on `validation_batches`: answers stay, confidence changes."""
    found = {}
    for name, protocol in methods.items():
        scores, labels = zip(*((protocol(x)[0].cpu(), y) for x, y in validation_batches(study, val)))
        found[name] = partial(tempered, protocol=protocol, temperature=baselines.temperature(torch.cat(scores) / study.clip.tau, torch.cat(labels)))
    return found


def tempered(x: torch.Tensor, protocol: Callable, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A protocol's scores divided by a temperature."""
    return tuple(scores / temperature for scores in protocol(x))


def attack_rates(study: Study, meta: pd.DataFrame, learned: dict[str, torch.Tensor]) -> pd.DataFrame:
    """Share of other classes' clips (every second one, two frames of it) that delta_c turns into c: variant, cls, hits, of, rate; `none` is
    without noise."""
    head, rows, meta = study.head(), [], meta.iloc[::2]
    class_noises = {name: delta for name, delta in learned.items() if len(delta) == len(head)}
    counts = dict.fromkeys(("none", *class_noises), 0)
    for i in tqdm(range(0, len(meta), 32), desc="attack rate", unit="x32 clips", leave=False):
        x = clips_to_input(study.store.get(meta["row"].to_numpy()[i : i + 32])[:, :: max(1, study.profile.frames // 2)])
        y = torch.tensor(meta["label"].tolist()[i : i + 32])
        answer = noise.plain(study.clip, head, x)[0].argmax(1).cpu()
        counts["none"] += np.array([[int(((answer == c) & (y != c)).sum()), int((y != c).sum())] for c in range(len(head))]).T
        for name, delta in class_noises.items():
            counts[name] += noise.attacked(study.clip, head, x, y, delta)
    for variant, (hits, of) in counts.items():
        rows += [{"variant": variant, "cls": study.classes[c], "hits": hits[c], "of": of[c], "rate": hits[c] / max(of[c], 1)} for c in range(len(head))]
    return pd.DataFrame(rows)


def relevance_shares(study: Study, meta: pd.DataFrame, delta: torch.Tensor, gate: torch.Tensor) -> pd.DataFrame:
    """Share of CLIP's relevance towards the true class that lies on actor and prop, without and with gated noise; none where regions are unknown.

    Also keeps example maps (one clip a class, middle frame) in relevance.npz for the figure.
    """
    if study.store.parts is None:
        return pd.DataFrame(columns=["clip", "cls", "group", "method", "share", "area"])
    clip, head, t = study.clip, study.head(), study.profile.frames // 2
    size, records, examples = (clip.size, clip.size), [], {}
    for i in range(0, len(meta), 32):
        part = meta.iloc[i : i + 32]
        frames = study.store.get(part["row"])[:, t]
        region = regions.truth("actor+prop", regions.Evidence(frames, study.store.parts[part["row"].to_numpy(), t]))
        x = to_input(frames)
        noisy = noise.add(x, noise.worn(clip, head, x, delta, gate)).cpu()
        maps = {m: upsample(relevance(clip.model, images, head[part["label"].to_numpy()], encode=clip.encode_image).cpu(), size) for m, images in (("none", x), ("gated", noisy))}
        for method, value in maps.items():
            share = (value * region).sum((1, 2)) / value.sum((1, 2)).clamp_min(1e-8)
            records.append(part[["clip", "cls", "group"]].assign(method=method, share=share.numpy(), area=region.mean((1, 2)).numpy()))
        for j, (name, cls) in enumerate(zip(part["clip"], part["cls"])):
            examples.setdefault(cls, (name, frames[j], maps["none"][j].numpy(), maps["gated"][j].numpy()))
    names, frames, before, after = zip(*examples.values())
    aside = study.results / "relevance.tmp.npz"
    np.savez_compressed(aside, clips=np.array(names), frames=np.stack(frames), before=np.stack(before), after=np.stack(after))
    aside.replace(study.results / "relevance.npz")
    return pd.concat(records, ignore_index=True)


def flips(masking: pd.DataFrame) -> pd.DataFrame:
    """Clips right when whole and right with the same mask elsewhere, but wrong with one thing hidden; the surest mistakes first, one a clip."""
    sides = {name: rows.set_index("clip") for name, rows in masking[masking["level"] == "clip"].groupby("condition")}
    right = lambda rows: rows["pred"] == rows["label"]  # noqa: E731
    found = []
    for name, rows in sides.items():
        if name.startswith("hide:") and "background" not in name and "/" not in name and f"control:{name}" in sides:
            flipped = right(sides["none"]) & right(sides[f"control:{name}"]) & ~right(rows)
            found.append(rows[flipped].reset_index())
    table = pd.concat(found, ignore_index=True) if found else masking.head(0)
    table = table.sort_values(["p_pred", "clip"], ascending=[False, True], kind="stable").drop_duplicates("clip").drop_duplicates("cls")
    return table[["clip", "cls", "condition", "pred", "p_pred", "p_true"]].reset_index(drop=True)


def score_sources(study: Study, meta: pd.DataFrame) -> pd.DataFrame:
    """How well region sources find the true actor and prop: source, part, clip, group, area (the truth's share of the frame), iou, pointing, top20.

    iou: of motion's region, and of the 20 % most relevant pixels. pointing: share of frames whose most relevant pixel is true (the
    pointing game, Zhang et al. 2018); top20: share of those 20 % that is true, at most area / 0.2. Beside two that look at nothing: a
    centre prior (nearer is better; for iou a disc of the true area) and random cells of that area. No rows where truth is unknown.
    """
    columns = ["source", "part", "clip", "group", "area", "iou", "pointing", "top20"]
    if study.store.parts is None:
        return pd.DataFrame(columns=columns)
    rows, (t, size) = [], study.store.frames.shape[1:3]
    away = -torch.cdist(torch.stack(torch.meshgrid(*[torch.arange(size) + 0.5] * 2, indexing="ij"), -1).view(-1, 2), torch.full((1, 2), size / 2))
    centred = away.view(1, size, size).expand(t, -1, -1)
    for clip, group, row in zip(meta["clip"], meta["group"], meta["row"]):
        frames, generator = study.store.frames[row], rng(study.profile.seed, clip, "random region")
        evidence = regions.Evidence(frames, study.store.parts[row])
        truth = regions.region("actor+prop", "truth", evidence) > 0.5
        areas = truth.sum((1, 2)).tolist()
        disc = masks.shape_mask("circle", 100 * float(truth.float().mean()), (size, size), t, generator, "centre", "still")
        cells = torch.from_numpy(masks.cells(areas, (size, size), generator))
        maps = {"relevance": study.given["relevance"](int(row), frames), "centre prior": centred, "random": torch.from_numpy(generator.random((t, size, size)))}
        top = {name: regions.region("relevant", "relevance", regions.Evidence(frames, given={"relevance": lambda m=m: m})) > 0.5 for name, m in maps.items()}
        found = {"motion": regions.region("actor+prop", "motion", evidence) > 0.5, "relevance": top["relevance"], "centre prior": disc, "random": cells}
        for source, guess in found.items():
            record = {"source": source, "part": "relevant" if source == "relevance" else "actor+prop", "clip": clip, "group": group}
            record |= {"area": float(truth.float().mean()), "iou": float((guess & truth).sum() / (guess | truth).sum().clamp(min=1))}
            if source in maps:
                best = maps[source].flatten(1).argmax(1)
                record["pointing"] = float(truth.flatten(1).gather(1, best[:, None]).float().mean())
                record["top20"] = float((top[source] & truth).sum() / top[source].sum())
            rows.append(record)
    return pd.DataFrame(rows, columns=columns)


def source_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a source: clips, and the mean of each score of `score_sources` with its interval over groups."""
    records = []
    for source, rows in scores.groupby("source", sort=False):
        record = {"source": source, "n_clips": len(rows)}
        for name in ("iou", "pointing", "top20"):
            known = rows.dropna(subset=name)
            record |= dict(zip((name, f"{name}_low", f"{name}_high"), stats.bootstrap_groups(known[name], known["group"]) if len(known) else (np.nan,) * 3))
        records.append(record)
    return pd.DataFrame(records)


def bias(masking: pd.DataFrame, classes) -> pd.DataFrame:
    """What each class leans on, a row a class and 'all': cls, n_clips, acc (unmasked); background (accuracy with actor and prop gone, by
    the clean plate where there is one, else by a box: what the place earns); actor (accuracy that hiding them costs beyond the same boxes elsewhere); flips (share of answers that change with them gone);
    sure_wrong (mean confidence of wrong answers, unmasked); sure_blind (with nobody there); into, into_share (the commonest answer then).
    """
    hidden = [name for name in masking["condition"].unique() if name.startswith("hide:actor+prop") and "/" not in name]
    gone, boxed = (next((name for name in hidden if grain in name), None) for grain in ("plate", "box"))
    asked = ("none", gone or boxed, boxed, f"control:{boxed}")
    sides = [masking[(masking["condition"] == name) & (masking["level"] == "clip")].sort_values("clip") for name in asked]
    if not all(map(len, sides)):
        return pd.DataFrame(columns=["cls"])
    records = []
    for cls in [*sides[0]["cls"].unique(), "all"]:
        seen, blind, box, control = (rows if cls == "all" else rows[rows["cls"] == cls] for rows in sides)
        wrong, into = ~stats.hits(seen), majority(blind["pred"].to_numpy())
        records.append({
            "cls": cls, "n_clips": len(seen), "acc": stats.accuracy(seen), "background": stats.accuracy(blind),
            "actor": stats.accuracy(control) - stats.accuracy(box), "flips": float((seen["pred"].to_numpy() != blind["pred"].to_numpy()).mean()),
            "sure_wrong": float(seen["p_pred"][wrong].mean()), "sure_blind": float(blind["p_pred"].mean()),
            "into": classes[into], "into_share": float((blind["pred"] == into).mean())})  # fmt: skip
    return pd.DataFrame(records)


def falls(masking: pd.DataFrame, classes) -> pd.DataFrame:
    """Which class falls into which other one, under which mask: condition, cls, into, clips, of (clips right when whole), share; most first.

    Only clips right when whole and wrong under the mask count; controls and other fills are left out.
    """
    rows = masking[(masking["level"] == "clip") & ~masking["condition"].str.contains("control:|cells:|/")]
    whole = rows[rows["condition"] == "none"]
    right = whole.loc[stats.hits(whole), ["clip", "cls"]]
    known = rows[rows["clip"].isin(right["clip"]) & ~stats.hits(rows)]
    table = known.groupby(["condition", "cls", "pred"], observed=True).size().rename("clips").reset_index()
    table["into"], table["of"] = [classes[k] for k in table["pred"]], table["cls"].map(right.groupby("cls").size()).astype(int)
    table["share"] = table["clips"] / table["of"]
    table = table.sort_values(["share", "clips", "condition", "cls"], ascending=[False, False, True, True], kind="stable")
    return table[["condition", "cls", "into", "clips", "of", "share"]].reset_index(drop=True)


def ablation(study: Study, data: noise.Frames, val: pd.DataFrame, views: Views) -> pd.DataFrame:
    """One thing changed at a time, all rows with the same few steps and seed, judged on validation clips: setting, steps, condition, n_clips,
    acc, low, high, confidence, ece; over the unmasked and the masked ones together ce, the cross-entropy of the answers, and by how much it is
    above that of 'all terms' (change, change_low, change_high); and the attack rate. Changed are the terms of the loss, eps and its norm, the
    noise's resolution, the gate, and how many training clips a class noise and gate learn from.
    """
    config = study.profile.noise.model_copy(update={"steps": study.profile.noise.ablation_steps})
    head, own, base = study.head(), fit_gate(study, config, views), only_cross_entropy(config)
    loss = lambda **weights: config.model_copy(update={"loss": config.loss.model_copy(update=weights)})  # noqa: E731
    settings = {"all terms": (config, own, data), "cross-entropy only": (base, own, data), "without cross-entropy": (loss(ce=0.0), own, data)}
    for term in (term for term in TERMS if term != "confidence" or data.region is not None):  # without regions there is nobody to take away
        on = getattr(config.loss, term) > 0
        settings[f"{'without' if on else 'with'} {term}"] = (loss(**{term: 0.0 if on else 0.1}), own, data)
    other = "posterior" if config.gate == "features" else "features"
    settings[f"gate: {other}"] = (config, fit_gate(study, config.model_copy(update={"gate": other}), views), data)
    settings |= {f"eps {eps}/255": (config.model_copy(update={"eps": float(eps)}), own, data) for eps in (2, 4, 8, 16) if eps != config.eps}
    if config.norm == "linf":  # of about the same root mean square: a bounded noise lies at its bound half of the time
        settings[f"norm l2, {config.eps / 2:g}/255"] = (config.model_copy(update={"norm": "l2", "eps": config.eps / 2}), own, data)
    sides = (6, 12, 24, study.clip.size)
    settings |= {f"noise of {side} x {side}": (config.model_copy(update={"resolution": side}), own, data) for side in sides if side != config.resolution}
    for n in (n for n in (1, 2, 4, 8, 16) if n < data.clips_a_class()):
        few = data.fewer(n)
        settings[f"{n} clip{'s' * (n > 1)} a class"] = (config, fit_gate(study, config, embed_views(study, few, val)), few)

    def row(setting: str) -> pd.DataFrame:
        protocol, attack = partial(noise.plain, study.clip, head), np.nan
        if setting != "no noise":
            varied, gate, frames = settings[setting]
            delta, _ = noise.train(study.clip, head, frames, varied, "gated", study.profile.seed, progress=f"ablation: {setting}", gate=gate)
            protocol = partial(noise.gated, study.clip, head, delta=delta, gate=gate)
            attack = attack_rates(study, val, {setting: delta}).groupby("variant")[["hits", "of"]].sum().eval("hits / of")[setting]
        conditions = ["none", SQUARE, hidden_condition(study)]
        rows = study.evaluate(val, conditions, "ablation", protocol=protocol, method=setting, uses=fingerprint(protocol), frames=False)
        return rows.assign(attack=attack)

    rows = pd.concat(parallel.each(row, ["no noise", *settings], study.clip.device)).rename(columns={"method": "setting"})
    attack = rows.groupby("setting")["attack"].first()
    rows["ce"] = -np.log(rows["p_true"].clip(lower=1e-6))
    paired = rows[rows["condition"].isin(["none", SQUARE])].pivot_table(index=["condition", "clip", "group"], columns="setting", values="ce", sort=False)
    against = [(name, paired[name].mean(), *stats.bootstrap_groups(paired[name] - paired["all terms"], paired.index.get_level_values("group"))) for name in paired]
    table = stats.summarise(rows, by=["setting", "condition"]).rename(columns={"acc_low": "low", "acc_high": "high"}).assign(steps=config.steps)
    table["attack"] = table["setting"].map(attack)
    table = table.merge(pd.DataFrame(against, columns=["setting", "ce", "change", "change_low", "change_high"]), on="setting")
    return table.sort_values("setting", key=lambda names: names.map(list(paired).index), kind="stable", ignore_index=True)


def verdict(label_free: pd.DataFrame) -> list[str]:
    """One line a condition and rival: does gated noise do better, worse, or can the interval not tell? Right answers where nobody acts come
    from the place: there fewer are better."""
    lines = []
    for rival in ("none", "random", "shuffled", "shared", "probe"):
        for row in stats.compare(label_free[label_free["method"].isin(["gated", rival])], rival, on="method", by=["condition"]).itertuples():
            sign = -1 if row.condition.startswith("hide:") else 1
            what = "undecided" if row.low <= 0 <= row.high else "better" if sign * row.diff > 0 else "worse"
            lines.append(f"gated against {rival:9s} {row.condition:32s} {row.acc_baseline:.3f} -> {row.acc:.3f} ({row.diff:+.3f}, 95 % {row.low:+.3f} to {row.high:+.3f}, {row.n_clips} clips): {what}")
    return lines


# --- notebook 05 -------------------------------------------------------------------------------------------------------------------------


def load_learned(study: Study) -> dict[str, torch.Tensor]:
    """The noises notebook 04 saved: gated, shared, naive. UserError when it has not run."""
    paths = {name: study.results / "noise" / f"{name}.safetensors" for name in ("gated", "shared", "naive")}
    missing = [path.name for path in paths.values() if not path.exists()]
    if missing:
        raise UserError(f"{missing[0]} is missing in {study.results / 'noise'}; run notebook 04 first (./run_all.sh --only 04)")
    return {name: noise.load_noise(path).to(study.clip.device) for name, path in paths.items()}


def load_gate(study: Study) -> torch.Tensor:
    """The gate that notebook 04 saved with its noise."""
    return noise.load_noise(study.results / "noise" / "gated.safetensors", "gate").to(study.clip.device)


def evaluate_away(study: Study, away: pd.DataFrame, learned: dict[str, torch.Tensor]) -> pd.DataFrame:
    """CLIP without noise, with gated and with shared noise on another domain, all its classes competing."""
    methods = protocols(study, learned, load_gate(study), classes=len(study.classes))
    chosen = {name: methods[name] for name in ("none", "gated", "shared")}
    return evaluate_methods(study, away, chosen, ["none", SQUARE], "ward", head=study.head(source_only=False))


def train_baselines(study: Study, train: pd.DataFrame, val: pd.DataFrame) -> dict[str, torch.nn.Module]:
    """The frame CNN and CNN+GRU, trained on the source's training clips; saved and reused by key."""
    frames = lambda meta: study.store.get(meta["row"])  # noqa: E731
    config, seed, models = study.profile.baselines, study.profile.seed, {}
    data = (frames(train), train["label"].to_numpy(), frames(val), val["label"].to_numpy())
    key = key_of(study.store.key, study.profile.dump("baselines"), seed, train["clip"].tolist(), val["clip"].tolist())
    for name in ("cnn", "cnn-gru"):
        path = study.results / "baselines" / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)

        def fit() -> pd.DataFrame:
            start = models.get("cnn")  # the recurrent network starts from the trained CNN: from scratch it would be a straw man
            model, curve = baselines.fit(baselines.create(name, study.n_source, seed, start=start), *data, epochs=config.epochs, seed=seed, lr=config.lr)
            baselines.save(model, path, study.classes[: study.n_source])
            return curve

        cached(path.with_suffix(".parquet"), key, fit)
        models[name] = baselines.load(path)[0]
    return models


def evaluate_baselines(study: Study, models: dict, test: pd.DataFrame, away: pd.DataFrame) -> pd.DataFrame:
    """The baselines on the source's test clips and on the other domain's clips of the classes they know."""
    known = away[away["label"] < study.n_source].reset_index(drop=True)
    hidden = hidden_condition(study)
    tables = []
    for meta, conditions in ((test, ["none", SQUARE, hidden]), (known, ["none", SQUARE])):
        if not len(meta):
            continue
        for name, model in models.items():
            tau = study.clip.tau
            protocol = lambda x, model=model: _log_probabilities(model, x, tau)  # noqa: E731
            tables.append(study.evaluate(meta, conditions, "baseline_pieces", protocol=protocol, method=name, uses=weights_of(model), frames=False))
    return pd.concat(tables, ignore_index=True)


def weights_of(model: torch.nn.Module) -> str:
    return hashlib.sha256(b"".join(v.detach().cpu().numpy().tobytes() for v in model.state_dict().values())).hexdigest()[:16]


def _log_probabilities(model: torch.nn.Module, x: torch.Tensor, tau: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A classifier's answer in the currency of scores: tau log p, so that softmax(s / tau) = p."""
    p = torch.from_numpy(baselines.predict(model, x.permute(0, 1, 3, 4, 2).numpy()))
    scores = p.clamp_min(1e-12).log() * tau
    return scores, scores[:, None].expand(-1, x.shape[1], -1)


def hidden_condition(study: Study) -> str:
    """How the actor is taken away: the clean plate where it is known, else the moving thing's box."""
    return "hide:actor+prop:plate" if study.store.plates is not None else "hide:actor+prop:box@motion"
