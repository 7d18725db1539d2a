"""Relevance after Chefer et al. 2021: numbers derived by hand, both kinds of tower, the model left as it was."""

from __future__ import annotations

import open_clip
import pytest
import torch
from open_clip.model import CLIP
from timm.layers import Attention
from torch import nn

from clipaction.base.errors import UserError
from clipaction.vision.relevance import attention_maps, relevance, rollout, upsample

TEXT = {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}


def own(**vision):
    """open_clip's own image towers with random weights, tiny."""
    torch.manual_seed(0)
    vision = {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8} | vision
    return CLIP(embed_dim=16, vision_cfg=vision, text_cfg=TEXT).eval()


def timm_tower(pool="token"):
    torch.manual_seed(0)
    model = open_clip.model.CustomTextCLIP(
        embed_dim=16,
        vision_cfg={"timm_model_name": "test_vit", "timm_pool": pool, "timm_proj": "linear", "image_size": 160},
        text_cfg=TEXT,
    )
    return model.eval()


TOWERS = {
    "open_clip-tok": (own, (32, 32), (4, 4)),
    "open_clip-avg": (lambda: own(pool_type="avg"), (32, 32), (4, 4)),
    "open_clip-wide": (lambda: own(image_size=(32, 48)), (32, 48), (4, 6)),
    "timm-token": (timm_tower, (160, 160), (10, 10)),
    "timm-avg": (lambda: timm_tower("avg"), (160, 160), (10, 10)),
    "resnet": (lambda: own(image_size=64, layers=[1, 1, 1, 1], width=16), (64, 64), (2, 2)),
}


@pytest.fixture(params=TOWERS)
def tower(request):
    make, size, grid = TOWERS[request.param]
    torch.manual_seed(1)
    return make(), torch.rand(3, 3, *size), torch.randn(3, 16), grid


def test_rollout_by_hand():
    """Two tokens, two blocks, one head.

    (grad * A)^+ is [[.5, 0], [.5, 3]], then [[1, 4], [0, 0]]; R1 = [[1.5, 0], [.5, 4]].
    """
    attentions = [torch.tensor([[[[0.5, 0.5], [0.25, 0.75]]]]), torch.tensor([[[[0.2, 0.8], [1.0, 0.0]]]])]
    gradients = [torch.tensor([[[[1.0, -1.0], [2.0, 4.0]]]]), torch.tensor([[[[5.0, 5.0], [0.0, 9.0]]]])]
    assert torch.allclose(rollout(attentions, gradients), torch.tensor([[[5.0, 16.0], [0.5, 4.0]]]))
    two_heads = [torch.cat([attentions[0], torch.zeros_like(attentions[0])], 1)]
    assert torch.allclose(
        rollout(two_heads, [gradients[0].repeat(1, 2, 1, 1)]), torch.tensor([[[1.25, 0.0], [0.25, 2.5]]])
    )


class Toy(nn.Module):
    """Two tokens of width 2, one attention block that averages them (q = k = 0, v = identity), mean pooling."""

    def __init__(self):
        super().__init__()
        attention = Attention(2, 1)
        attention.qkv.weight.data = torch.cat([torch.zeros(4, 2), torch.eye(2)])
        attention.proj.weight.data, attention.proj.bias.data = torch.eye(2), torch.zeros(2)
        trunk, block = nn.Module(), nn.Module()
        block.attn, trunk.blocks, trunk.patch_embed = attention, nn.ModuleList([block]), nn.Module()
        trunk.num_prefix_tokens, trunk.global_pool, trunk.patch_embed.grid_size = 0, "avg", (1, 2)
        self.visual = nn.Module()
        self.visual.trunk = trunk

    def encode_image(self, images):
        """Channels 0 and 1 of a 1 x 2 image are the tokens."""
        return self.visual.trunk.blocks[0].attn(images[:, :2, 0].transpose(1, 2)).mean(1)


def test_a_two_token_attention_by_hand():
    """Tokens v1 = (2, 0), v2 = (0, 2); A = 1/2; f = (1, 1); t = (1, 0).

    The gradient of cos(f, t) at f is g = (t - f/2) / sqrt 2 = (1, -1) / (2 sqrt 2); with mean pooling dA_ij = g . v_j /
    2, so (grad * A)^+ = [1 / (4 sqrt 2), 0] in both rows and R = [[1 + 1 / (4 sqrt 2), 0], [1 / (4 sqrt 2), 1]].
    """
    model, images, text = Toy(), torch.zeros(1, 3, 1, 2), torch.tensor([1.0, 0.0])
    images[0, 0, 0, 0] = images[0, 1, 0, 1] = 2
    with attention_maps(model.visual) as maps:
        target = (nn.functional.normalize(model.encode_image(images), dim=-1) * text).sum()
        gradients = torch.autograd.grad(target, maps)
    assert torch.allclose(maps[0], torch.full((1, 1, 2, 2), 0.5))
    step = 1 / (4 * 2**0.5)
    assert torch.allclose(rollout(maps, gradients), torch.tensor([[[1 + step, 0.0], [step, 1.0]]]))
    assert relevance(model, images, text).tolist() == [[[1.0, 0.0]]]
    assert relevance(model, images, torch.tensor([0.0, 1.0])).tolist() == [[[0.0, 1.0]]]


def test_maps_have_the_grid_of_the_patches(tower):
    model, images, text, grid = tower
    maps = relevance(model, images, text)
    assert maps.shape == (3, *grid) and maps.dtype == torch.float32 and not maps.requires_grad
    assert torch.isfinite(maps).all() and maps.min() == 0 and maps.max() <= 1
    if grid != (2, 2):  # Grad-CAM may be empty for random weights
        assert (maps.amax((1, 2)) == 1).all()


def test_a_batch_is_its_images_one_by_one(tower):
    model, images, text, _ = tower
    single = torch.cat([relevance(model, x[None], t[None]) for x, t in zip(images, text)])
    assert torch.allclose(relevance(model, images, text), single, atol=1e-3)


def test_nothing_is_left_behind(tower):
    model, images, text, _ = tower
    model.requires_grad_(False)
    state = {name: (dict(vars(m)), list(m._forward_hooks)) for name, m in model.named_modules()}
    with torch.inference_mode():
        before = model.encode_image(images)
        relevance(model, images, text)
        assert torch.equal(model.encode_image(images), before)

    def broken(x):
        model.encode_image(x)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        relevance(model, images, text, broken)
    for name, module in model.named_modules():
        attributes, hooks = state[name]
        assert vars(module).keys() == attributes.keys() and list(module._forward_hooks) == hooks == []
        assert all(attributes[k] is v for k, v in vars(module).items() if isinstance(v, bool))
    assert all(p.grad is None for p in model.parameters())
    assert not images.requires_grad


def test_recording_does_not_change_the_answer():
    for make, size, _ in list(TOWERS.values())[:5]:
        model = make()
        images = torch.rand(2, 3, *size)
        with torch.no_grad():
            plain = model.encode_image(images)
            with attention_maps(model.visual) as maps:
                recorded = model.encode_image(images)
        assert torch.allclose(plain, recorded, atol=1e-5) and len(maps) > 1
        assert all(torch.allclose(m.sum(-1), torch.ones(()), atol=1e-5) for m in maps)


def test_a_tower_without_attention_or_stages_is_named():
    with pytest.raises(UserError, match="Linear"):
        model = nn.Module()
        model.visual = nn.Linear(2, 2)
        relevance(model, torch.rand(1, 3, 8, 8), torch.rand(1, 2), lambda x: x.mean((2, 3)))
    with pytest.raises(UserError, match="map"):
        relevance(own(attentional_pool=True), torch.rand(1, 3, 32, 32), torch.rand(1, 16))


def test_upsample():
    maps = torch.rand(2, 3, 4, 4)
    assert upsample(maps, (32, 48)).shape == (2, 3, 32, 48)
    assert torch.allclose(upsample(torch.full((1, 2, 2), 0.3), (5, 7)), torch.tensor(0.3))
