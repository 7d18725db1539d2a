"""The notebooks as files: paired, thin, committed without outputs, and each with its one cell of parameters."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_all_notebooks_are_there():
    names = {book.stem for book in BOOKS}
    assert {"01_data_prep", "02_zero_shot", "03_masking_analysis", "04_noise_training", "05_generalisation", "06_figures", "explore_masks", "explore_noise"} <= names


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_committed_without_outputs(book):
    for cell in nbformat.read(book, as_version=4).cells:
        assert cell.cell_type != "code" or (not cell.outputs and cell.execution_count is None)


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_paired_script_says_the_same(book):
    script = book.with_suffix(".py")
    one, two = nbformat.read(book, as_version=4), jupytext.read(script)
    assert [(c.cell_type, c.source) for c in one.cells] == [(c.cell_type, c.source) for c in two.cells], f"run: jupytext --sync notebooks/{script.name}"


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_one_parameters_cell_with_the_default_profile(book):
    tagged = [c.source for c in nbformat.read(book, as_version=4).cells if "parameters" in c.metadata.get("tags", ())]
    assert len(tagged) == 1 and 'profile = "demo"' in tagged[0] and "overrides = {}" in tagged[0]


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_cells_are_short_and_define_no_functions(book):
    """A function used twice, or longer than a screen, belongs to the package."""
    for cell in nbformat.read(book, as_version=4).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 25, cell.source[:80]
            assert not re.search(r"^\s*(def|class) ", cell.source, re.M), cell.source[:80]


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.stem)
def test_every_code_cell_is_introduced_and_a_reader_knows_how_long_it_takes(book):
    cells = nbformat.read(book, as_version=4).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    if book.stem[0].isdigit():
        assert re.search(r"minute|second", cells[0].source), "say how long it takes"
