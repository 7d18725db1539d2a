"""Where things are, as absolute paths. The environment variables move the big folders (and the figures, for tests)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .errors import UserError, short

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "clipaction" / "profiles"
PUBLISHED = ROOT / "figures" / "reference"  # committed; no run may write there


def profile_names() -> list[str]:
    return [path.stem for path in sorted(PROFILES.glob("*.yaml"))]


def profile_file(name: str) -> Path:
    """The YAML file of a shipped profile, or `name` itself when it is a path to one. Raises UserError."""
    is_path = name.endswith((".yaml", ".yml"))
    path = Path(name).expanduser() if is_path else PROFILES / f"{name}.yaml"
    if not path.is_file():
        what = "no such file" if is_path else "unknown profile"
        raise UserError(f'{what} "{name}"; choose one of {", ".join(profile_names())}, or a path to a .yaml')
    return path


def check_name(name: str) -> str:
    """The name of a profile; UserError for one that would lead among the published figures or out of their folder."""
    if name.lower() == PUBLISHED.name:
        raise UserError(f'profile name "{name}": figures/reference holds the published figures; choose another name')
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) or ".." in name:
        raise UserError(
            f'profile name "{short(name)}" cannot name a folder; use letters, digits, ".", "_" and "-", at most 100'
        )
    return name


def data_dir() -> Path:
    """Videos and frame stores, shared by all profiles: $CLIPACTION_DATA or data/."""
    return _folder("CLIPACTION_DATA", "data")


def results_dir(profile) -> Path:
    """What passes between the notebooks of one profile (a Profile or its name): $CLIPACTION_RESULTS/<profile> or
    results/<profile>."""
    return _folder("CLIPACTION_RESULTS", "results", _name(profile))


def figures_dir(profile) -> Path:
    """Regenerated figures, tables and report: $CLIPACTION_FIGURES/<profile> or figures/<profile>."""
    return _folder("CLIPACTION_FIGURES", "figures", _name(profile))


def reference_dir(profile) -> Path:
    """The published figures and tables of a profile, committed; may not exist."""
    return PUBLISHED / _name(profile)


def _folder(variable: str, default: str, *below: str) -> Path:
    folder = Path(os.environ.get(variable) or ROOT / default).expanduser().resolve().joinpath(*below)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _name(profile) -> str:
    return getattr(profile, "name", profile)
