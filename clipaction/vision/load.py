"""Load any open_clip model: what its frames must look like, whether it is supported, its weights, and a self-check.

Whatever is wrong is a UserError of one line, before anything long begins."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import logging
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import open_clip
import torch
import torch.nn as nn

from ..base.errors import UserError
from ..base.paths import ROOT
from .clip import CLIP
from .relevance import check_tower

PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def register(name: str) -> None:
    """Make this project's own model known to open_clip. UserError for a name that open_clip does not know."""
    if name == "clipaction-compact":
        from ..demo import tower  # noqa: F401  (importing it registers the model)
    if open_clip.get_model_config(name) is None:
        near = difflib.get_close_matches(name, open_clip.list_models(), 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "open_clip.list_models() lists them"
        raise UserError(f"open_clip knows no model {name}; {hint}")


def preprocessing(name: str, pretrained: str = "package") -> dict[str, Any]:
    """What a model's frames must look like, without loading it: size (side, pixels), interpolation, resize_mode."""
    register(name)
    size = open_clip.get_model_config(name)["vision_cfg"]["image_size"]
    tag = open_clip.get_pretrained_cfg(name, pretrained) or {}
    return {
        "size": size if isinstance(size, int) else size[0],
        "interpolation": tag.get("interpolation", "bicubic"),
        "resize_mode": tag.get("resize_mode", "shortest"),
    }


def check_supported(name: str, pretrained: str = "package", sources: Collection[str] = ()) -> None:
    """UserError when this package cannot use a model; call it before anything long. Loads and downloads nothing.

    pretrained: as for `load_clip`. sources: the profile's region sources; `relevance` needs an image tower that it is
    defined for.
    """
    register(name)
    find_weights(name, pretrained)
    check_text_tower(name)
    if "relevance" in sources:
        try:
            check_tower(build_image_tower(name))
        except UserError as error:
            raise UserError(f"{name}: {error}") from None


def check_device(device: str) -> None:
    """UserError for a device that is not here; 'auto' and 'cpu' always are."""
    kind, _, number = device.partition(":")
    there = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}.get(kind, 1)
    if int(number or 0) >= there:
        raise UserError(f"model.device: no {device} here; choose auto or cpu")


def check_text_tower(name: str) -> None:
    """UserError when a model's text tower or tokenizer needs a library that is not installed."""
    text = open_clip.get_model_config(name)["text_cfg"]
    if not (text.get("hf_model_name") or text.get("hf_tokenizer_name")):
        return
    if importlib.util.find_spec("transformers") is None:
        raise UserError(
            f'{name} reads text with the library transformers; run pip install "transformers[sentencepiece]"'
        )


def be_quiet() -> None:
    """Show only errors of open_clip, which logs to the root logger."""
    logging.getLogger().setLevel(logging.ERROR)


def build_image_tower(name: str) -> nn.Module:
    """A model's image tower without weights, on the meta device: no memory, no network, a tenth of a second."""
    text = open_clip.get_model_config(name)["text_cfg"]
    plain = {
        key: value for key, value in text.items() if not key.startswith("hf_")
    }  # HuggingFace's towers are downloaded
    be_quiet()
    with torch.device("meta"):
        return open_clip.create_model(name, pretrained=None, text_cfg=plain, device="meta").visual


def find_weights(name: str, pretrained: str) -> str:
    """What open_clip is to load: one of its tags, a path, or 'random'. UserError when there is no such tag or file."""
    tag, checkpoint = open_clip.get_pretrained_cfg(name, pretrained), os.environ.get("CLIPACTION_CHECKPOINT")
    if pretrained == "random":
        return pretrained
    if tag and not checkpoint:
        return pretrained
    if pretrained == "package":
        source, remedy = (
            str(ROOT / "clipaction" / "demo" / f"{name}.safetensors"),
            "make them with `python -m clipaction.demo.train`",
        )
    elif tag and checkpoint:
        source, remedy = checkpoint, "set CLIPACTION_CHECKPOINT to the right file"
    elif pretrained.endswith((".safetensors", ".pt", ".bin")):
        source, remedy = pretrained, "give the path of a weights file"
    else:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise UserError(
            f"{name} has no weights {pretrained!r}; open_clip has {known} for it; give one (package: this project's), "
            "or a file, with model.pretrained"
        )
    if not Path(source).is_file():
        raise UserError(f"no weights at {source}; {remedy}")
    return source


def load_clip(
    name: str = "clipaction-compact", pretrained: str = "package", precision: str = "auto", device: str = "auto"
) -> CLIP:
    """An open_clip model by name, frozen, in evaluation mode, with the activation its weights were trained with.

    pretrained: 'package' (this project's compact CLIP), an open_clip tag such as 'openai', a weights file, or 'random'
    (for tests and timing). $CLIPACTION_CHECKPOINT names a local file to use instead of downloading a tag's weights.
    precision: 'fp32', 'fp16', 'bf16', or 'auto' (fp32 on a CPU, fp16 on a GPU). device: 'auto' takes a GPU when there
    is one. Raises UserError when the weights cannot be loaded or are not the model's; it never falls back to random
    ones.
    """
    register(name)
    source = find_weights(name, pretrained)
    check_text_tower(name)
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    if precision == "auto":
        precision = "fp16" if place.type == "cuda" else "fp32"
    if precision == "fp32":
        use_full_precision()
    model = create(name, pretrained, source)
    tau = 1 / float(model.logit_scale.exp())
    # SigLIP adds a bias to every logit. It is the same for all classes, so it cancels in the softmax over them.
    weights_hash = hash_weights(model, name)
    size = model.visual.image_size
    clip = CLIP(
        model=model.to(place, PRECISIONS[precision]),
        tokenizer=load_tokenizer(name),
        name=name,
        size=size[0] if isinstance(size, (tuple, list)) else size,
        mean=torch.tensor(model.visual.image_mean, device=place).view(1, 3, 1, 1),
        std=torch.tensor(model.visual.image_std, device=place).view(1, 3, 1, 1),
        tau=tau,
        weights_hash=weights_hash,
        device=place,
        dtype=PRECISIONS[precision],
    )
    known = pretrained == "package" or open_clip.get_pretrained_cfg(name, pretrained)
    if known and not passes_self_check(clip):
        raise UserError(
            f"{name} with {source} confuses a drawn cyclist with a drawn dog walker: "
            "these are not its weights; give the right file"
        )
    return clip


def use_full_precision() -> None:
    """Compute float32 in float32 on a GPU: by default PyTorch lets convolutions round to TF32 (10 bits of mantissa)."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def create(name: str, pretrained: str, source: str) -> Any:
    """The frozen model on the CPU, in float32, with the weights at `source` (see `find_weights`)."""
    tag, options = open_clip.get_pretrained_cfg(name, pretrained), {}
    if tag:  # a weights file says nothing of its activation and its colours' mean
        colours = {key: tag[key] for key in ("mean", "std") if key in tag}
        options = {"force_quick_gelu": bool(tag.get("quick_gelu")), "force_preprocess_cfg": colours}
    be_quiet()
    if source == "random":
        torch.manual_seed(0)
    else:
        options |= {"pretrained": source, "require_pretrained": True}
    try:
        model = open_clip.create_model(name, device="cpu", pretrained_text=False, **options)
    except Exception as error:  # hubs, sockets, unpicklers and state dicts raise all kinds
        reason = first_line(error)
        if source == pretrained and tag:
            raise UserError(
                f"cannot download {name} with weights {pretrained!r} ({reason}); check the network, "
                f"or fetch {address(tag)} elsewhere and set CLIPACTION_CHECKPOINT to the file"
            ) from None
        raise UserError(
            f"{source} does not hold weights of {name} ({reason}); give the right file, as .safetensors"
        ) from None
    return model.eval().requires_grad_(False)


ARCHITECTURE = (register, create)  # the code that decides what a model computes, for keys of what is computed with it


def load_tokenizer(name: str) -> Any:
    """The model's tokenizer. UserError when it must be downloaded and cannot be."""
    try:
        return open_clip.get_tokenizer(name)
    except Exception as error:  # as in `create`
        raise UserError(f"cannot load the tokenizer of {name} ({first_line(error)}); check the network") from None


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(":. ")[:160] if lines else type(error).__name__


def address(tag: dict[str, Any]) -> str:
    """Where the weights of an open_clip tag can be downloaded by hand."""
    hub = tag.get("hf_hub", "").strip("/")
    return (
        f"https://huggingface.co/{hub}/resolve/main/open_clip_model.safetensors"
        if hub
        else tag.get("url", "its weights")
    )


def passes_self_check(clip: CLIP) -> bool:
    """Whether, of two drawings and two sentences, each is nearest to its own. Random weights pass one time in four."""
    from ..demo.portrait import portrait

    drawings = [torch.from_numpy(portrait(action, clip.size)) for action in ("Biking", "WalkingWithDog")]
    sentences = ["a photo of a person riding a bicycle.", "a photo of a person walking a dog."]
    with torch.inference_mode():
        scores = clip.encode_image(torch.stack(drawings).permute(0, 3, 1, 2)) @ clip.encode_text(sentences).T
    return scores.argmax(0).tolist() == scores.argmax(1).tolist() == [0, 1]


def hash_weights(model: nn.Module, name: str) -> str:
    """16 hex digits of the architecture (with its activation), the normalisation and every weight, as float32."""
    visual: Any = model.visual
    facts = (name, str(model), visual.image_size, visual.image_mean, visual.image_std)
    digest = hashlib.sha256(repr(facts).encode())
    for key, value in model.state_dict().items():
        digest.update(key.encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
