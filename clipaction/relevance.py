"""Where an image tower looks when it sees a class: Chefer, Gur, Wolf 2021, "Generic Attention-model Explainability" (ICCV).

For a transformer tower every block's softmaxed attention A [B, heads, N, N] and its gradient towards the target are combined
into a relevance R [B, N, N] of token j for token i: per block, A' = mean over heads of (grad * A)^+ (rule 5) and
R <- R + A' R (rule 6), from R = I. For a convolutional tower the map is Grad-CAM of its last stage (Selvaraju et al. 2017).

Nothing is left behind on the model: what is switched or hooked for the recording is restored on exit, also after an error, and
gradients are taken with `autograd.grad`, so no parameter's `.grad` changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as F
from torch import nn

from .errors import UserError


def _self_attention(module: nn.MultiheadAttention, record: Callable[[torch.Tensor], None]) -> Callable:
    """The forward of nn.MultiheadAttention for self-attention, written out, because the module's own hides A from the gradient."""

    def forward(query, key=None, value=None, attn_mask=None, **_):
        x = query if module.batch_first else query.transpose(0, 1)
        b, n, d = x.shape
        q, k, v = F.linear(x, module.in_proj_weight, module.in_proj_bias).view(b, n, 3, module.num_heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        attention = (scores if attn_mask is None else scores + attn_mask).softmax(-1)
        record(attention)
        out = module.out_proj((attention @ v).transpose(1, 2).reshape(b, n, d))
        return (out if module.batch_first else out.transpose(0, 1)), None

    return forward


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Set an instance attribute for a while; one that only the class had is deleted again."""
    had, old = name in vars(owner), vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, old) if had else delattr(owner, name)


def blocks(visual: nn.Module) -> list[nn.Module]:
    """The attention modules of a transformer image tower, first block first; an empty list for another tower.

    Knows timm's `Attention` (open_clip's TimmModel) and `nn.MultiheadAttention` (open_clip's own VisionTransformer).
    """
    found = getattr(getattr(visual, "trunk", None), "blocks", None) or getattr(getattr(visual, "transformer", None), "resblocks", [])
    attentions = [getattr(block, "attn", None) for block in found]
    known = [isinstance(a, nn.MultiheadAttention) or (hasattr(a, "fused_attn") and hasattr(a, "attn_drop")) for a in attentions]
    return attentions if all(known) else []


@contextmanager
def attention_maps(visual: nn.Module) -> Iterator[list[torch.Tensor]]:
    """While open, each forward of the tower appends every block's attention [B, heads, N, N], part of the graph, to the list."""
    maps: list[torch.Tensor] = []
    with ExitStack() as stack:
        for attention in blocks(visual):
            if isinstance(attention, nn.MultiheadAttention):
                stack.enter_context(_replaced(attention, "forward", _self_attention(attention, maps.append)))
            else:  # timm: without the fused kernel, the weights pass through the dropout module
                stack.enter_context(_replaced(attention, "fused_attn", False))
                stack.callback(attention.attn_drop.register_forward_hook(lambda _module, _input, output: maps.append(output)).remove)
        yield maps


def rollout(attentions: list[torch.Tensor], gradients: list[torch.Tensor]) -> torch.Tensor:
    """Relevance R [B, N, N] of every token for every token, from the blocks' attention and gradients [B, heads, N, N]."""
    n = attentions[0].shape[-1]
    relevance = torch.eye(n, device=attentions[0].device, dtype=attentions[0].dtype).expand(len(attentions[0]), n, n)
    for attention, gradient in zip(attentions, gradients):
        step = (gradient * attention).clamp(min=0).mean(1)  # rule 5
        relevance = relevance + step @ relevance  # rule 6
    return relevance


def _tokens(visual: nn.Module) -> tuple[int, bool, tuple[int, int]]:
    """(number of tokens before the patches, whether patches are averaged, patch grid); UserError for a pooling with its own attention."""
    trunk = getattr(visual, "trunk", None)
    if trunk is not None:
        prefix, pool, grid = trunk.num_prefix_tokens, trunk.global_pool, trunk.patch_embed.grid_size
    else:
        prefix, pool, grid = 1, "map" if visual.attn_pool is not None else visual.pool_type, visual.grid_size
    if pool not in ("tok", "token", "avg"):
        raise UserError(f"relevance is not defined for a tower that pools by '{pool}'; use one with a class token or average pooling")
    return prefix, pool == "avg", tuple(grid)


def _stage(visual: nn.Module) -> nn.Module:
    """The last convolutional stage of a tower: open_clip's ModifiedResNet, or timm's ResNet and ConvNeXt kinds."""
    body = getattr(visual, "trunk", visual)
    stages = getattr(body, "stages", None)
    stage = stages[-1] if stages is not None else getattr(body, "layer4", None)
    if stage is None:
        name = type(body).__name__
        raise UserError(f"relevance knows ViT, ResNet and ConvNeXt towers, not {name}; use another region source, such as motion")
    return stage


def relevance(
    model: nn.Module,
    images: torch.Tensor,
    text_features: torch.Tensor,
    encode: Callable[[torch.Tensor], torch.Tensor] | None = None,
    start_layer: int = 0,
) -> torch.Tensor:
    """Relevance maps [B, gh, gw] in [0, 1] (each scaled by its own minimum and maximum) of images towards a target direction.

    images: [B, 3, H, W] as `encode` takes them; encode: images -> features [B, D] with gradient, by default
    `model.encode_image` (then images are normalised ones). text_features: [B, D] or [D], e.g. a class's unit prototype, or its
    difference from the mean of the others for what tells it apart. The target is the logit scale * f(x) . t, f unit.
    start_layer: the first block that counts. Every image's map is its own: no sample's target depends on another image.
    """
    encode, visual, maps = encode or model.encode_image, model.visual, []
    scale = float(model.logit_scale.detach().exp()) if hasattr(model, "logit_scale") else 1.0
    with torch.inference_mode(False), torch.enable_grad(), ExitStack() as stack:
        images = images.detach().clone().requires_grad_()  # so that a frozen model still builds a graph
        transformer = bool(blocks(visual))
        if transformer:
            prefix, averaged, grid = _tokens(visual)
            maps = stack.enter_context(attention_maps(visual))
        else:
            stack.callback(_stage(visual).register_forward_hook(lambda _module, _input, output: maps.append(output)).remove)
        target = scale * (F.normalize(encode(images).float(), dim=-1) * text_features.detach().clone()).sum()
        maps = maps[start_layer:] if transformer else maps
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
