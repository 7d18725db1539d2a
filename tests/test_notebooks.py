"""The notebooks as files: paired, thin, committed without outputs, introduced, each with its one cell of parameters."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from cells import solutions

FOLDER = Path(__file__).parents[1] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_all_notebooks_are_there():
    names = {book.stem for book in BOOKS}
    steps = {
        "01_data_prep",
        "02_zero_shot",
        "03_masking_analysis",
        "04_noise_training",
        "05_generalisation",
        "06_figures",
    }
    assert names >= steps | {"explore_masks", "explore_noise"}


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_committed_without_outputs(book):
    for cell in nbformat.read(book, as_version=4).cells:
        assert cell.cell_type != "code" or (not cell.outputs and cell.execution_count is None)


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_paired_script_says_the_same(book):
    script = book.with_suffix(".py")
    one, two = nbformat.read(book, as_version=4), jupytext.read(script)
    same = [(c.cell_type, c.source) for c in one.cells] == [(c.cell_type, c.source) for c in two.cells]
    assert same, f"run: jupytext --sync notebooks/{script.name}"


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_one_parameters_cell_with_the_default_profile(book):
    tagged = [c.source for c in nbformat.read(book, as_version=4).cells if "parameters" in c.metadata.get("tags", ())]
    assert len(tagged) == 1 and 'profile = "demo"' in tagged[0] and "overrides = {}" in tagged[0]


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_cells_fit_a_screen_and_their_lines_a_page(book):
    """What is longer belongs to the package."""
    for cell in nbformat.read(book, as_version=4).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 25, cell.source[:80]
            assert max(map(len, cell.source.splitlines()), default=0) <= 120, cell.source[:80]


def without_introduction(cells) -> list[str]:
    """The code cells that nothing introduces: no markdown directly before, and no comment in the first line.

    The title introduces the parameters cell and the cell of imports after it.
    """
    lone, before = [], None
    for cell in cells:
        parameters = [c for c in (before, cell) if c is not None and "parameters" in c.metadata.get("tags", ())]
        introduced = (
            parameters or cell.source.startswith("#") or (before is not None and before.cell_type == "markdown")
        )
        if cell.cell_type == "code" and not introduced:
            lone.append(cell.source)
        before = cell
    return lone


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_every_code_cell_is_introduced(book):
    cells = nbformat.read(book, as_version=4).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    assert not without_introduction(cells), "begin the cell with a comment, or put a markdown cell before it"


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_a_section_without_its_markdown_is_noticed(book):
    cells = nbformat.read(book, as_version=4).cells
    for at, cell in enumerate(cells[1:], 1):
        if cell.cell_type == "markdown" and cells[at + 1 : at + 2] and cells[at + 1].cell_type == "code":
            section = range(max(k for k in range(at) if cells[k].cell_type == "code") + 1, at + 1)
            rest = [cell for k, cell in enumerate(cells) if k not in section]
            assert cells[at + 1].source in without_introduction(rest), cell.source[:80]


@pytest.mark.parametrize("book", [book for book in BOOKS if book.stem[0].isdigit()], ids=lambda b: b.stem)
def test_the_first_cell_says_how_long_the_notebook_takes(book):
    first = nbformat.read(book, as_version=4).cells[0].source
    assert re.search(r"\*[^*]*\b(seconds?|minutes?)\b[^*]*\*", first), (
        "end it with a line in italics: *About a minute.*"
    )


@pytest.mark.parametrize("book", [book for book in BOOKS if book.stem[0].isdigit()], ids=lambda b: b.stem)
def test_a_lesson_says_its_question_first_and_what_was_found_last(book):
    cells = nbformat.read(book, as_version=4).cells
    first = cells[0].source
    places = [first.find(words) for words in ("**The question.**", "**Afterwards you can**", "**It needs**")]
    assert -1 not in places and places == sorted(places)
    found = [at for at, cell in enumerate(cells) if cell.source.startswith("## What was found")]
    assert len(found) == 1 and cells[found[0] + 1].cell_type == "code" and "print(" in cells[found[0] + 1].source
    last = cells[-1].source
    assert last.startswith("## Exercises") and len(solutions(book.with_suffix(".py"))) == 3
    assert len(re.findall(r"^\d\. ", last, re.M)) == 3


def test_a_guess_is_left_to_the_reader():
    """Each prediction is asked in a cell of its own, empty, before the cell that answers it."""
    for book in BOOKS:
        cells = nbformat.read(book, as_version=4).cells
        asked = [at for at, cell in enumerate(cells) if cell.cell_type == "code" and cell.source.startswith("guess = ")]
        for at in asked:
            assert cells[at].source.startswith('guess = ""') and "Predict" in cells[at - 1].source
            assert any("check(guess" in cell.source for cell in cells[at + 1 :])
