"""JupyterLab works on copies, which know their profile and keep what the reader writes."""

import subprocess
import sys

import nbformat
import pytest

from clipaction.base.errors import UserError
from clipaction.base.files import read_json
from clipaction.base.paths import ROOT
from clipaction.run import lab


@pytest.fixture
def source(tmp_path):
    """A folder with one notebook of the package's kind."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(folder / "01_a.ipynb", "print(1)")
    return folder


def write(path, source, outputs=()):
    parameters = nbformat.v4.new_code_cell('profile = "demo"\noverrides = {}', metadata={"tags": ["parameters"]})
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    metadata = {"jupytext": {"formats": "ipynb,py:percent"}}
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[parameters, cell], metadata=metadata)))


def cells(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_a_copy_knows_its_profile_and_has_no_pair(source, tmp_path):
    assert lab.copy_notebooks(source, tmp_path / "lab", "quick", {"noise.eps": 8}) == []
    copy = tmp_path / "lab" / "01_a.ipynb"
    assert cells(copy) == ["profile = \"quick\"\noverrides = {'noise.eps': 8}", "print(1)"]
    assert "jupytext" not in nbformat.read(copy, as_version=4).metadata


def test_outputs_are_kept_and_a_new_version_comes(source, tmp_path):
    folder = tmp_path / "lab"
    lab.copy_notebooks(source, folder, "demo", {})
    output = nbformat.v4.new_output("stream", text="hello")
    write(folder / "01_a.ipynb", "print(1)", [output])
    run = (folder / "01_a.ipynb").read_text()
    assert lab.copy_notebooks(source, folder, "demo", {}) == [] and (folder / "01_a.ipynb").read_text() == run
    write(source / "01_a.ipynb", "print(2)")
    assert lab.copy_notebooks(source, folder, "demo", {}) == [] and cells(folder / "01_a.ipynb")[1] == "print(2)"


def test_what_the_reader_wrote_is_never_lost(source, tmp_path):
    folder = tmp_path / "lab"
    lab.copy_notebooks(source, folder, "demo", {})
    write(folder / "01_a.ipynb", "mine = 1")
    assert lab.copy_notebooks(source, folder, "demo", {}) == []
    write(source / "01_a.ipynb", "print(2)")
    assert lab.copy_notebooks(source, folder, "demo", {}) == ["01_a.ipynb"]
    assert cells(folder / "01_a.ipynb")[1] == "mine = 1"


def test_a_broken_copy_is_one_line(source, tmp_path):
    lab.copy_notebooks(source, tmp_path / "lab", "demo", {})
    (tmp_path / "lab" / "01_a.ipynb").write_text("{")
    with pytest.raises(UserError, match="delete results"):
        lab.copy_notebooks(source, tmp_path / "lab", "demo", {})


def test_the_command_opens_the_copies(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_RESULTS", str(tmp_path))
    called = []
    monkeypatch.setattr(subprocess, "call", lambda command: called.append(command) or 0)
    assert lab.lab("quick", {}) == 0
    folder = tmp_path / "quick" / "lab"
    assert called == [[sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={folder}"]]
    books = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert sorted(path.name for path in folder.glob("*.ipynb")) == books
    assert set(read_json(folder / lab.RECORD) or {}) == set(books)
