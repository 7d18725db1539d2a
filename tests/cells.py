"""Run the code cells of notebooks in this process, so that a test can watch what they do."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jupytext
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from clipaction.notebook.explorer.widget import Explorer


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


def solutions(script: Path) -> list[str]:
    """The code of the folded solutions in a notebook's last cell."""
    return re.findall(r"^```python\n(.*?)^```", jupytext.read(script).cells[-1].source, re.M | re.S)


def run_solutions(script: Path, names: dict) -> None:
    """Run the solutions of a notebook's exercises with the names that it leaves behind."""
    for number, code in enumerate(solutions(script), 1):
        try:
            exec(compile(code, f"{script.name}, solution {number}", "exec"), names)
        except Exception as error:
            raise CellError(f"{script.name}, solution {number}: {type(error).__name__}: {error}") from error


def press_buttons(explorer: Explorer) -> None:
    """Press each button of the explorer in turn, as the page does; it shows something else each time."""
    for control in [control for control in explorer.controls if control["kind"] == "buttons"]:
        for option in control["options"]:
            try:
                moved = {**explorer.knobs, control["name"]: option["value"]}
                explorer.answer({"kind": "knobs", "knobs": moved, "ticket": 1}, [])
            except Exception as error:
                raise CellError(f"explorer, button {option}: {type(error).__name__}: {error}") from error
            if explorer.note:
                raise CellError(f"explorer, button {option}: {explorer.note}")


def failing_line(error: BaseException, source: str) -> str:
    """The line of the cell at which an error arose."""
    trace, lines, found = error.__traceback__, source.splitlines(), ""
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "<module>" and trace.tb_lineno <= len(lines):
            found = lines[trace.tb_lineno - 1].strip()
        trace = trace.tb_next
    return found
