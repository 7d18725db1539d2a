"""Code from outside the package, as a notebook cell or an extension file has it: what changes its digest."""

import textwrap

import pytest

from clipaction.base.code import code_digest

CELL = """
import numpy as np
from clipaction.masking import cells
from clipaction.masking.controls import elsewhere

SHARE, KERNEL = 0.5, np.zeros(5000)

def helper(x):
    return x + SHARE

class Base:
    bias = 1

class Net(Base):
    width = 16
    def forward(self, x):
        '''What it does.'''
        return helper(x) * self.width  # a comment
    @property
    def size(self):
        return 2 * self.width

def build(factor=3):
    offset = 7
    def inner(x, more=2):
        return x * factor + offset + more
    return inner

def plain(x):
    '''What it does.'''
    if x is None:
        raise ValueError("nothing")
    return helper(x) + KERNEL.sum() + np.abs(x) + cells.random_cells(x)

def with_package(x):
    return elsewhere(x)

def unrelated(x):
    return x - 1000

made = build()
"""


def digest(name: str, old: str = "", new: str = "") -> str:
    """The digest of what the cell calls `name`, after a change of its text. As in a notebook, no file holds it."""
    assert old in CELL
    space = {"__name__": "__main__"}
    exec(compile(textwrap.dedent(CELL.replace(old, new) if old else CELL), "<cell>", "exec"), space)
    return code_digest(space[name])


@pytest.mark.parametrize("name", ["helper", "Net", "made", "plain", "with_package"])
def test_the_same_code_has_the_same_digest(name):
    assert digest(name) == digest(name) == digest(name, "x - 1000", "x - 1001")
    assert digest(name) != digest("unrelated")


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("helper", "x + SHARE", "x - SHARE"),
        ("helper", "0.5", "0.25"),
        ("Net", "self.width  #", "self.width * 2  #"),
        ("Net", "width = 16", "width = 32"),
        ("Net", "bias = 1", "bias = 2"),
        ("Net", "2 * self.width", "3 * self.width"),
        ("Net", "0.5", "0.25"),
        ("made", "factor=3", "factor=4"),
        ("made", "offset = 7", "offset = 8"),
        ("made", "more=2", "more=3"),
        ("made", "x * factor", "x / factor"),
        ("plain", "0.5", "0.25"),
        ("plain", "np.zeros(5000)", "np.eye(1, 5000, 2500)"),
        ("plain", "x + SHARE", "x - SHARE"),
        ("plain", "cells.random_cells", "cells.CELLS"),
        ("with_package", "return elsewhere(x)", "return elsewhere"),
    ],
)
def test_what_decides_a_result_changes_the_digest(name, old, new):
    assert digest(name) != digest(name, old, new)


@pytest.mark.parametrize(
    "old, new", [("'''What it does.'''", "'''Other words.'''"), ("  # a comment", ""), ('"nothing"', '"no x"')]
)
def test_words_change_nothing_where_there_is_a_source(old, new, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    digests = []
    for k, text in enumerate((CELL, CELL.replace(old, new))):
        (tmp_path / f"mine{k}.py").write_text(text)
        module = __import__(f"mine{k}")
        digests.append([code_digest(module.plain), code_digest(module.Net)])
    assert digests[0] == digests[1] and CELL.count(old)


def test_names_from_the_package_count_with_their_code(monkeypatch):
    from clipaction.base import code as module

    before = digest("with_package")
    monkeypatch.setitem(module.code().hashes, ("clipaction.masking.controls", "GRID"), "changed")
    assert digest("with_package") != before
