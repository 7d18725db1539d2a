"""JupyterLab on copies of the notebooks, so that running and saving them leaves the repository as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat

from ..base.errors import UserError
from ..base.files import digest, read_json, write_json, write_text
from ..base.paths import ROOT, results_dir
from ..profiles import load_profile

RECORD = "copies.json"  # the digests of the copies as they were made


def lab(profile: str, overrides: dict, source: Path = ROOT / "notebooks") -> int:
    """Copies the notebooks to results/<profile>/lab/, with the profile and overrides filled in, and opens JupyterLab
    there; its exit code. Copies that the reader has changed are kept."""
    folder = results_dir(load_profile(profile, overrides)) / "lab"
    for name in copy_notebooks(source, folder, profile, overrides):
        print(f"{name}: your copy in {folder} is changed, and so is the package's; delete yours to get the new one")
    print(f"the notebooks are in {folder}", flush=True)
    return subprocess.call([sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={folder}"])


def copy_notebooks(source: Path, folder: Path, profile: str, overrides: dict) -> list[str]:
    """Copies what is new or changed; the names of notebooks that both sides have changed, which are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    record, kept = folder / RECORD, []
    made = read_json(record) or {}
    for book in sorted(source.glob("*.ipynb")):
        target, fresh = folder / book.name, with_parameters(book.read_text(), profile, overrides)
        key = digest(essence(fresh))
        untouched = not target.exists() or digest(essence(target.read_text())) == made.get(book.name)
        if untouched and (not target.exists() or key != made.get(book.name)):
            write_text(target, fresh)
            made[book.name] = key
        elif not untouched and key != made.get(book.name):
            kept.append(book.name)
    write_json(record, made)
    return kept


def with_parameters(text: str, profile: str, overrides: dict) -> str:
    """A notebook's JSON with the cell of parameters filled in, and without its pairing with a .py file."""
    book = nbformat.reads(text, as_version=4)
    book.metadata.pop("jupytext", None)
    for cell in book.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = f"profile = {json.dumps(profile)}\noverrides = {overrides!r}"
    return nbformat.writes(book)


def essence(text: str) -> list[tuple[str, str]]:
    """What of a notebook is the reader's or ours: kind and source of its cells. Not its outputs."""
    try:
        book = nbformat.reads(text, as_version=4)
    except Exception as error:  # nbformat raises many kinds
        raise UserError(f"a copied notebook is no notebook any more ({error}); delete results/<profile>/lab") from None
    return [(cell.cell_type, cell.source) for cell in book.cells]
