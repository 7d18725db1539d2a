"""Tuned prompts: they fit better than the words they start from, and leave the model as it was."""

import torch
import torch.nn.functional as F

from clipaction.rivals.prompts import tune_prompts
from clipaction.vision.load import load_clip


def test_tuned_prompts_fit_better_come_out_the_same_twice_and_leave_the_model_alone():
    clip = load_clip()
    phrases = ["riding a bicycle", "doing push-ups", "mopping the floor"]
    generator = torch.Generator().manual_seed(0)
    tokens = clip.tokenizer(["a photo of a person riding a bicycle."])
    before = clip.model.encode_text(tokens)
    plain = clip.head(phrases, ["a photo of a person {}."])
    labels = torch.arange(90) % 3
    noise = torch.randn(90, plain.shape[1], generator=generator)
    features = F.normalize(plain[labels] + 0.5 * plain[0] + 0.1 * noise, dim=-1)

    def loss(head):
        return float(F.cross_entropy(features @ head.T / clip.tau, labels))

    learned = (features, labels, features, labels)
    one, two = (tune_prompts(clip, phrases, *learned, steps=20, every=5) for _ in range(2))
    assert loss(one) < 0.9 * loss(plain) and torch.equal(one, two)
    assert torch.equal(clip.model.encode_text(tokens), before)
