"""Run the code cells of notebooks in this process, so that a test can watch what they do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import ipywidgets as W
import jupytext
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class Shell(InteractiveShell):
    """IPython without a front end. An error is raised, not printed, also one inside a widget's output."""

    def showtraceback(self, exc_tuple=None, *_, **__):
        raise (exc_tuple or sys.exc_info())[1]


class CellError(AssertionError):
    """A cell failed; the message names the notebook, the cell and its line."""


def run_notebook(script: Path, parameters: dict) -> dict:
    """Run a notebook's .py file cell by cell; its names at the end. `parameters` replace those of its tagged cell.

    An explorer that it leaves behind is tried with every button.
    """
    main = sys.modules["__main__"]
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    try:
        shell.reset(new_session=False)
        for number, cell in enumerate(jupytext.read(script).cells):
            if cell.cell_type != "code":
                continue
            try:
                shell.run_cell(cell.source).raise_error()
            except Exception as error:
                line = failing_line(error, cell.source)
                raise CellError(f"{script.name}, cell {number}, {line}: {type(error).__name__}: {error}") from error
            if "parameters" in cell.metadata.get("tags", ()):
                shell.user_ns.update(parameters)
        if "explorer" in shell.user_ns:
            press_buttons(shell.user_ns["explorer"])
        return dict(shell.user_ns)
    finally:
        Shell.clear_instance()
        sys.modules["__main__"] = main  # IPython puts its own there, from which no process can be started


def press_buttons(explorer: W.Widget) -> None:
    """Press each button of the explorer in turn; it draws anew each time."""
    for widget in descendants(explorer):
        if isinstance(widget, W.ToggleButtons):
            for option in widget.options:
                try:
                    widget.value = option
                except Exception as error:
                    raise CellError(f"explorer, button {option}: {type(error).__name__}: {error}") from error


def descendants(widget: W.Widget) -> Iterator[W.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from descendants(child)


def failing_line(error: BaseException, source: str) -> str:
    """The line of the cell at which an error arose."""
    trace, lines, found = error.__traceback__, source.splitlines(), ""
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "<module>" and trace.tb_lineno <= len(lines):
            found = lines[trace.tb_lineno - 1].strip()
        trace = trace.tb_next
    return found
