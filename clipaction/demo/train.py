"""Train the compact CLIP on captions of the demo world: ``python -m clipaction.demo.train``.

The recipe, and why each part is there (each was needed by an earlier, smaller trial):

- the scene is the action's own in under half of the images, so that a model learns the scene *and* the action, as CLIP did;
- one caption in five names what one usually does in such a place, whatever is seen: so is the web. It makes a bias that labels can undo (a
  linear probe gains 12 points on validation clips and 22 in another action's place; with true captions only, 6 and 10);
- a caption's positives are all images it is true of (as in UniCL, Yang et al. 2022), else most negatives are false;
- the first tenth shows only cut-outs, the actor and prop on plain ground, hardly disturbed; without it the model learns the scene in
  a minute and the action never. Scenes come in step by step; one image in ten stays a cut-out to the end;
- random erasing, noise, colour and blur grow to full strength over the first third (from the start they drown the action), and
  stay: else any black box or faint noise is out of distribution and every masking result an artefact of that.

Training images are rendered once into a memory-mapped pool; layouts used by the test clips are never rendered here.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tqdm.auto import tqdm

from ..masks import shape_mask
from ..paths import data_dir
from ..seeds import rng as named_rng
from .actions import ACTIONS, Style
from .draw import HEAD, PROP
from .figure import Person
from .grammar import caption, matches
from .make import HELD_OUT_LAYOUT, HOME, TEXT_SHARE, USUAL_SHARE, code_version, render, sample_camera, to_uint8
from .overlay import Overlay
from .scenes import paint
from .tower import NAME, WEIGHTS

SIDE, CROP = 120, 96  # pool images, and what the model sees of them
PER_PAINTING = 5  # images that share a painted scene, each with an actor and an action of its own
CLINICAL_SHARE = 0.15  # of the pool: clinical actions are rare in what CLIP has read and seen
HEARSAY = 0.2  # of the captions of whole home scenes name the usual action there instead of the one seen
RELATIONS = ("usual", "random", "other")
USUAL = {action.scene: name for name, action in ACTIONS.items() if not action.clinical}


def choose_action(scene: str, relation: str | None, actions: tuple[str, ...], rng: np.random.Generator) -> str:
    """An action for a scene: its own (usual), any home action (random), any but its own (other); None mixes as training does."""
    own = [a for a in actions if ACTIONS[a].scene == scene]
    home = [a for a in actions if not ACTIONS[a].clinical] or list(actions)
    if own and (relation == "usual" or relation is None and rng.random() < USUAL_SHARE):
        return str(rng.choice(own))
    if relation is None and rng.random() < CLINICAL_SHARE:
        home = [a for a in actions if ACTIONS[a].clinical] or home
    return str(rng.choice([a for a in home if relation != "other" or a not in own]))


def render_samples(seed: int, index: int, actions: tuple[str, ...], held_out: bool, relation: str | None) -> list[tuple]:
    """PER_PAINTING images that share one painted scene: frame and clean plate [120, 120, 3] uint8, labels [120, 120], facts."""
    rng = named_rng(seed, "held-out" if held_out else "pool", relation, index)
    scenes = sorted({ACTIONS[a].scene for a in actions if relation is None or not ACTIONS[a].clinical})
    scene = str(rng.choice(scenes))
    size = (SIDE * 11 // 10, SIDE * 22 // 15)  # the 264 x 352 canvas at half size
    camera = sample_camera(rng, False, size, SIDE)
    stage = paint(scene, HELD_OUT_LAYOUT if held_out else int(rng.integers(HELD_OUT_LAYOUT)), rng, camera)
    plate, samples = to_uint8(stage.plate()), []
    for _ in range(PER_PAINTING):
        action, person = choose_action(scene, relation, actions, rng), Person.sample(rng)
        style = Style.sample(rng, action)
        image, labels = render(stage.image, stage.front, camera, action, person, float(rng.uniform(0.25, 1.4)), style, stage.light)
        v, u = (size[0] - SIDE) // 2 + rng.integers(-4, 5), (size[1] - SIDE) // 2 + rng.integers(-6, 7)
        crop = np.s_[v : v + SIDE, u : u + SIDE]
        image, labels = stage.grade(image)[crop], labels[crop]
        if overlay := Overlay.sample(rng, TEXT_SHARE):
            overlay.burn(image, labels)
        samples.append((to_uint8(image), plate[crop], labels, (action, scene, person.words)))
    return samples


def _render_chunk(args):
    seed, indices, actions, held_out, relation = args
    frames, plates, labels, facts = zip(*(sample for i in indices for sample in render_samples(seed, i, actions, held_out, relation)))
    return np.stack(frames), np.stack(plates), np.stack(labels), facts


def make_pool(count: int, seed: int, actions, held_out: bool = False, relation: str | None = None, workers: int | None = None):
    """`count` rendered samples as arrays (frames, plates, labels) and their facts; kept on disk by everything that decides them."""
    count -= count % PER_PAINTING
    name = f"pool-{code_version()}-{count}-{seed}-{len(actions)}-{'held-out' if held_out else 'train'}-{relation}"
    folder = data_dir() / "compact-clip" / name
    done = folder / "facts.json"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shapes = {"frames": (count, SIDE, SIDE, 3), "plates": (count, SIDE, SIDE, 3), "labels": (count, SIDE, SIDE)}
        arrays = {k: np.lib.format.open_memmap(folder / f"{k}.npy", "w+", np.uint8, shape) for k, shape in shapes.items()}
        paintings = range(count // PER_PAINTING)
        chunks = [(seed, paintings[i : i + 10], tuple(actions), held_out, relation) for i in range(0, len(paintings), 10)]
        facts = []
        with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn")) as pool:
            for result in tqdm(pool.map(_render_chunk, chunks), total=len(chunks), unit="x50 images", desc="rendering"):
                at = slice(len(facts), len(facts) + len(result[3]))
                arrays["frames"][at], arrays["plates"][at], arrays["labels"][at] = result[:3]
                facts += result[3]
        for array in arrays.values():
            array.flush()
        aside = done.with_suffix(".tmp")
        aside.write_text(json.dumps(facts))
        os.replace(aside, done)
    arrays = [np.load(folder / f"{k}.npy", mmap_mode="r") for k in ("frames", "plates", "labels")]
    return *arrays, [tuple(f) for f in json.loads(done.read_text())]


@dataclass(frozen=True)
class Curriculum:
    """What a batch is made of: the share of cut-outs, and how strongly images are disturbed (0 to 1)."""

    cut: float
    strength: float

    @classmethod
    def at(cls, progress: float, plain: float = 0.1) -> Curriculum:
        """progress: share of the training done, 0 to 1; plain: the share of it that shows cut-outs only."""
        return cls(float(np.interp(progress, (plain, plain + 0.2, 0.8), (1, 0.45, 0.1))), float(np.interp(progress, (plain / 2, plain + 0.25), (0, 1))))


def batch_of(pool, rng: np.random.Generator, size: int, stage: Curriculum):
    """A training batch: images [B, 3, 96, 96] in [0, 1] and captions with the matrix of what is true of what.

    Cut-outs lie on plain ground or another image's plate; five in a hundred images are empty plates.
    """
    frames, plates, labels, all_facts = pool
    index = np.sort(rng.choice(len(frames), size, replace=False))
    x, y, label = frames[index].astype(np.float32) / 255, plates[index].astype(np.float32) / 255, labels[index]
    facts, captions = [], []
    actor = ((label >= HEAD) & (label <= PROP))[..., None]
    for i, (action, scene, person) in enumerate(all_facts[k] for k in index):
        kind, say = rng.random(), None
        if kind < stage.cut:
            if rng.random() > 0.5 * stage.strength:
                colour = rng.random(3) if rng.random() < stage.strength else rng.uniform(0, 0.8)
                ground, scene = colour * (rng.random() < 0.6), ""
            else:
                j = rng.integers(size)
                ground, scene = y[j], all_facts[index[j]][1]
            x[i] = np.where(actor[i], x[i], ground)
            say = (True, scene != "" and rng.random() < 0.3)
        elif kind < stage.cut + 0.05:
            x[i], action, person = y[i], "", ""
        elif rng.random() < HEARSAY:
            action = USUAL.get(scene, action)
        facts.append((action, scene, person))
        captions.append(caption(rng, action or None, scene or None, person or None, say))
    return augment(torch.from_numpy(x).permute(0, 3, 1, 2), rng, stage.strength), captions, torch.from_numpy(matches(facts, captions))


def augment(x: torch.Tensor, rng: np.random.Generator, strength: float = 1.0) -> torch.Tensor:
    """Random crop and mirror of [B, 3, 120, 120] in [0, 1], and, by `strength`, colour, blur, noise and erasing; returns [B, 3, 96, 96]."""
    b = len(x)
    draw = lambda lo, hi, *shape: torch.from_numpy(rng.uniform(lo, hi, (b, *shape)).astype(np.float32))  # noqa: E731
    around_one = lambda lo, hi, *shape: 1 + strength * (draw(lo, hi, *shape) - 1)  # noqa: E731
    scale, mirror = draw(0.82, 1.0), torch.from_numpy(rng.choice([-1.0, 1.0], b).astype(np.float32))
    theta = torch.zeros(b, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = scale * mirror, scale * draw(0.95, 1.05)
    theta[:, 0, 2], theta[:, 1, 2] = draw(-0.12, 0.12), draw(-0.12, 0.12)
    x = F.grid_sample(x, F.affine_grid(theta, (b, 3, CROP, CROP), align_corners=False), padding_mode="reflection", align_corners=False)
    grey = x.mean(1, keepdim=True)
    x = grey + around_one(0.6, 1.3, 1, 1, 1) * (draw(0, 1, 1, 1, 1) > 0.08 * strength) * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = ((x - mean) * around_one(0.7, 1.25, 1, 1, 1) + mean * around_one(0.7, 1.25, 1, 1, 1)) * around_one(0.93, 1.07, 3, 1, 1)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1)
    x = torch.lerp(x, blurred, draw(0, 1, 1, 1, 1) * (draw(0, 1, 1, 1, 1) < 0.4 * strength))
    noise = torch.from_numpy(rng.standard_normal((b, 3, CROP, CROP), dtype=np.float32))
    x = (x + noise * draw(0, 0.08, 1, 1, 1) * (draw(0, 1, 1, 1, 1) < 0.5 * strength)).clamp(0, 1)
    for i in np.flatnonzero(rng.random(b) < 0.45 * strength):
        fill = 0.0 if rng.random() < 0.7 else torch.from_numpy(rng.random((3, 1, 1)).astype(np.float32))
        for _ in range(rng.integers(1, 4)):
            area, aspect = rng.uniform(0.02, 0.3) * CROP**2, math.exp(rng.uniform(-1, 1))
            h, w = min(int(math.sqrt(area * aspect)) + 1, CROP), min(int(math.sqrt(area / aspect)) + 1, CROP)
            v, u = rng.integers(0, CROP - h + 1), rng.integers(0, CROP - w + 1)
            x[i, :, v : v + h, u : u + w] = fill
    for i in np.flatnonzero(rng.random(b) < 0.15 * strength):
        shape = str(rng.choice(("stripes", "patches", "border")))
        x[i, :, shape_mask(shape, rng.uniform(5, 40), (CROP, CROP), 1, rng, "random")[0]] = 0
    return x


def contrastive_loss(image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor, positive: torch.Tensor) -> torch.Tensor:
    """Symmetric cross-entropy whose target spreads evenly over the true pairs (UniCL, Yang et al. 2022, eq. 3).

    image, text: unit embeddings [B, D]; positive: [B, B] bool, image i is described by caption j (the diagonal always is).
    """
    logits, target = scale * image @ text.T, positive.float()
    towards_text = (F.log_softmax(logits, 1) * target).sum(1) / target.sum(1)
    towards_image = (F.log_softmax(logits, 0) * target).sum(0) / target.sum(0)
    return -(towards_text.mean() + towards_image.mean()) / 2


def normalise(x: torch.Tensor, visual) -> torch.Tensor:
    mean, std = (torch.tensor(v, dtype=x.dtype).view(1, 3, 1, 1) for v in (visual.image_mean, visual.image_std))
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def evaluate(model, tokenizer, pools: dict, actions) -> dict[str, float]:
    """Zero-shot accuracy on held-out people and layouts by scene relation, and under noise, squares and isolation (random scene)."""
    model.eval()
    texts = [[f"a photo of a person {ACTIONS[a].words[0]}.", f"a video frame of a person {ACTIONS[a].words[0]}."] for a in actions]
    head = F.normalize(torch.stack([F.normalize(model.encode_text(tokenizer(t)), dim=-1).mean(0) for t in texts]), dim=-1)

    def accuracy(x, facts):
        x = F.interpolate(torch.from_numpy(x).permute(0, 3, 1, 2), (CROP, CROP), mode="bilinear", antialias=True, align_corners=False)
        scores = torch.cat([F.normalize(model.encode_image(normalise(part, model.visual)), dim=-1) for part in x.split(100)]) @ head.T
        return float((scores.argmax(1) == torch.tensor([actions.index(a) for a, *_ in facts])).float().mean())

    out = {}
    for relation, (frames, _, labels, facts) in pools.items():
        out[relation] = accuracy(frames.astype(np.float32) / 255, facts)
        if relation != "random":
            continue
        x, rng = frames.astype(np.float32) / 255, np.random.default_rng(0)
        out["noise 16/255"] = accuracy(np.clip(x + rng.uniform(-16 / 255, 16 / 255, x.shape).astype(np.float32), 0, 1), facts)
        for percent in (10, 30, 50):
            side, y = round(SIDE * math.sqrt(percent / 100)), x.copy()
            at = slice((SIDE - side) // 2, (SIDE - side) // 2 + side)
            y[:, at, at] = 0
            out[f"square {percent} %"] = accuracy(y, facts)
        out["isolation"] = accuracy(x * ((labels >= HEAD) & (labels <= PROP))[..., None], facts)
        out["actor black"] = accuracy(x * ~((labels >= HEAD) & (labels < PROP))[..., None], facts)
        out["actor, prop black"] = accuracy(x * ~((labels >= HEAD) & (labels <= PROP))[..., None], facts)
    model.train()
    return out


def train(samples: int, pool_size: int, batch: int = 32, lr: float = 1.5e-3, seed: int = 0, actions=None, test_size: int = 400,
          out: Path = WEIGHTS, checkpoint_every: int = 500, plain: float = 0.1) -> dict:  # fmt: skip
    """Train and write `out` (fp16 safetensors) with its card beside it (.md); returns the card's numbers. Resumes a killed run."""
    started = time.time()
    actions = tuple(actions or ACTIONS)
    home = [a for a in actions if not ACTIONS[a].clinical]
    pool = make_pool(pool_size, seed, actions)
    tests = {r: make_pool(test_size, seed, actions, held_out=True, relation=r) for r in RELATIONS}
    torch.manual_seed(seed)
    model = open_clip.create_model(NAME).train()
    tokenizer = open_clip.get_tokenizer(NAME)
    decay = [p for p in model.parameters() if p.ndim > 1]
    other = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": other, "weight_decay": 0.0}], lr=lr, betas=(0.9, 0.98), fused=True)
    steps, warm = math.ceil(samples / batch), min(300, samples // batch // 10 + 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min((s + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * min(s / steps, 1))))
    average = {name: value.clone() for name, value in model.state_dict().items()}
    averaged = open_clip.create_model(NAME)
    checkpoint, first, spent = out.with_suffix(".checkpoint"), 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        if state["run"] == [samples, pool_size, batch, seed, code_version()]:
            for name, part in (("model", model), ("optimiser", optimiser), ("schedule", schedule)):
                part.load_state_dict(state[name])
            average, first, spent = state["average"], state["step"], state["seconds"]
    bar = tqdm(range(first, steps), initial=first, total=steps, unit="step", desc="training the compact CLIP")
    for step in bar:
        rng = named_rng(seed, "batch", step)
        images, captions, positive = batch_of(pool, rng, batch, Curriculum.at(step / steps, plain))
        image = F.normalize(model.encode_image(normalise(images, model.visual)), dim=-1)
        text = F.normalize(model.encode_text(tokenizer([c.text for c in captions])), dim=-1)
        loss = contrastive_loss(image, text, model.logit_scale.exp(), positive)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
            decay_now = min(0.998, step / (step + 20))  # forget the first steps soon
            for name, value in model.state_dict().items():
                average[name].lerp_(value, 1 - decay_now) if value.is_floating_point() else average[name].copy_(value)
        if step % 20 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}", tau=f"1/{model.logit_scale.exp().item():.0f}")
        if (step + 1) % checkpoint_every == 0 or step + 1 == steps:
            averaged.load_state_dict(average)
            numbers = evaluate(averaged, tokenizer, tests, home)
            tqdm.write(f"{(step + 1) * batch} samples: " + "  ".join(f"{k} {v:.2f}" for k, v in numbers.items()))
            aside = checkpoint.with_suffix(".tmp")
            torch.save({"run": [samples, pool_size, batch, seed, code_version()], "step": step + 1, "seconds": spent + time.time() - started, "model": model.state_dict(),
                        "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict(), "average": average}, aside)  # fmt: skip
            os.replace(aside, checkpoint)
    save_file({k: v.half().contiguous() if v.is_floating_point() else v for k, v in average.items()}, out)
    minutes = (spent + time.time() - started) / 60
    out.with_suffix(".md").write_text(card(numbers, samples, pool_size, batch, lr, seed, minutes, test_size, out.stat().st_size))
    checkpoint.unlink()
    return numbers


def card(numbers: dict, samples, pool_size, batch, lr, seed, minutes, test_size, size) -> str:
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in numbers.items())
    return f"""# The compact CLIP

open_clip's model class with a hybrid image tower (convolutional stem, three transformer blocks of width 160, 64 tokens of a
96 x 96 image) and a two-layer text tower behind the ordinary CLIP tokenizer. It has seen nothing but this project's demo world.

- Made by: `python -m clipaction.demo.train --samples {samples} --pool {pool_size} --batch {batch} --lr {lr} --seed {seed}`
- Samples seen: {samples} (drawn from {pool_size} rendered images, each augmented anew), seed {seed}, batch {batch}, AdamW at {lr}, cosine, weights averaged (0.998).
- The scene is the action's own in {USUAL_SHARE:.0%} of the images (plus chance hits), random else; {CLINICAL_SHARE:.0%} are clinical actions.
- {HEARSAY:.0%} of the captions of whole frames name the scene's usual action, whatever is seen: hearsay, as on the web.
- Time: {minutes:.0f} minutes on {torch.get_num_threads()} cores ({platform.machine()}), torch {torch.__version__}. Weights: fp16, {size / 1e6:.1f} MB.
- Data version: {code_version()}.

Accuracy over the {len(HOME)} home actions, zero-shot, {test_size} single frames a row, people and layouts never seen in training; from `noise` down, random scenes:

| frames | accuracy |
| --- | --- |
{rows}
"""


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(prog="python -m clipaction.demo.train", description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=160_000)
    parser.add_argument("--pool", type=int, default=40_000, help="rendered images")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--plain", type=float, default=0.1, help="share of the training that shows cut-outs only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--actions", nargs="+", choices=list(ACTIONS), help="only these (toy runs)")
    parser.add_argument("--test", type=int, default=400, help="held-out images a row of the card")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    args = parser.parse_args(argv)
    numbers = train(args.samples, args.pool, args.batch, args.lr, args.seed, args.actions, args.test, args.out, plain=args.plain)
    print("  ".join(f"{k} {v:.3f}" for k, v in numbers.items()))


if __name__ == "__main__":
    main()
