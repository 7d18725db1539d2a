"""Models that are not OpenAI's kind: SigLIP, HuggingFace's text towers, tokenizers without a start token.

Small models with random weights and tokenizers written here: nothing is downloaded, and transformers is not needed.
"""

from __future__ import annotations

import importlib.util
import json
import time

import open_clip
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from clipaction.base.errors import UserError
from clipaction.rivals.prompts import context_tokens, input_embedding, tune_prompts
from clipaction.vision import load
from clipaction.vision.relevance import relevance
from clipaction.vision.zero_shot import zero_shot

PHRASES = ["riding a bicycle", "walking a dog", "doing pull-ups"]
SIGLIP = {
    "embed_dim": 64,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {"image_size": 160, "timm_model_name": "test_vit", "timm_pool": "map", "timm_proj": "none"},
    "text_cfg": {"context_length": 24, "vocab_size": 512, "width": 32, "heads": 2, "layers": 2}
    | {"hf_tokenizer_name": "nobody/none", "no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
}


class Words:
    """A tokenizer: words to ids of `vocabulary`, in the order in which they are met, with a start token or without."""

    def __init__(self, start: bool = False, split: tuple[str, ...] = (), marks_first: bool = False, length: int = 24):
        self.start, self.split, self.marks_first, self.length, self.vocabulary = start, split, marks_first, length, {}

    def __call__(self, texts: list[str]) -> torch.Tensor:
        return torch.tensor([self.ids(text) for text in texts])

    def ids(self, text: str) -> list[int]:
        words = text.replace(".", " .").split()
        pieces = [piece for word in words for piece in ((word[:2], word[2:]) if word in self.split else (word,))]
        if self.marks_first:  # as RoBERTa, whose first word has no space before it
            pieces[0] = f"first {pieces[0]}"
        found = [self.vocabulary.setdefault(piece, 3 + len(self.vocabulary)) for piece in pieces]
        return ([2] * self.start + found + [1] * self.length)[: self.length]


class Outputs:
    def __init__(self, last_hidden_state):
        self.last_hidden_state = last_hidden_state


class Encoder(nn.Module):
    """What open_clip asks of a HuggingFace model."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(512, 32)
        self.layer = nn.TransformerEncoderLayer(32, 2, 64, batch_first=True)

    def get_input_embeddings(self):
        return self.words

    def forward(self, ids):
        return Outputs(self.layer(self.words(ids)))


class HuggingFaceTower(nn.Module):
    """A text tower as open_clip's HFTextEncoder: `transformer`, then the mean over words."""

    def __init__(self):
        super().__init__()
        self.transformer, self.proj = Encoder(), nn.Linear(32, 64)

    def forward(self, ids):
        return self.proj(self.transformer(ids).last_hidden_state.mean(1))


@pytest.fixture
def siglip(tmp_path, monkeypatch):
    """A small SigLIP, loaded as any model: a class token's place is taken by attention pooling, logits have a bias."""
    (tmp_path / "tiny-siglip.json").write_text(json.dumps(SIGLIP))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", dict(open_clip.factory._MODEL_CONFIGS))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", list(open_clip.factory._MODEL_CONFIG_PATHS))
    open_clip.add_model_config(tmp_path / "tiny-siglip.json")
    monkeypatch.setattr(load, "check_text_tower", lambda name: None)
    monkeypatch.setattr(open_clip, "get_tokenizer", lambda name: Words())
    return load.load_clip("tiny-siglip", "random", device="cpu")


@pytest.fixture
def huggingface(siglip):
    """The same with a text tower of HuggingFace's."""
    torch.manual_seed(1)
    siglip.model.text = HuggingFaceTower().eval().requires_grad_(False)
    return siglip


def with_transformers(monkeypatch, installed: bool) -> None:
    find = importlib.util.find_spec
    found = {"transformers": object() if installed else None}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found[name] if name in found else find(name))


@pytest.mark.parametrize("kind", ["siglip", "huggingface"])
def test_it_judges_clips(request, kind):
    clip = request.getfixturevalue(kind)
    head = clip.head(PHRASES)
    clips, frames = zero_shot(clip, head, torch.rand(2, 2, 3, 160, 160))
    assert clips.shape == (2, 3) and frames.shape == (2, 2, 3) and torch.isfinite(frames).all()
    assert torch.allclose(head.norm(dim=1), torch.ones(3))


def test_the_bias_of_siglips_logits_cancels_in_the_softmax(siglip):
    """softmax(cosine / tau) is the softmax of the model's own logits, which have the bias."""
    images, tokens = torch.rand(2, 3, 160, 160), siglip.tokenizer(PHRASES)
    with torch.no_grad():
        own = siglip.model.get_logits((images - siglip.mean) / siglip.std, tokens)[0]
        assert float(siglip.model.logit_bias) == -10
        scores = siglip.encode_image(images) @ siglip.encode_text(PHRASES).T
    torch.testing.assert_close((scores / siglip.tau).softmax(1), own.softmax(1))


@pytest.mark.parametrize("kind", ["siglip", "huggingface"])
def test_prompts_are_tuned_without_a_start_token(request, kind):
    clip = request.getfixturevalue(kind)
    torch.manual_seed(0)
    features, labels = F.normalize(torch.randn(12, 64), dim=-1), torch.arange(12) % 3
    assert context_tokens(clip) == slice(0, 4)

    def loss(head: torch.Tensor) -> float:
        return float(F.cross_entropy(features @ head.T / clip.tau, labels))

    before = clip.head(PHRASES, ["a photo of a person {}."])
    data = (features, labels, features, labels)
    after = tune_prompts(clip, PHRASES, *data, steps=20, rates=(0.05,), every=5)
    assert torch.allclose(tune_prompts(clip, PHRASES, *data, steps=0), before, atol=1e-6)  # where it starts
    assert after.shape == (3, 64) and loss(after) < loss(before)
    assert not input_embedding(clip)._forward_hooks
    assert torch.equal(clip.head(PHRASES, ["a photo of a person {}."]), before)


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (open_clip.SimpleTokenizer(), slice(1, 5)),
        (Words(), slice(0, 4)),
        (Words(start=True), slice(1, 5)),
        (Words(start=True, marks_first=True), slice(1, 5)),
        (Words(split=("photo", "person", "walking")), slice(0, 5)),
    ],
    ids=["OpenAI", "SigLIP", "BERT", "RoBERTa", "pieces of words"],
)
def test_the_context_is_found_in_the_tokens(toy_clip, tokenizer, expected):
    toy_clip.tokenizer = tokenizer
    assert context_tokens(toy_clip) == expected


def test_a_tokenizer_or_text_tower_that_cannot_be_tuned_is_one_line(toy_clip):
    toy_clip.tokenizer = lambda texts: torch.tensor([[hash(text) % 97, 1, 1, 1, 1] for text in texts])
    with pytest.raises(UserError, match='the tokenizer of toy does not keep the words "a photo of a" apart'):
        context_tokens(toy_clip)
    with pytest.raises(UserError, match="prompt tuning does not know the text tower ToyModel of toy"):
        input_embedding(toy_clip)


@pytest.mark.parametrize("name", ["ViT-B-16-SigLIP", "roberta-ViT-B-32", "ViT-H-14-CLIPA"])
def test_a_text_tower_that_needs_transformers_says_what_to_install(monkeypatch, name):
    with_transformers(monkeypatch, installed=False)
    tag = open_clip.list_pretrained_tags_by_model(name)[0]
    for check in (load.check_supported, load.load_clip):
        with pytest.raises(UserError, match=rf'{name} .* run pip install "transformers\[sentencepiece\]"$') as error:
            check(name, tag)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ViT-B-16-SigLIP", "is not defined for an image tower that pools with 'map'"),
        ("coca_ViT-B-32", "is not defined for an image tower that pools with 'map'"),
        ("swin_base_patch4_window7_224", "is defined for ViT, ResNet and ConvNeXt towers, not for SwinTransformer"),
    ],
)
def test_relevance_that_is_not_defined_is_refused_before_anything_is_loaded(monkeypatch, name, reason):
    with_transformers(monkeypatch, installed=True)
    pretrained, started = (open_clip.list_pretrained_tags_by_model(name) or ["random"])[0], time.monotonic()
    load.check_supported(name, pretrained, ["motion"])
    with pytest.raises(UserError, match=f"{name}: relevance {reason}") as error:
        load.check_supported(name, pretrained, ["motion", "relevance"])
    assert "\n" not in str(error.value) and time.monotonic() - started < 5


def test_the_small_siglip_is_refused_by_relevance_itself(siglip):
    with pytest.raises(UserError, match="pools with 'map'"):
        load.check_supported("tiny-siglip", "random", ["relevance"])
    with pytest.raises(UserError, match="pools with 'map'"):
        relevance(siglip.model, torch.rand(1, 3, 160, 160), torch.rand(64), siglip.encode_image)


@pytest.mark.parametrize(
    "name", ["clipaction-compact", "ViT-B-32", "RN50", "convnext_base", "EVA02-B-16", "roberta-ViT-B-32"]
)
def test_relevance_is_supported_for_class_tokens_averages_and_convolutions(monkeypatch, name):
    with_transformers(monkeypatch, installed=True)
    pretrained = "package" if name == "clipaction-compact" else open_clip.list_pretrained_tags_by_model(name)[0]
    load.check_supported(name, pretrained, ["relevance"])


def test_a_tokenizer_that_cannot_be_downloaded_is_one_line(monkeypatch):
    def offline(name):
        raise OSError("We couldn't connect to the hub\nmore lines")

    monkeypatch.setattr(open_clip, "get_tokenizer", offline)
    with pytest.raises(UserError, match="cannot load the tokenizer of ViT-B-32 .*check the network$"):
        load.load_tokenizer("ViT-B-32")
