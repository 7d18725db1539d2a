"""Loading CLIP: the right activation and preprocessing, and one line for weights that cannot be had or are not the model's."""

import open_clip
import pytest
import torch
from safetensors.torch import save_file

from clipaction import clip
from clipaction.demo.tower import WEIGHTS
from clipaction.errors import UserError


def test_preprocessing_is_what_the_model_and_its_weights_ask_for():
    assert clip.preprocessing("clipaction-compact") == {"size": 96, "interpolation": "bicubic", "resize_mode": "shortest"}
    assert clip.preprocessing("ViT-B-32-quickgelu", "openai")["size"] == 224
    assert clip.preprocessing("ViT-B-16-SigLIP", "webli")["resize_mode"] == "squash"


@pytest.mark.parametrize(("arguments", "expected"), [
    (("ViT-B-33", "openai"), "open_clip knows no model ViT-B-33; did you mean ViT-B-"),
    (("ViT-B-32", "opneai"), "ViT-B-32 has no weights 'opneai'; open_clip has openai"),
    (("clipaction-compact", "/no/such.safetensors"), "no weights at /no/such.safetensors"),
    (("RN50", "package"), "no weights at .*RN50.safetensors"),
])  # fmt: skip
def test_a_wrong_name_is_one_line(arguments, expected):
    with pytest.raises(UserError, match=expected) as error:
        clip.load_clip(*arguments)
    assert "\n" not in str(error.value)


def test_no_network_says_which_file_to_place_where(monkeypatch):
    def offline(*_, **__):
        raise OSError("Network is unreachable\nmore lines")

    monkeypatch.delenv("CLIPACTION_CHECKPOINT", raising=False)
    monkeypatch.setattr(open_clip, "create_model", offline)
    with pytest.raises(UserError, match="cannot download ViT-B-32 .*Network is unreachable.*fetch https://.*vit_base_patch32_clip_224.openai.* and set CLIPACTION_CHECKPOINT to the file"):
        clip.load_clip("ViT-B-32", "openai")


def test_checkpoint_takes_the_place_of_the_download_and_keeps_the_activation(tmp_path, monkeypatch):
    """A file of ViT-B/32's shape with random weights is loaded as OpenAI's (QuickGELU, whatever the name), then fails the self-check."""
    monkeypatch.setenv("CLIPACTION_CHECKPOINT", str(tmp_path / "none.safetensors"))
    with pytest.raises(UserError, match="none.safetensors; mend CLIPACTION_CHECKPOINT"):
        clip.load_clip("ViT-B-32", "openai")
    torch.manual_seed(0)
    save_file(open_clip.create_model("ViT-B-32").state_dict(), tmp_path / "vit.safetensors")
    monkeypatch.setenv("CLIPACTION_CHECKPOINT", str(tmp_path / "vit.safetensors"))
    checked = []
    monkeypatch.setattr(clip, "tells_pictures_apart", lambda model: checked.append(model) or False)
    with pytest.raises(UserError, match="vit.safetensors cannot tell a drawn cyclist from a drawn dog walker"):
        clip.load_clip("ViT-B-32", "openai")
    activation = checked[0].model.visual.transformer.resblocks[0].mlp.gelu
    assert type(activation).__name__ == "QuickGELU"
    assert checked[0].mean.flatten().tolist() == pytest.approx([0.4815, 0.4578, 0.4082], abs=1e-3) and checked[0].weights_hash
    monkeypatch.setenv("CLIPACTION_CHECKPOINT", str(WEIGHTS))
    with pytest.raises(UserError, match="does not hold weights of ViT-B-32"):
        clip.load_clip("ViT-B-32", "openai")


def test_self_check_passes_our_weights_and_needs_both_pictures_right():
    ours = clip.load_clip()
    assert clip.tells_pictures_apart(ours)
    swapped = type("Swapped", (), {"size": 96, "encode_image": ours.encode_image, "encode_text": lambda _, texts: ours.encode_text(texts[::-1])})()
    assert not clip.tells_pictures_apart(swapped)
