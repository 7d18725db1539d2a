"""Where things are, as absolute paths. The environment variables move the big folders (and the figures, for tests)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .errors import UserError, short

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "clipaction" / "profiles"
PUBLISHED = ROOT / "figures" / "reference"  # committed; no run may write there
FOLDERS = {  # the variable that moves each big folder, and where it is without
    "CLIPACTION_DATA": "data",
    "CLIPACTION_RESULTS": "results",
    "CLIPACTION_FIGURES": "figures",
}


def path_of(text: str) -> Path:
    """The path that a user wrote, ~ expanded; it may not exist. Raises UserError for one that no file can have."""
    try:
        path = Path(text).expanduser()
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, RuntimeError, ValueError) as error:  # too long, no right to look, no such user's home, a null
        why = getattr(error, "strerror", None) or str(error)
        raise UserError(f'"{short(text)}" is no path here ({short(why).lower()}); check it') from None
    return path


def profile_names() -> list[str]:
    return [path.stem for path in sorted(PROFILES.glob("*.yaml"))]


def profile_file(name: str) -> Path:
    """The YAML file of a shipped profile, or `name` itself when it is a path to one. Raises UserError."""
    is_path = name.endswith((".yaml", ".yml"))
    path = path_of(name) if is_path else PROFILES / f"{short(name)}.yaml"
    if not path.is_file():
        what = "no such file" if is_path else "unknown profile"
        raise UserError(f'{what} "{short(name)}"; choose one of {", ".join(profile_names())}, or a path to a .yaml')
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
    return _folder("CLIPACTION_DATA")


def results_dir(profile) -> Path:
    """What passes between the notebooks of one profile (a Profile or its name): $CLIPACTION_RESULTS/<profile> or
    results/<profile>."""
    return _folder("CLIPACTION_RESULTS", _name(profile))


def figures_dir(profile) -> Path:
    """Regenerated figures, tables and report: $CLIPACTION_FIGURES/<profile> or figures/<profile>."""
    return _folder("CLIPACTION_FIGURES", _name(profile))


def reference_dir(profile) -> Path:
    """The published figures and tables of a profile, committed; may not exist."""
    return PUBLISHED / _name(profile)


def folder_of(variable: str) -> Path:
    """The folder that an environment variable of FOLDERS names, or the default; it may not exist."""
    return Path(os.environ.get(variable) or ROOT / FOLDERS[variable]).expanduser().resolve()


def _folder(variable: str, *below: str) -> Path:
    folder = folder_of(variable).joinpath(*below)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _name(profile) -> str:
    return getattr(profile, "name", profile)
