"""Profiles: YAML files, merged and validated.

    profile = load_profile("demo", {"noise.eps": 8})     # a name, or a path to a .yaml; overrides by dotted name
    profile.noise.eps, profile.key("dataset", "frames")

Overrides and files may nest sections or write `a.b`. A file may say `extends: demo` and give only what differs.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from ..base.errors import UserError, short
from ..base.files import digest, digest_of
from ..base.paths import PROFILES, profile_file
from .schema import Profile


def load_profile(name_or_path: str | Path = "demo", overrides: dict[str, Any] | None = None) -> Profile:
    """The validated profile of a shipped name or a .yaml file, with `overrides` ({"noise.eps": 8} or nested) on top.

    Raises UserError, one line, for an unknown profile, an unreadable file or a value that does not fit the schema.
    """
    try:
        values = _merge(_read(str(name_or_path)), _nest(overrides or {}))
    except RecursionError:
        raise UserError(
            f'profile "{short(str(name_or_path))}": nested too deeply; write section.field: value'
        ) from None
    if isinstance(values.get("extensions"), (list, tuple)):
        values["extensions"] = [str(Path(str(file)).expanduser().resolve()) for file in values["extensions"]]
        for file in values["extensions"]:
            extend(Path(file))
    try:
        profile = Profile.model_validate(values)
        title = profile.title.replace("{model}", model_words(profile.model.name, profile.model.pretrained))
        return profile.model_copy(update={"title": title})
    except ValidationError as error:
        first = {e["loc"][:2]: e for e in reversed(error.errors())}  # a bad item is also reported for its list
        texts = [explain(e) for e in reversed(first.values())]
        raise UserError(f'profile "{name_or_path}": ' + "; ".join(texts)) from None


def model_words(name: str, pretrained: str) -> str:
    """What a title calls a model: the two that the shipped profiles use by their common names."""
    known = {
        ("clipaction-compact", "package"): "compact CLIP",
        ("ViT-B-32-quickgelu", "openai"): "OpenAI CLIP ViT-B/32",
    }
    return known.get((name, pretrained), f"{name} ({Path(pretrained).name})")


def extend(path: Path) -> None:
    """Import a Python file that adds shapes, sources, methods, figures or tables; once a process and version of the
    file."""
    name = f"clipaction_extension_{digest(str(path), digest_of(path))[:12]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise UserError(f"extensions: no Python file {path}; check the path")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file does
        del sys.modules[name]
        raise UserError(f"extensions: {path} failed with {type(error).__name__}: {error}; mend the file") from None


def _read(name: str, seen: tuple[str, ...] = ()) -> dict:
    """A profile's values with those it extends underneath; its name defaults to the file's."""
    path = profile_file(name)
    if name in seen:
        raise UserError(f'profile "{name}" extends itself; take its "extends" line out')
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({' '.join(str(error).split())}); mend the file") from None
    if not isinstance(values, dict):
        raise UserError(f'{path}: expected "section: values" lines; see {PROFILES / "demo.yaml"}')
    values = {"name": path.stem, **_nest(values)}
    # A path in a file starts from that file's folder.
    if isinstance(values.get("extensions"), list):
        values["extensions"] = [str((path.parent / str(file)).resolve()) for file in values["extensions"]]
    for section, field in (("dataset", "root"), ("model", "pretrained"), ("regions", "boxes")):
        value = values.get(section, {}).get(field) if isinstance(values.get(section), dict) else None
        if isinstance(value, str) and (path.parent / value).exists():
            values[section] = {**values[section], field: str((path.parent / value).resolve())}
    base = values.pop("extends", None)
    return values if base is None else _merge(_read(str(base), (*seen, name)), values)


def _nest(values: dict) -> dict:
    """{"a.b": 1} -> {"a": {"b": 1}}, at every depth."""
    out: dict = {}
    for key, value in values.items():
        for part in reversed(str(key).split(".")):
            value = {part: _nest(value) if isinstance(value, dict) else value}
        out = _merge(out, value)
    return out


def _merge(below: dict, above: dict) -> dict:
    out = dict(below)
    for key, value in above.items():
        out[key] = _merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def explain(error, schema: type[BaseModel] = Profile) -> str:
    """'noise.eps: input should be greater than 0 (got -3)', or the nearest known name for an unknown field.

    error: one of a ValidationError of `schema`."""
    where = short(".".join(str(part) for part in error["loc"] if part != "[key]"))  # an error in a mapping's key
    if error["type"] == "missing":
        return f"{where}: missing"
    if error["type"] == "extra_forbidden":
        known = _fields(schema, error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
        return f"{where}: unknown field; " + (f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}")
    what = f"{error['msg'][0].lower()}{error['msg'][1:]} (got {short(repr(error['input']))})"
    if error["type"] == "value_error":
        what = error["msg"].removeprefix("Value error, ")
    return f"{where}: {what}".removeprefix(": ")


def _fields(model: Any, location: tuple) -> list[str]:
    for part in location:
        kinds = (model.model_fields[part].annotation, *get_args(model.model_fields[part].annotation))
        model = next(kind for kind in kinds if hasattr(kind, "model_fields"))  # also of an optional section
    return list(model.model_fields)
