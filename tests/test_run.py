"""The notebook runner on two throwaway notebooks: success, failures that say where, reuse and what ends it."""

from __future__ import annotations

import json
import os
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from clipaction import records
from clipaction import run as runner
from clipaction.config import load_profile
from clipaction.errors import UserError
from clipaction.paths import ROOT, results_dir

PARAMETERS = 'profile = "demo"\noverrides = {}'
FIRST = """
from tqdm.auto import tqdm
from clipaction.config import load_profile
from clipaction.paths import ROOT, results_dir
p = load_profile(profile, overrides)
out = results_dir(p) / "one.txt"
for _ in tqdm(range(3), desc="counting", unit="clip"): pass
out.write_text(str(p.noise.eps))
with open(results_dir(p) / "ran.log", "a") as log: log.write("1")
"""
SECOND = """
from clipaction.paths import figures_dir, results_dir
(figures_dir(profile) / "two.txt").write_text((results_dir(profile) / "one.txt").read_text() * 2)
with open(results_dir(profile) / "timing.parquet", "a") as log: log.write("2")
"""


def write(folder, name, *cells, tags=("parameters",)):
    cells = [new_code_cell(PARAMETERS, metadata={"tags": list(tags)}), *map(new_code_cell, cells)]
    nbformat.write(new_notebook(cells=cells), folder / name)


@pytest.fixture
def books(tmp_path, monkeypatch):
    for name in ("RESULTS", "FIGURES", "DATA"):
        monkeypatch.setenv(f"CLIPACTION_{name}", str(tmp_path / name.lower()))
    monkeypatch.setattr(records, "world", lambda profile: profile.key())  # not the code, which may be edited while tests run
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(folder, "01_first.ipynb", FIRST)
    write(folder, "02_second.ipynb", SECOND)
    return folder


def ran() -> list[str]:
    """Which notebooks have been executed, by their files' times."""
    return [p.name for p in sorted((results_dir("demo") / "notebooks").glob("*.ipynb"), key=os.path.getmtime)]


def test_runs_in_order_then_reuses_until_something_changes(books, capsys):
    assert runner.run("demo", {"noise.eps": 8}, folder=books)
    assert (results_dir("demo").parents[1] / "figures/demo/two.txt").read_text() == "8.08.0"
    assert ran() == ["01_first.ipynb", "02_second.ipynb"]
    saved = nbformat.read(results_dir("demo") / "notebooks/01_first.ipynb", as_version=4)
    bars = [o.text for c in saved.cells for o in c.get("outputs", ()) if o.output_type == "stream"]
    assert len(bars) == 1 and "counting: 100%" in bars[0] and "\r" not in bars[0], "a bar is kept as text, in its last state"

    def outcome(overrides=None, **kwargs) -> list[bool]:
        capsys.readouterr()
        runner.run("demo", overrides or {"noise.eps": 8}, folder=books, **kwargs)
        return ["reused" in line for line in capsys.readouterr().out.splitlines()]

    assert outcome() == [True, True]
    (results_dir("demo") / "one.txt").write_text("edited")
    assert outcome() == [False, True], "a changed output is made again; the rest stands"
    write(books, "02_second.ipynb", SECOND, "1 + 1")
    assert outcome() == [True, False], "a changed notebook runs again"
    assert outcome({"noise.eps": 9}) == [False, False], "so does everything when the profile changes"
    assert outcome({"noise.eps": 9}, only="02") == [True]
    assert outcome({"noise.eps": 9}, start="2", fresh=True) == [False]
    assert outcome({"noise.eps": 9}) == [True, True]


def test_failure_names_notebook_cell_error_and_file(books):
    write(books, "02_second.ipynb", "fine = 1", "# why\nbroken = fine / 0")
    with pytest.raises(runner.NotebookError) as failure:
        runner.run("demo", folder=books)
    text = str(failure.value)
    assert "02 second failed" in text and "broken = fine / 0" in text and "ZeroDivisionError: division by zero" in text
    opened = results_dir("demo") / "notebooks/02_second.ipynb"
    assert str(opened) in text and opened.exists() and "Traceback" not in text
    assert json.loads((results_dir("demo") / "notebooks/02.json").read_text())["finished"] is None


def test_user_error_in_a_notebook_is_its_own_line(books):
    write(books, "01_first.ipynb", 'from clipaction.errors import UserError\nraise UserError("no videos in X; give another folder")')
    with pytest.raises(runner.NotebookError, match="error     no videos in X; give another folder"):
        runner.run("demo", folder=books, only="1")


def test_killed_kernel_is_told(books):
    write(books, "01_first.ipynb", "import os\nos.kill(os.getpid(), 9)")
    with pytest.raises(runner.NotebookError, match="01 first failed: its Python was killed"):
        runner.run("demo", folder=books, only="1")


def test_missing_parameters_cell_is_refused(books):
    write(books, "01_first.ipynb", FIRST, tags=())
    with pytest.raises(UserError, match='one cell tagged "parameters" that sets profile and overrides'):
        runner.run("demo", folder=books)


def test_what_an_interrupted_notebook_wrote_is_its_own(books, monkeypatch):
    keeping = FIRST.replace("out.write_text", "if not out.exists(): out.write_text")
    write(books, "01_first.ipynb", keeping, 'import os\nassert "GO" in os.environ')
    with pytest.raises(runner.NotebookError, match="AssertionError"):
        runner.run("demo", folder=books, only="1")
    monkeypatch.setenv("GO", "1")
    runner.run("demo", folder=books, only="1")
    assert "results/one.txt" in json.loads((results_dir("demo") / "notebooks/01.json").read_text())["outputs"]


def test_the_world_is_profile_lock_and_code(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "clipaction", tmp_path / "clipaction", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    monkeypatch.setattr(records, "ROOT", tmp_path)
    demo, seen = load_profile("demo"), set()
    seen.add(records.world(demo))
    seen.add(records.world(load_profile("demo", {"noise.eps": 8})))
    (tmp_path / "requirements.lock").write_text("torch==1")
    seen.add(records.world(demo))
    (tmp_path / "clipaction/masks.py").write_text("pass")
    seen.add(records.world(demo))
    assert len(seen) == 4 and records.world(demo) in seen


def test_unknown_notebook(books):
    with pytest.raises(UserError, match='no notebook "07"; the notebooks are 01, 02'):
        runner.run("demo", folder=books, only="07")
