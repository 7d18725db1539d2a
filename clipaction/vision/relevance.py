"""Which image regions speak for a class: Chefer, Gur, Wolf 2021, "Generic Attention-model Explainability" (ICCV).

For a transformer tower every block's softmaxed attention A [B, heads, N, N] and its gradient towards the target are
combined into a relevance R [B, N, N] of token j for token i: per block, A' = mean over heads of (grad * A)^+ (rule 5)
and R <- R + A' R (rule 6), from R = I. For a convolutional tower the map is Grad-CAM of its last stage (Selvaraju et
al. 2017).

The model is left as it was: whatever is switched or hooked for the recording is restored, also after an error.
Gradients are taken with `autograd.grad`, so no parameter's `.grad` changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..base.errors import UserError


def _recording_forward(module: nn.MultiheadAttention, record: Callable[[torch.Tensor], None]) -> Callable:
    """nn.MultiheadAttention's forward for self-attention, written out: the module's own keeps A out of the graph."""

    def forward(query, key=None, value=None, attn_mask=None, **_):
        x = query if module.batch_first else query.transpose(0, 1)
        b, n, d = x.shape
        q, k, v = (
            F.linear(x, module.in_proj_weight, module.in_proj_bias)
            .view(b, n, 3, module.num_heads, -1)
            .permute(2, 0, 3, 1, 4)
        )
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        attention = (scores if attn_mask is None else scores + attn_mask).softmax(-1)
        record(attention)
        out = module.out_proj((attention @ v).transpose(1, 2).reshape(b, n, d))
        return (out if module.batch_first else out.transpose(0, 1)), None

    return forward


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Set an attribute of an object while the block runs; restore it, or delete it if only the class had it."""
    had, old = name in vars(owner), vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, old) if had else delattr(owner, name)


def attention_modules(visual: nn.Module) -> list[Any]:
    """The attention modules of a transformer image tower, first block first; an empty list for any other tower.

    Knows timm's `Attention` (open_clip's TimmModel) and `nn.MultiheadAttention` (open_clip's own VisionTransformer).
    """
    blocks = getattr(getattr(visual, "trunk", None), "blocks", None) or getattr(
        getattr(visual, "transformer", None), "resblocks", []
    )
    attentions: list[Any] = [getattr(block, "attn", None) for block in blocks]
    known = [
        isinstance(a, nn.MultiheadAttention) or (hasattr(a, "fused_attn") and hasattr(a, "attn_drop"))
        for a in attentions
    ]
    return attentions if all(known) else []


def _appending(maps: list[torch.Tensor]) -> Callable[..., None]:
    """A forward hook that appends a module's output to `maps`."""

    def hook(_module: nn.Module, _inputs: tuple, output: torch.Tensor) -> None:
        maps.append(output)

    return hook


@contextmanager
def attention_maps(visual: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Inside, each forward of the tower appends the attention [B, heads, N, N] of every block, with its graph."""
    maps: list[torch.Tensor] = []
    with ExitStack() as stack:
        for attention in attention_modules(visual):
            if isinstance(attention, nn.MultiheadAttention):
                stack.enter_context(_replaced(attention, "forward", _recording_forward(attention, maps.append)))
            else:  # timm: without the fused kernel the attention passes through the dropout module
                stack.enter_context(_replaced(attention, "fused_attn", False))
                stack.callback(attention.attn_drop.register_forward_hook(_appending(maps)).remove)
        yield maps


def rollout(attentions: list[torch.Tensor], gradients: list[torch.Tensor]) -> torch.Tensor:
    """Relevance R [B, N, N] of token j for token i, from the blocks' attention and gradients [B, heads, N, N]."""
    n = attentions[0].shape[-1]
    relevance = torch.eye(n, device=attentions[0].device, dtype=attentions[0].dtype).expand(len(attentions[0]), n, n)
    for attention, gradient in zip(attentions, gradients):
        step = (gradient * attention).clamp(min=0).mean(1)  # rule 5
        relevance = relevance + step @ relevance  # rule 6
    return relevance


def _token_layout(visual: nn.Module) -> tuple[int, bool, tuple[int, ...]]:
    """(number of tokens before the patches, whether patches are averaged, patch grid).

    UserError for a tower that pools with attention of its own.
    """
    trunk: Any = getattr(visual, "trunk", None)
    if trunk is not None:
        prefix, pooling, grid = trunk.num_prefix_tokens, trunk.global_pool, trunk.patch_embed.grid_size
    else:
        own: Any = visual
        prefix, pooling, grid = 1, "map" if own.attn_pool is not None else own.pool_type, own.grid_size
    if pooling not in ("tok", "token", "avg"):
        raise UserError(
            f"relevance is not defined for an image tower that pools with '{pooling}'; take relevance "
            "out of regions.sources, or use a model with a class token or average pooling"
        )
    return prefix, pooling == "avg", tuple(grid)


def _last_stage(visual: nn.Module) -> nn.Module:
    """The last convolutional stage of a tower: open_clip's ModifiedResNet, or timm's ResNet and ConvNeXt kinds."""
    body: Any = getattr(visual, "trunk", visual)
    stages = getattr(body, "stages", None)
    stage = stages[-1] if stages is not None else getattr(body, "layer4", None)
    if stage is None:
        raise UserError(
            f"relevance is defined for ViT, ResNet and ConvNeXt towers, not for {type(body).__name__}; "
            "use another region source, such as motion"
        )
    return stage


def check_tower(visual: nn.Module) -> None:
    """UserError when relevance is not defined for an image tower; its weights are not needed."""
    if attention_modules(visual):
        _token_layout(visual)
    else:
        _last_stage(visual)


def relevance(
    model: Any,
    images: torch.Tensor,
    text_features: torch.Tensor,
    encode: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> torch.Tensor:
    """Relevance maps [B, gh, gw] of images towards a target, each scaled to [0, 1] by its own minimum and maximum.

    images: [B, 3, H, W] as `encode` takes them; encode: images -> features [B, D] with gradient, by default
    `model.encode_image` (then images are normalised ones). text_features: [B, D] or [D], e.g. a class's unit
    prototype, or its difference from the mean of the others. The target is the logit scale * f(x) . t, f unit. An
    image's map does not depend on the other images of the batch."""
    encode, visual = encode or model.encode_image, model.visual
    maps: list[torch.Tensor] = []
    scale = float(model.logit_scale.detach().exp()) if hasattr(model, "logit_scale") else 1.0
    with torch.inference_mode(False), torch.enable_grad(), ExitStack() as stack:
        images = images.detach().clone().requires_grad_()  # so that a frozen model still builds a graph
        transformer = bool(attention_modules(visual))
        if transformer:
            prefix, averaged, grid = _token_layout(visual)
            maps = stack.enter_context(attention_maps(visual))
        else:
            stack.callback(_last_stage(visual).register_forward_hook(_appending(maps)).remove)
        target = scale * (F.normalize(encode(images).float(), dim=-1) * text_features.detach().clone()).sum()
        gradients = torch.autograd.grad(target, maps)
    if transformer:
        rows = rollout([m.detach().float() for m in maps], [g.float() for g in gradients])
        heat = (rows[:, prefix:, prefix:].mean(1) if averaged else rows[:, 0, prefix:]).unflatten(1, grid)
    else:  # Grad-CAM: channels weighted by their mean gradient
        heat = (gradients[0].mean((2, 3), keepdim=True) * maps[0].detach()).sum(1).clamp(min=0).float()
    low, high = heat.amin((1, 2), keepdim=True), heat.amax((1, 2), keepdim=True)
    return (heat - low) / (high - low).clamp(min=1e-12)


def upsample(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Maps [..., gh, gw] to [..., H, W], bilinear."""
    flat = F.interpolate(maps.reshape(-1, 1, *maps.shape[-2:]), size=size, mode="bilinear", align_corners=False)
    return flat.view(*maps.shape[:-2], *size)
