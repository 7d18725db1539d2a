"""CLIP: the right activation and preprocessing, one line for wrong weights, and embeddings that are made once."""

from functools import partial

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from clipaction.base.errors import UserError
from clipaction.demo.tower import WEIGHTS
from clipaction.evaluate.judge import evaluate_methods
from clipaction.rivals.probe import probe_scores
from clipaction.vision import load
from clipaction.vision.zero_shot import clip_scores, encode_clips, zero_shot


def test_preprocessing_is_what_the_model_and_its_weights_ask_for():
    compact = {"size": 96, "interpolation": "bicubic", "resize_mode": "shortest"}
    assert load.preprocessing("clipaction-compact") == compact
    assert load.preprocessing("ViT-B-32-quickgelu", "openai")["size"] == 224
    assert load.preprocessing("ViT-B-16-SigLIP", "webli")["resize_mode"] == "squash"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("ViT-B-33", "openai"), "open_clip knows no model ViT-B-33; did you mean ViT-B-"),
        (("ViT-B-32", "opneai"), "ViT-B-32 has no weights 'opneai'; open_clip has openai"),
        (("clipaction-compact", "/no/such.safetensors"), "no weights at /no/such.safetensors"),
        (("RN50", "package"), "no weights at .*RN50.safetensors"),
    ],
)
def test_a_wrong_name_is_one_line(arguments, expected):
    for check in (load.load_clip, load.check_supported):
        with pytest.raises(UserError, match=expected) as error:
            check(*arguments)
        assert "\n" not in str(error.value)


def test_no_network_says_which_file_to_place_where(monkeypatch):
    def offline(*_, **__):
        raise OSError("Network is unreachable\nmore lines")

    monkeypatch.delenv("CLIPACTION_CHECKPOINT", raising=False)
    monkeypatch.setattr(open_clip, "create_model", offline)
    reason = "cannot download ViT-B-32 .*Network is unreachable"
    remedy = "fetch https://.*vit_base_patch32_clip_224.openai.* and set CLIPACTION_CHECKPOINT to the file"
    with pytest.raises(UserError, match=f"{reason}.*{remedy}"):
        load.load_clip("ViT-B-32", "openai")


def test_checkpoint_takes_the_place_of_the_download_and_keeps_the_activation(tmp_path, monkeypatch):
    """A file of ViT-B/32's shape with random weights loads as OpenAI's, with QuickGELU; then the self-check fails."""
    monkeypatch.setenv("CLIPACTION_CHECKPOINT", str(tmp_path / "none.safetensors"))
    with pytest.raises(UserError, match="none.safetensors; set CLIPACTION_CHECKPOINT to the right file"):
        load.load_clip("ViT-B-32", "openai")
    torch.manual_seed(0)
    save_file(open_clip.create_model("ViT-B-32").state_dict(), tmp_path / "vit.safetensors")
    monkeypatch.setenv("CLIPACTION_CHECKPOINT", str(tmp_path / "vit.safetensors"))
    checked = []
    monkeypatch.setattr(load, "passes_self_check", lambda model: checked.append(model) or False)
    with pytest.raises(UserError, match="vit.safetensors confuses a drawn cyclist with a drawn dog walker"):
        load.load_clip("ViT-B-32", "openai")
    activation = checked[0].model.visual.transformer.resblocks[0].mlp.gelu
    assert type(activation).__name__ == "QuickGELU"
    assert checked[0].mean.flatten().tolist() == pytest.approx([0.4815, 0.4578, 0.4082], abs=1e-3)
    assert checked[0].weights_hash
    monkeypatch.setenv("CLIPACTION_CHECKPOINT", str(WEIGHTS))
    with pytest.raises(UserError, match="does not hold weights of ViT-B-32"):
        load.load_clip("ViT-B-32", "openai")


def test_self_check_passes_our_weights_and_needs_both_pictures_right():
    ours = load.load_clip()
    assert load.passes_self_check(ours)

    class Swapped:
        """The same model with its two sentences exchanged."""

        size, encode_image = 96, staticmethod(ours.encode_image)

        def encode_text(self, texts):
            return ours.encode_text(texts[::-1])

    assert not load.passes_self_check(Swapped())


def test_fp32_is_fp32_on_a_gpu_too(monkeypatch):
    """PyTorch's default lets a GPU's convolutions round float32 to TF32."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
        load.load_clip(precision="bf16")
        assert torch.backends.cudnn.allow_tf32
        load.load_clip(precision="fp32")
        assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def test_temperature_and_hash_do_not_depend_on_the_precision():
    full, half = load.load_clip(precision="fp32"), load.load_clip(precision="bf16")
    assert (full.tau, full.weights_hash) == (half.tau, half.weights_hash)
    assert next(half.model.parameters()).dtype == half.dtype == torch.bfloat16


def test_zero_shot_is_the_cosine_of_the_mean_embedding(toy_clip, toy_head):
    x = torch.rand(4, 3, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    features = encode_clips(toy_clip, x)
    clips, frames = zero_shot(toy_clip, toy_head, x)
    assert clips.shape == (4, 5) and frames.shape == (4, 3, 5)
    assert torch.equal(clips, clip_scores(features, toy_head)[0])
    assert torch.allclose(frames[1, 2], toy_clip.encode_image(x[1, 2:])[0] @ toy_head.T)
    mean = features[0].mean(0)
    assert torch.allclose(clips[0], (mean / mean.norm()) @ toy_head.T)


def embedded(clip, monkeypatch) -> list[int]:
    """The sizes of the batches that really go through the image tower."""
    seen, encode = [], clip.model.encode_image
    monkeypatch.setattr(clip.model, "encode_image", lambda x: seen.append(len(x)) or encode(x))
    return seen


def batch(seed: int) -> torch.Tensor:
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_what_is_remembered_is_the_same_bit_for_bit_and_embedded_once(toy_clip, monkeypatch):
    batches, seen = [batch(0), batch(1), batch(0).clone()], embedded(toy_clip, monkeypatch)
    with torch.inference_mode():
        plain = [toy_clip.encode_image(x) for x in batches]
        assert len(seen) == 3
        with toy_clip.remembering():
            one, two = ([toy_clip.encode_image(x) for x in batches] for _ in range(2))
    assert len(seen) == 5  # two different batches, once each
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(plain, one, two))
    assert not torch.equal(plain[0], plain[1])


def test_memory_layout_does_not_matter_and_every_pixel_does(toy_clip, monkeypatch):
    seen, x = embedded(toy_clip, monkeypatch), batch(0)
    other = x.clone()
    other[3, 2, 15, 15] += 1e-6
    with torch.inference_mode(), toy_clip.remembering():
        toy_clip.encode_image(x)
        toy_clip.encode_image(x.contiguous(memory_format=torch.channels_last))
        assert len(seen) == 1
        toy_clip.encode_image(other)
        toy_clip.encode_image(x.flip(0))
    assert len(seen) == 3


def test_nothing_is_kept_after_the_block_also_when_it_fails(toy_clip, monkeypatch):
    seen = embedded(toy_clip, monkeypatch)
    with torch.inference_mode():
        for expected in (1, 2):  # the second block does not know the first one's
            with toy_clip.remembering():
                toy_clip.encode_image(batch(0))
            assert toy_clip.remembered is None and len(seen) == expected
        with pytest.raises(KeyboardInterrupt), toy_clip.remembering():
            raise KeyboardInterrupt
        assert toy_clip.remembered is None
        toy_clip.encode_image(batch(0))
        toy_clip.encode_image(batch(0))
    assert len(seen) == 4


def test_nothing_is_remembered_where_gradients_are_needed(toy_clip, monkeypatch):
    seen, x = embedded(toy_clip, monkeypatch), batch(0).requires_grad_()
    with toy_clip.remembering():
        with torch.no_grad():
            kept = toy_clip.encode_image(x.detach())
        for _ in range(2):
            found = toy_clip.encode_image(x)
            (gradient,) = torch.autograd.grad(found.sum(), x)
            assert gradient.abs().sum() > 0 and torch.equal(found.detach(), kept)
        assert len(seen) == 3 and len(toy_clip.remembered) == 1


def test_methods_on_the_same_frames_embed_them_once(square_study, monkeypatch):
    """Zero shot, a probe and a gate all look at the clean frames."""
    clip, meta = square_study.clip, square_study.meta
    probe = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    methods = {"none": partial(zero_shot, clip, square_study.head()), "probe": partial(probe_scores, clip, probe)}
    seen = embedded(clip, monkeypatch)
    table = evaluate_methods(square_study, meta, methods, ["none"])
    assert sum(seen) == 12 * 4 and clip.remembered is None
    alone = [square_study.evaluate(meta, ["none"], "alone", protocol=methods[name], method=name) for name in methods]
    for name, rows in zip(methods, alone):
        found = table[table["method"] == name]["p_pred"].to_numpy()
        assert (found == rows[rows["level"] == "clip"]["p_pred"].to_numpy()).all()
