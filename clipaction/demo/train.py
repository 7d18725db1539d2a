"""Train the compact CLIP on captions of rendered images: ``python -m clipaction.demo.train``.

The recipe, and why it has each part (smaller trials without it failed):

- The scene is the action's own in under half of the images. So a model learns the scene *and* the action, as CLIP did.
- One caption in five names what one usually does in such a place, whatever is seen, as many captions on the web do. It
  makes a bias that labels can undo: a linear probe gains 12 points on validation clips and 22 in another action's
  place; with true captions only, 6 and 10.
- The positives of a caption are all images of which it is true (as in UniCL, Yang et al. 2022). Else most negatives are
  false.
- The first tenth of the training shows only cut-outs, the actor and prop on plain ground, hardly disturbed. Without it
  the model learns the scene in a minute and the action never. Scenes come in step by step; one image in ten stays a
  cut-out to the end.
- Random erasing, noise, colour and blur grow to full strength over the first third and then stay. At full strength from
  the start, the actions are not learned. Without them, any black box or faint noise is out of distribution, and every
  masking result would be an artefact of that.

Training images are rendered once. Layouts of the test clips are never rendered here.

`--dose 0.25` trains a model with a known scene bias instead (see `dose`): the same recipe and images, drawn with other
frequencies, and no false captions. While only cut-outs are shown no dose matters, so all doses share that start.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

import open_clip
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tqdm.auto import tqdm

from ..base.cache import Step
from ..base.files import replacing, write_text
from ..base.paths import data_dir
from ..base.seeds import rng as named_rng
from .actions import ACTIONS
from .batches import USUAL_CAPTIONS, Curriculum, batch_of
from .card import accuracies, card, normalise
from .dose import coupled_share, dose_path, image_weights, save_dose
from .samples import rendered_samples
from .tower import NAME, WEIGHTS, clipaction_hybrid_p12_96

RELATIONS = ("usual", "random", "other")


def contrastive_loss(
    image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor, positive: torch.Tensor
) -> torch.Tensor:
    """Symmetric cross-entropy whose target spreads evenly over the true pairs (UniCL, Yang et al. 2022, eq. 3).

    image, text: unit embeddings [B, D]; positive: [B, B] bool, image i is described by caption j (the diagonal always
    is).
    """
    logits, target = scale * image @ text.T, positive.float()
    towards_text = (F.log_softmax(logits, 1) * target).sum(1) / target.sum(1)
    towards_image = (F.log_softmax(logits, 0) * target).sum(0) / target.sum(0)
    return -(towards_text.mean() + towards_image.mean()) / 2


class Training:
    """Model, optimiser, schedule and the running average of the weights; its state can be saved and loaded."""

    def __init__(self, steps: int, warm: int, lr: float):
        self.model = open_clip.create_model(NAME).train()
        self.tokenizer = open_clip.get_tokenizer(NAME)
        parameters = list(self.model.parameters())
        groups = [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), fused=True)

        def share_of_lr(step: int) -> float:
            return min((step + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * min(step / steps, 1)))

        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, share_of_lr)
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}

    def step(self, images: torch.Tensor, texts: list[str], positive: torch.Tensor, number: int) -> float:
        """One update on a batch, the `number`-th from 0; the loss before it."""
        model = self.model
        image = F.normalize(model.encode_image(normalise(images, model.visual)), dim=-1)
        text = F.normalize(model.encode_text(self.tokenizer(texts)), dim=-1)
        loss = contrastive_loss(image, text, model.logit_scale.exp(), positive)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
            decay = min(0.998, number / (number + 20))  # forget the first steps soon
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - decay)
                else:
                    self.average[name].copy_(value)
        return loss.item()

    def state(self) -> dict:
        parts = {name: getattr(self, name).state_dict() for name in ("model", "optimiser", "schedule")}
        return {**parts, "average": self.average}

    def load(self, state: dict) -> None:
        for name in ("model", "optimiser", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.average = state["average"]


def train(
    samples: int,
    images: int,
    batch: int = 32,
    lr: float = 1.5e-3,
    seed: int = 0,
    actions: Sequence[str] | None = None,
    test_size: int = 400,
    out: Path = WEIGHTS,
    checkpoint_every: int = 500,
    plain: float = 0.1,
    dose: float | None = None,
) -> dict[str, float]:
    """Train and write `out` (fp16 safetensors) with its card beside it (.md); returns the card's accuracies.

    samples: images seen; images: of which rendered; plain: share of the training that shows cut-outs only. dose: of
    scene bias, 0 to 1 (see `dose`); then only the image tower and the prototypes are written, and no caption is false.
    A killed run goes on from its last checkpoint and ends with the same weights as an uninterrupted one.
    """
    started, spent, first = time.time(), 0.0, 0
    numbers: dict[str, float] = {}
    actions = tuple(actions or ACTIONS)
    home = [a for a in actions if not ACTIONS[a].clinical]
    rendered = rendered_samples(images, seed, actions)
    weights = None if dose is None else image_weights(rendered.facts, dose)
    tests = {r: rendered_samples(test_size, seed, actions, held_out=True, relation=r) for r in RELATIONS}
    torch.manual_seed(seed)
    steps, warm = math.ceil(samples / batch), min(300, samples // batch // 10 + 1)
    training, averaged = Training(steps, warm, lr), open_clip.create_model(NAME)
    recipe = (samples, images, batch, lr, seed, actions, test_size, plain)
    checkpoint, run = out.with_suffix(".checkpoint"), TRAINING.key(*recipe, dose)
    scenes_from = next((k for k in range(steps) if Curriculum.at(k / steps, plain).cut < 1), steps)
    shared_run = TRAINING.key(*recipe, "start of all doses")
    shared = data_dir() / "compact-clip" / f"start-{shared_run}.checkpoint"
    begun = {checkpoint: run} | ({} if dose is None else {shared: shared_run})
    for path, wanted in begun.items():
        if path.exists() and (state := torch.load(path, weights_only=True))["run"] == wanted:
            training.load(state)
            first, spent, numbers = state["step"], state["seconds"], state["numbers"]
            break

    def keep(path: Path, run: str, step: int) -> None:
        facts = {"run": run, "step": step, "seconds": spent + time.time() - started, "numbers": numbers}
        with replacing(path) as temporary:
            torch.save({**facts, **training.state()}, temporary)

    bar = tqdm(range(first, steps), initial=first, total=steps, unit="step", desc="training the compact CLIP")
    for step in bar:
        stage, whole = Curriculum.at(step / steps, plain), step >= scenes_from
        said = USUAL_CAPTIONS if dose is None else 0.0
        generator = named_rng(seed, "batch", step)
        x, captions, positive = batch_of(rendered, generator, batch, stage, weights if whole else None, said)
        loss = training.step(x, [c.text for c in captions], positive, step)
        if step % 20 == 0:
            bar.set_postfix(loss=f"{loss:.3f}", tau=f"1/{training.model.logit_scale.exp().item():.0f}")
        if step + 1 == scenes_from and dose is not None:
            keep(shared, shared_run, step + 1)
        if (step + 1) % checkpoint_every == 0 or step + 1 == steps:
            averaged.load_state_dict(training.average)
            numbers = accuracies(averaged, training.tokenizer, tests, home)
            tqdm.write(f"{(step + 1) * batch} samples: " + "  ".join(f"{k} {v:.2f}" for k, v in numbers.items()))
            keep(checkpoint, run, step + 1)
    if dose is None:
        tensors = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in training.average.items()}
        with replacing(out) as temporary:
            save_file(tensors, temporary)
        share = None
    else:
        averaged.load_state_dict(training.average)
        save_dose(out, averaged.eval(), training.tokenizer, dose)
        share = coupled_share(rendered.facts, weights, seed, range(scenes_from, steps), batch)
    minutes = (spent + time.time() - started) / 60
    size = out.stat().st_size
    text = card(numbers, samples, images, batch, lr, seed, minutes, test_size, size, plain, dose, share)
    write_text(out.with_suffix(".md"), text)
    checkpoint.unlink()
    return numbers


TRAINING = Step("compact CLIP", train, clipaction_hybrid_p12_96)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m clipaction.demo.train", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--samples", type=int, default=160_000, help="images seen in training")
    parser.add_argument("--images", type=int, default=40_000, help="rendered images, from which samples are drawn")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--plain", type=float, default=0.1, help="share of the training that shows cut-outs only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--actions", nargs="+", choices=list(ACTIONS), help="only these (toy runs)")
    parser.add_argument("--test", type=int, default=400, help="held-out images a row of the card")
    parser.add_argument("--dose", type=float, help="train with a known scene bias: share of coupled scenes, 0 to 1")
    parser.add_argument("--out", type=Path, help="the file of weights; by default the one that is shipped")
    args = parser.parse_args(argv)
    out = args.out or (WEIGHTS if args.dose is None else dose_path(args.dose))
    recipe = (args.samples, args.images, args.batch, args.lr, args.seed, args.actions, args.test, out)
    numbers = train(*recipe, plain=args.plain, dose=args.dose)
    print("  ".join(f"{k} {v:.3f}" for k, v in numbers.items()))


if __name__ == "__main__":
    main()
