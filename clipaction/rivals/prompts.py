"""Prompt tuning: learned word vectors in place of "a photo of a" (CoOp, Zhou et al. 2022, arXiv:2109.01134)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from tqdm.auto import tqdm

from ..base import parallel
from ..base.errors import UserError
from ..vision.clip import CLIP

CONTEXT = "a photo of a"  # the words whose vectors are learned
OTHER_CONTEXT = "the picture with the"  # has no word in common with CONTEXT
RATES = (2e-3, 5e-3, 1.5e-2)  # Adam's learning rates to try


def input_embedding(clip: CLIP) -> nn.Module:
    """The module of the text tower that turns token ids [N, L] into vectors [N, L, D]."""
    text: Any = getattr(
        clip.model, "text", clip.model
    )  # open_clip keeps the text tower in `text`, or in the model itself
    if hasattr(text, "token_embedding"):
        return text.token_embedding
    if hasattr(getattr(text, "transformer", None), "get_input_embeddings"):  # a tower of HuggingFace's transformers
        return text.transformer.get_input_embeddings()
    raise UserError(
        f"prompt tuning does not know the text tower {type(text).__name__} of {clip.name}; use another model"
    )


def context_tokens(clip: CLIP) -> slice:
    """Which tokens of "a photo of a person ..." are "a photo of a": 1 to 4 behind a start token, 0 to 3 without one.

    Read from the tokens of two sentences that begin with different words and end alike: the start is where they first
    differ, the end is where the common rest begins. UserError when a tokenizer keeps no such rest.
    """
    one, two = clip.tokenizer([f"{words} person walking." for words in (CONTEXT, OTHER_CONTEXT)]).tolist()
    start = next((i for i, (a, b) in enumerate(zip(one, two)) if a != b), len(one))
    ends = [(i, j) for i in range(start + 1, len(one)) for j in range(start + 1, len(two))]
    for i, j in sorted(ends, key=sum):
        rest = min(len(one) - i, len(two) - j)
        alike = one[i : i + rest] == two[j : j + rest]
        if alike and len(set(one[i:])) > 3:  # person, walking, the full stop and an end: more than padding
            return slice(start, i)
    raise UserError(f'the tokenizer of {clip.name} does not keep the words "{CONTEXT}" apart; prompt tuning needs that')


def tune_prompts(
    clip: CLIP,
    phrases: list[str],
    features: torch.Tensor,
    labels: torch.Tensor,
    val_features: torch.Tensor,
    val_labels: torch.Tensor,
    seed: int = 0,
    steps: int = 100,
    rates: Sequence[float] = RATES,
    batch: int = 256,
    every: int = 25,
    others: Sequence[str] = (),
) -> torch.Tensor:
    """Class prototypes [C, D] of "v1 v2 v3 v4 person <phrase>.", the v learned and the same for all classes.

    They start as "a photo of a" and minimise the cross-entropy of unit image features [n, D] with labels [n], once with
    each learning rate, side by side. Every `every` steps they are validated on val_features [m, D]; the v with the
    lowest cross-entropy of all are kept. others: phrases of classes that are not learned from; their prototypes, with
    the same v, are the last rows of the result.
    UserError for a text tower or a tokenizer that this does not know.
    """
    features, labels = features.to(clip.device), labels.to(clip.device)
    val_features, val_labels = val_features.to(clip.device), val_labels.to(clip.device)
    embedding, context = input_embedding(clip), context_tokens(clip)
    tokens = clip.tokenizer([f"{CONTEXT} person {phrase}." for phrase in (*phrases, *others)]).to(clip.device)
    with torch.no_grad():
        start = embedding(tokens[:1])[0, context].float().clone()
    own = threading.local()  # words: of the learning rate that a thread tries

    def replace_context(_module: nn.Module, _tokens: tuple, vectors: torch.Tensor) -> torch.Tensor:
        learned = own.words.to(vectors).expand(len(vectors), -1, -1)
        return torch.cat([vectors[:, : context.start], learned, vectors[:, context.stop :]], 1)

    def prototypes(tokens: torch.Tensor) -> torch.Tensor:
        return F.normalize(clip.model.encode_text(tokens).float(), dim=-1)

    def tried(rate: float) -> tuple[float, torch.Tensor]:
        """(lowest cross-entropy on the validation features, its words) of one learning rate."""
        words = own.words = start.clone().requires_grad_()
        best, lowest = start, np.inf
        optimiser = torch.optim.Adam([words], lr=rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        generator = torch.Generator().manual_seed(seed)
        for step in range(steps + 1):
            head = prototypes(tokens[: len(phrases)])
            if step % every == 0 or step == steps:
                loss = float(F.cross_entropy(val_features @ head.detach().T / clip.tau, val_labels))
                best, lowest = (words.detach().clone(), loss) if loss < lowest else (best, lowest)
            if step == steps:
                break
            index = torch.randint(len(features), (min(batch, len(features)),), generator=generator)
            scores = features[index] @ head.T / clip.tau
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(scores, labels[index]).backward()
            optimiser.step()
            schedule.step()
            bar.update()
        return lowest, best

    handle = embedding.register_forward_hook(replace_context)
    try:
        with tqdm(total=len(rates) * steps, desc="prompt tuning", unit="step", leave=False) as bar:
            _, own.words = min(parallel.each(tried, rates, clip.device), key=itemgetter(0))
        with torch.no_grad():
            return prototypes(tokens)
    finally:
        handle.remove()
