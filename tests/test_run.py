"""The notebook runner on two throwaway notebooks: success, failures that say where, reuse and what ends it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from functools import cache

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from clipaction.base import code as base_code
from clipaction.base.cache import read_table
from clipaction.base.errors import INTERRUPTED, UserError, interrupt
from clipaction.base.paths import ROOT, figures_dir, results_dir
from clipaction.profiles import load_profile
from clipaction.run import records, runner
from clipaction.run.notebook import NotebookError, without_bars

PARAMETERS = 'profile = "demo"\noverrides = {}'
FIRST = """
from tqdm.auto import tqdm
from clipaction.profiles import load_profile
from clipaction.base.paths import ROOT, results_dir
p = load_profile(profile, overrides)
out = results_dir(p) / "one.txt"
for _ in tqdm(range(3), desc="counting", unit="clip"): pass
out.write_text(str(p.noise.eps))
"""
SECOND = """
import time
import pandas as pd
from clipaction.base.cache import save_table
from clipaction.base.paths import figures_dir, results_dir
(figures_dir(profile) / "two.txt").write_text((results_dir(profile) / "one.txt").read_text() * 2)
save_table(results_dir(profile) / "timing.parquet", pd.DataFrame({"seconds": [time.time()]}))
"""


def write(folder, name, *cells, tags=("parameters",)):
    cells = [new_code_cell(PARAMETERS, metadata={"tags": list(tags)}), *map(new_code_cell, cells)]
    nbformat.write(new_notebook(cells=cells), folder / name)


@pytest.fixture
def books(tmp_path, monkeypatch):
    for name in ("RESULTS", "FIGURES", "DATA"):
        monkeypatch.setenv(f"CLIPACTION_{name}", str(tmp_path / name.lower()))
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
    assert len(bars) == 1 and "counting: 100%" in bars[0] and "\r" not in bars[0], (
        "a bar is kept as text, in its last state"
    )

    def outcome(overrides=None, **kwargs) -> list[bool]:
        capsys.readouterr()
        runner.run("demo", overrides or {"noise.eps": 8}, folder=books, **kwargs)
        return ["reused" in line for line in capsys.readouterr().out.splitlines() if "  " in line]

    assert outcome() == [True, True]
    (results_dir("demo") / "one.txt").write_text("edited")
    assert outcome() == [False, True], "a changed output is made again; the rest is reused"
    write(books, "02_second.ipynb", SECOND, "1 + 1")
    assert outcome() == [True, False], "a changed notebook runs again"
    assert outcome({"noise.eps": 9}) == [False, False], "so does everything when the profile changes"
    assert outcome({"noise.eps": 9}, only="02") == [True]
    assert outcome({"noise.eps": 9}, start="2", fresh=True) == [False]
    assert outcome({"noise.eps": 9}) == [True, True]


def test_failure_names_notebook_cell_error_and_file(books):
    write(books, "02_second.ipynb", "fine = 1", "# why\nbroken = fine / 0")
    with pytest.raises(NotebookError) as failure:
        runner.run("demo", folder=books)
    text = str(failure.value)
    assert "02 second failed" in text and "broken = fine / 0" in text and "ZeroDivisionError: division by zero" in text
    opened = results_dir("demo") / "notebooks/02_second.ipynb"
    assert str(opened) in text and opened.exists() and "Traceback" not in text
    assert json.loads((results_dir("demo") / "notebooks/02.json").read_text())["finished"] is None


def test_user_error_in_a_notebook_is_its_own_line(books):
    write(
        books,
        "01_first.ipynb",
        'from clipaction.base.errors import UserError\nraise UserError("no videos in X; give another folder")',
    )
    with pytest.raises(NotebookError, match="error     no videos in X; give another folder"):
        runner.run("demo", folder=books, only="1")


def test_killed_kernel_is_told(books):
    write(books, "01_first.ipynb", "import os\nos.kill(os.getpid(), 9)")
    with pytest.raises(NotebookError, match="01 first failed: its Python was killed"):
        runner.run("demo", folder=books, only="1")


def test_missing_parameters_cell_is_refused(books):
    write(books, "01_first.ipynb", FIRST, tags=())
    with pytest.raises(UserError, match='one cell tagged "parameters" that sets profile and overrides'):
        runner.run("demo", folder=books)


def test_an_interrupt_that_a_library_swallows_ends_the_run_before_the_next_notebook(books):
    def announce(*_) -> None:
        with contextlib.suppress(KeyboardInterrupt):  # as a bare `except` does
            interrupt()

    with pytest.raises(KeyboardInterrupt):
        runner.run("demo", {"noise.eps": 8}, folder=books, announce=announce)
    assert ran() == []
    INTERRUPTED.clear()


def test_what_an_interrupted_notebook_wrote_is_its_own(books, monkeypatch):
    keeping = FIRST.replace("out.write_text", "if not out.exists(): out.write_text")
    write(books, "01_first.ipynb", keeping, 'import os\nassert "GO" in os.environ')
    started = time.time()
    with pytest.raises(NotebookError, match="AssertionError"):
        runner.run("demo", folder=books, only="1")
    numbers, began = runner.unfinished("demo", folder=books)
    assert numbers == ["01", "02"] and started <= began <= time.time()
    assert runner.unfinished("demo", {"seed": 1}, folder=books)[1] is None  # another run would reuse nothing of it
    monkeypatch.setenv("GO", "1")
    runner.run("demo", folder=books, only="1")
    assert "results/one.txt" in json.loads((results_dir("demo") / "notebooks/01.json").read_text())["outputs"]


def change_of_key(profile, book, earlier=()):
    """A function that says whether the notebook's key has changed since it was last called."""
    seen = [records.key(profile, book, list(earlier))]

    def changed() -> bool:
        base_code.code.cache_clear()
        seen.append(records.key(profile, book, list(earlier)))
        return seen[-1] != seen[-2]

    return changed


def test_the_key_covers_cells_code_profile_and_lock(books, tmp_path, monkeypatch):
    package = tmp_path / "clipaction"
    shutil.copytree(ROOT / "clipaction", package, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    (tmp_path / "requirements.lock").write_text("torch==1")
    monkeypatch.setattr(base_code, "code", cache(lambda: base_code.Code(package)))
    monkeypatch.setattr(records, "ROOT", tmp_path)
    book = books / "02_second.ipynb"
    write(books, book.name, "from clipaction.evaluate.intervals import lower_level\nlower_level(5)")
    changed = change_of_key(load_profile("demo"), book)
    assert not changed()

    def edit(name: str, old: str, new: str) -> None:
        text = (package / name).read_text()
        assert old in text
        (package / name).write_text(text.replace(old, new))

    edit("evaluate/intervals.py", "0.975", "0.95")
    assert changed(), "the function that the notebook uses"
    edit("evaluate/intervals.py", "Hesterberg", "H.")
    assert not changed(), "words"
    edit("evaluate/calibration.py", "bins: int = 10", "bins: int = 12")
    assert not changed(), "a function that it does not use"
    write(books, book.name, "from clipaction.evaluate.intervals import lower_level\nlower_level(5)", "1 + 1")
    assert changed(), "its own cells"
    (tmp_path / "requirements.lock").write_text("torch==2")
    assert changed()
    assert records.key(load_profile("demo", {"noise.eps": 8}), book, []) != records.key(load_profile("demo"), book, [])


def test_the_key_covers_the_users_own_files_by_content(books, tmp_path, monkeypatch):
    video = tmp_path / "videos" / "Archery" / "a.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"video")
    profile = load_profile("folder", {"dataset.root": str(tmp_path / "videos")})
    changed = change_of_key(profile, books / "01_first.ipynb")
    os.utime(video, (1, 1))
    assert not changed(), "another time, the same content"
    video.write_bytes(b"other")
    assert changed()
    (video.parent / ".hidden").touch()
    assert not changed()
    video.rename(video.with_name("b.mp4"))
    assert changed()
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"weights")
    monkeypatch.setenv("CLIPACTION_CHECKPOINT", str(weights))
    assert changed()


def test_an_earlier_notebook_that_writes_the_same_again_repeats_nothing_later(books, capsys):
    runner.run("demo", folder=books)
    write(books, "01_first.ipynb", FIRST, "1 + 1")
    capsys.readouterr()
    runner.run("demo", folder=books)
    assert ["reused" in line for line in capsys.readouterr().out.splitlines()] == [False, True]
    write(books, "01_first.ipynb", FIRST.replace("str(p.noise.eps)", '"changed"'))
    runner.run("demo", folder=books)
    assert (figures_dir("demo") / "two.txt").read_text() == "changedchanged"


def test_an_edited_input_is_noticed_also_where_only_later_notebooks_run(books, capsys):
    runner.run("demo", folder=books)
    (results_dir("demo") / "one.txt").write_text("edited")
    runner.run("demo", folder=books, only="02")
    assert (figures_dir("demo") / "two.txt").read_text() == "editededited"


@pytest.mark.parametrize("content", [b"", b"PAR1", None])
def test_times_are_not_compared_but_must_be_whole(books, capsys, content):
    runner.run("demo", folder=books)
    times = results_dir("demo") / "timing.parquet"
    times.unlink() if content is None else times.write_bytes(content)
    for expected in ([True, False], [True, True]):
        capsys.readouterr()
        runner.run("demo", folder=books)
        assert ["reused" in line for line in capsys.readouterr().out.splitlines() if "  " in line] == expected
    assert len(read_table(times)) == 1


def test_a_copied_tree_is_reused_entirely(books, tmp_path, monkeypatch, capsys):
    runner.run("demo", folder=books)
    for name in ("results", "figures", "data", "notebooks"):
        shutil.copytree(tmp_path / name, tmp_path / "copy" / name, copy_function=shutil.copyfile)
        monkeypatch.setenv(f"CLIPACTION_{name.upper()}", str(tmp_path / "copy" / name))
    capsys.readouterr()
    runner.run("demo", folder=tmp_path / "copy" / "notebooks")
    assert ["reused" in line for line in capsys.readouterr().out.splitlines()] == [True, True]


def test_temporary_files_of_a_writer_are_no_outputs(books):
    write(books, "01_first.ipynb", FIRST, '(results_dir(p) / ".one.1a2b.txt").write_text("half")')
    runner.run("demo", folder=books, only="01")
    assert list(records.read("demo", books / "01_first.ipynb")["outputs"]) == ["results/one.txt"]


def test_magic_lines_and_cells_that_are_not_python_have_a_key(books):
    write(books, "01_first.ipynb", "%matplotlib inline\n!true", "%%bash\ntrue")
    write(books, "02_second.ipynb", "this is no Python")
    demo = load_profile("demo")
    assert len({records.key(demo, books / name, []) for name in ("01_first.ipynb", "02_second.ipynb")}) == 2
    with pytest.raises(NotebookError, match="SyntaxError"):
        runner.run("demo", folder=books, only="02")


def stream(text: str, name: str = "stderr"):
    return new_output("stream", name=name, text=text)


BAR_TEXT = "clip:  {0}%|###   | {0}/100 [00:01<00:02, 3.00clip/s]"
INNER = "inner: 3it [00:01, 2.00it/s]"


@pytest.mark.parametrize(("outputs", "kept"), [
    ([f"\r{BAR_TEXT.format(1)}", f"\r{BAR_TEXT.format(99)}\n"], [f"{BAR_TEXT.format(99)}\n"]),
    ([f"\r{BAR_TEXT.format(1)}", f"\r{BAR_TEXT.format(99)}", "\r" + 60 * " " + "\r"], []),
    ([f"\r{BAR_TEXT.format(99)}\n\r{INNER}\x1b[A\n\r" + 60 * " " + "\x1b[A"], []),
    ([f"\r{BAR_TEXT.format(1)}\n\r{INNER}\x1b[A\n\r{INNER}\x1b[A", f"\r{BAR_TEXT.format(2)}\n"],
     [f"{BAR_TEXT.format(2)}\n"]),
    ([f"\r{BAR_TEXT.format(1)}/a.py:1: UserWarning: odd\n  x = 1\n", f"\r{BAR_TEXT.format(2)}\n\n"],
     [f"/a.py:1: UserWarning: odd\n  x = 1\n{BAR_TEXT.format(2)}\n"]),
    (["clip:   0%|     | 0/9 [00:00<?, ?clip/s]\rclip:  50%|## cut off"], ["clip:  50%|## cut off\n"]),
    (["a warning\n\n  with a gap, at [00:12] o'clock\n"], ["a warning\n\n  with a gap, at [00:12] o'clock\n"]),
])  # fmt: skip
def test_of_all_bars_of_a_cell_at_most_one_line_is_kept(outputs, kept):
    left = without_bars([stream("result\n", "stdout"), *map(stream, outputs)])
    assert [output.text for output in left] == ["result\n", *kept]


def test_bars_on_both_sides_of_other_output_leave_one_line():
    bar = stream(f"\r{BAR_TEXT.format(1)}"), stream("shown\n", "stdout"), stream(f"\r{BAR_TEXT.format(7)}\n")
    assert [output.text for output in without_bars(list(bar))] == ["shown\n", f"{BAR_TEXT.format(7)}\n"]


def test_real_bars_nested_and_with_a_warning_between(books):
    cell = """
import warnings
from tqdm.auto import tqdm, trange
for i in trange(3, desc="outer"):
    for j in tqdm(range(4), desc="inner", leave=i == 2): pass
    warnings.warn(f"odd {i}")
"""
    write(books, "01_first.ipynb", cell)
    runner.run("demo", folder=books, only="1")
    saved = nbformat.read(results_dir("demo") / "notebooks/01_first.ipynb", as_version=4)
    lines = [line for c in saved.cells for o in c.get("outputs", ()) for line in o.text.splitlines()]
    assert sum("it/s" in line for line in lines) == 1 and sum("UserWarning: odd" in line for line in lines) == 3, lines
    assert len(lines) == 1 + 2 * 3, lines


def test_fresh_says_what_it_deletes_and_deletes_what_runs_made(books, capsys):
    runner.run("demo", folder=books)
    results, figures = results_dir("demo"), figures_dir("demo")
    made = [results / "one.txt", results / "notebooks/01.json", figures / "two.txt", results / "noise/a.checkpoint"]
    mine = [results / "lab/01_first.ipynb", results / "notes.txt", figures / "slides/talk.pdf", results / ".hidden"]
    for path in (*mine, made[-1]):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    kept = ["notes.txt", "lab", ".hidden"]
    capsys.readouterr()
    assert runner.unfinished("demo", fresh=True, folder=books) == (["01", "02"], None)  # --plan --fresh
    told = capsys.readouterr().out
    assert all(path.exists() for path in made) and f"files in {results}: noise/ (1), notebooks/ (" in told
    for name in (*kept, "slides"):
        assert name in told.replace("\n", " ").split("kept: ", 1)[1], told
    records.forget(load_profile("demo"), runner.numbered(books), everything=True)
    assert capsys.readouterr().out == told
    assert all(path.exists() for path in mine) and not any(path.exists() for path in made)
    runner.run("demo", folder=books)
    assert ran() == ["01_first.ipynb", "02_second.ipynb"]


def test_the_published_figures_are_never_touched(books, monkeypatch):
    demo = load_profile("demo").model_copy(update={"name": "reference"})
    monkeypatch.delenv("CLIPACTION_FIGURES")
    before = records.snapshot(demo)
    assert any(name.startswith("figures/demo/") for name in before)
    with pytest.raises(UserError, match="published"):
        records.forget(demo, [], everything=True)
    assert records.snapshot(demo) == before
    monkeypatch.setenv("CLIPACTION_FIGURES", str(ROOT / "figures" / "reference"))
    with pytest.raises(UserError, match="CLIPACTION_FIGURES leads into"):
        runner.run("demo", folder=books, fresh=True)
    assert ran() == []


def test_unknown_notebook(books):
    with pytest.raises(UserError, match='no notebook "07"; the notebooks are 01, 02'):
        runner.run("demo", folder=books, only="07")
