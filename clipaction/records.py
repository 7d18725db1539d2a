"""What is finished: a record a notebook, results/<profile>/notebooks/NN.json.

It holds a key (the notebook's source, the package's code and weights, the lock, the profile, the key of the notebook before it) and
the digest of every file the notebook wrote. The notebook is reused when the key is the same and the files are still as written.
An interrupted one runs again, and the package's own caches spare it what it had done.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import nbformat

from .paths import ROOT, figures_dir, results_dir

EMPTY = {"key": "", "finished": None, "outputs": {}}
GROWING = {"results/timing.parquet", "results/environment.json"}  # every notebook adds to them, and never the same twice


def read(profile, book: Path) -> dict:
    """{'key', 'finished': time or None, 'outputs': {name: digest}}; an empty one where there is none."""
    try:
        return json.loads(_path(profile, book).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return dict(EMPTY)


def begin(profile, book: Path, key: str) -> None:
    """Notes the files as they are before the notebook runs, so that `finish` can tell which it wrote (interrupted attempts included)."""
    record = {"before": snapshot(profile), **read(profile, book)}  # an unfinished record has its own, older `before`
    _write(profile, book, {**record, "key": key, "finished": None})


def finish(profile, book: Path, seconds: float) -> None:
    record, after = read(profile, book), snapshot(profile)
    before = record.pop("before")
    written = [name for name in after if after[name] != before.get(name) or name in record["outputs"]]
    outputs = {name: file_digest(_file(profile, name)) for name in written if name not in GROWING}
    _write(profile, book, {**record, "finished": time.time(), "seconds": round(seconds, 1), "outputs": outputs})


def stands(profile, book: Path, key: str) -> bool:
    """Whether the notebook finished with this key and its files are as written (by it, or by one that finished later)."""
    record = read(profile, book)
    if record["key"] != key or not record["finished"] or not _path(profile, book).with_name(book.name).exists():
        return False
    finished = [r for p in _path(profile, book).parent.glob("[0-9][0-9].json") if (r := read(profile, p))["finished"]]
    last = {name: seen for r in sorted(finished, key=lambda r: r["finished"]) for name, seen in r["outputs"].items()}
    return all(file_digest(_file(profile, name)) == last[name] for name in record["outputs"])


def forget(profile, books: list[Path], everything: bool) -> None:
    """Removes what these notebooks wrote, or all results and figures of the profile; videos and frames in the data folder stay."""
    if everything:
        shutil.rmtree(results_dir(profile))
        shutil.rmtree(figures_dir(profile))
    for book in books:
        for name in read(profile, book)["outputs"]:
            _file(profile, name).unlink(missing_ok=True)
        _path(profile, book).unlink(missing_ok=True)


def snapshot(profile) -> dict[str, list[int]]:
    """{'results/clips.parquet': [size, mtime in ns], 'figures/...': ...} of the profile's files but the executed notebooks."""
    files = {}
    for top in ("results", "figures"):
        folder = _file(profile, top)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".tmp" and not path.is_relative_to(folder / "notebooks"):
                files[f"{top}/{path.relative_to(folder).as_posix()}"] = state(path)
    return files


def source(book: Path) -> list[str]:
    """What a notebook does: its cells, without outputs, counts and other traces of having been opened."""
    return [f"{cell.cell_type}: {cell.source}" for cell in nbformat.read(book, as_version=4).cells]


def world(profile) -> str:
    """Digest of what every notebook depends on: profile, lock, the package's code, model description and weights, the user's own files."""
    top = ROOT / "clipaction"
    files = [p for p in sorted(top.rglob("*")) if p.is_file() and "__pycache__" not in p.parts and p.suffix not in (".yaml", ".md", ".tmp")]
    given = (profile.dataset.root, profile.regions.boxes, profile.model.pretrained, os.environ.get("CLIPACTION_CHECKPOINT"))
    own = [[str(file), *state(file)] for path in given if path for file in (Path(path), *sorted(Path(path).rglob("*"))) if file.is_file()]
    return digest(profile.dump(), file_digest(ROOT / "requirements.lock"), [[p.relative_to(top).as_posix(), file_digest(p)] for p in files], own)


def state(path: Path) -> list[int]:
    """[size, mtime in ns]: what changes when somebody replaces a file."""
    return [path.stat().st_size, path.stat().st_mtime_ns]


def file_digest(path: Path) -> str:
    """Of the content; empty where there is no file."""
    if not path.is_file():
        return ""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(*parts) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _file(profile, name: str) -> Path:
    top, _, rest = name.partition("/")
    return {"results": results_dir, "figures": figures_dir}[top](profile) / rest


def _path(profile, book: Path) -> Path:
    return results_dir(profile) / "notebooks" / f"{book.name[:2]}.json"


def _write(profile, book: Path, record: dict) -> None:
    path = _path(profile, book)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(record, indent=1))
    os.replace(aside, path)
