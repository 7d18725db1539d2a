"""Executes one notebook with papermill, in a kernel that is this Python with this package, and saves it with its
outputs."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError

from ..base.errors import StorageError, UserError
from ..base.files import read_json, replacing
from ..base.paths import ROOT
from ..base.storage import storage_error
from ..base.words import duration
from .environment import MALLOC, variables
from .live import BAR, Live
from .watch import PATIENCE, Watch

KERNEL = "clipaction-run"
# In a kernel tqdm.auto draws widgets. Imported before the kernel starts, it writes text to standard error, for `Live`.
LAUNCH = "import tqdm.auto; from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
# Some text, and what moves the cursor after it.
PIECE = re.compile(r"([^\r\n\x1b]*(?:\x1b(?!\[\d*A)[^\r\n\x1b]*)*)(\r?\n|\r|\x1b\[\d*A|$)")


class NotebookError(Exception):
    """A notebook failed; the message names notebook, cell, error and the file to open."""


def title(book: Path) -> str:
    """'01 data prep' for 01_data_prep.ipynb."""
    return book.stem.replace("_", " ")


def execute(book: Path, output: Path, parameters: dict, live: Live, patience: float = PATIENCE) -> None:
    """Runs `book` with `parameters` and saves it, outputs included, as `output`; its standard error goes to `live`,
    too. A kernel that writes and computes nothing for `patience` seconds is ended, and the notebook tried once more.

    Raises UserError when the notebook cannot take the parameters, NotebookError when a cell fails or the kernel dies,
    StorageError, KeyboardInterrupt.
    """
    check_parameters(book, parameters)
    quiet = f"{title(book)}: its kernel wrote and computed nothing for {duration(patience)}"
    if attempt(book, output, parameters, live, patience):
        return
    print(f"{quiet}; it is ended, and the notebook tried once more", flush=True)
    if not attempt(book, output, parameters, live, patience):
        raise NotebookError(f"{quiet}, twice; close other programs and run again\n  open      {output}")


class Both:
    """What is written to it goes to two files."""

    def __init__(self, *files: Live | Watch):
        self.files = files

    def write(self, text: str) -> None:
        for file in self.files:
            file.write(text)

    def flush(self) -> None:
        """Nothing is held back."""


def attempt(book: Path, output: Path, parameters: dict, live: Live, patience: float) -> bool:
    """Runs the notebook, as `execute` does; False when its kernel had to be ended."""
    try:
        with own_kernel(live.columns), Watch(LAUNCH, patience) as watch:
            papermill.execute_notebook(
                book,
                output,
                parameters,
                kernel_name=KERNEL,
                language="python",
                cwd=book.parent,
                progress_bar=False,
                start_timeout=180,
                stdout_file=watch,
                stderr_file=Both(live, watch),
            )
        return True
    except papermill.PapermillExecutionError as error:
        told = StorageError(error.evalue) if error.ename == "StorageError" else None
        if found := told or (storage_error(error.evalue) if error.ename != "UserError" else None):
            raise found from None
        raise NotebookError(explain(book, output, error)) from None
    except OSError as error:
        raise storage_error(error, output) or error from None
    except RuntimeError as error:
        if watch.ended or "didn't respond" in str(error):
            return False
        if not isinstance(error, DeadKernelError):
            raise
        raise NotebookError(
            f"{title(book)} failed: its Python was killed, most likely because memory ran out; close other programs, "
            f"or run again with --set batch=8\n  open      {output}"
        ) from None
    finally:
        if read_json(output) is not None:  # a full disk may have cut it
            collapse_bars(output)


def check_parameters(book: Path, parameters: dict) -> None:
    """Raises UserError unless one cell is tagged "parameters" and sets all of them: papermill would go on with the
    defaults."""
    cells = nbformat.read(book, as_version=4).cells
    tagged = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    if len(tagged) != 1 or any(not re.search(rf"^{name}\s*=", tagged[0], re.M) for name in parameters):
        names = " and ".join(parameters)
        raise UserError(
            f'{book}: needs one cell tagged "parameters" that sets {names}; without it, it would run with its defaults'
        )


def explain(book: Path, output: Path, error: papermill.PapermillExecutionError) -> str:
    """A few lines on the cell that failed: its number and first line, the error, the notebook and the file with its
    outputs."""
    lines = (line.strip() for line in error.source.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    what = error.evalue if error.ename == "UserError" else f"{error.ename}: {error.evalue}"
    return (
        f"{title(book)} failed\n  cell      [{error.exec_count}] {first}\n  error     {what}\n"
        f"  notebook  {book}\n  open      {output}"
    )


@contextmanager
def own_kernel(columns: int) -> Iterator[None]:
    """A kernel that is this Python with this package, whatever kernels and start-up files the user has; bars are
    `columns` wide."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        spec = Path(folder, "kernels", KERNEL)
        spec.mkdir(parents=True)
        argv = [sys.executable, "-c", LAUNCH, "-f", "{connection_file}", "--log-level=50"]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": KERNEL, "language": "python"}))
        values = {
            "JUPYTER_PATH": folder,
            "JUPYTER_RUNTIME_DIR": folder,
            "IPYTHONDIR": folder,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            "PYTHONHASHSEED": "0",
            "TQDM_MININTERVAL": "0.5",
            "TQDM_NCOLS": str(columns),
            "TQDM_NROWS": "20",
            "CLIPACTION_STILLS": "1",  # nobody can turn an explorer's knobs there
            **MALLOC,
        }
        with variables(values):
            yield


def collapse_bars(path: Path) -> None:
    """Keeps in a saved notebook one line, the last state, of all progress bars of a cell."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = without_bars(cell.outputs)
    with replacing(path) as temporary:
        nbformat.write(notebook, temporary)


def without_bars(outputs: list) -> list:
    """A cell's outputs with at most one line of progress bars: the last one drawn, or none when it was erased in the
    end.

    Other text on standard error stays; blank lines beside bars go, as bars draw them to move about.
    """
    merged: list = []
    for output in outputs:
        if merged and output.output_type == "stream" and merged[-1].get("name") == output.name:
            merged[-1].text += output.text
        else:
            merged.append(output)
    errors = [output for output in merged if output.get("name") == "stderr"]
    if not any(BAR.match(text) for output in errors for text, _ in PIECE.findall(output.text)):
        return merged
    last, lines_with_last, position = "", [], 0
    parts = []
    for output in errors:
        lines: list[str] = []
        for text, end in PIECE.findall(output.text):
            if bar := BAR.match(text):
                last, lines_with_last, position = bar[0].strip(), lines, len(lines)
                text = text[bar.end() :]  # a warning that was written behind the bar
            elif text and not text.strip() and end and end != "\n":
                last = ""  # overwritten with spaces; the cursor goes back, or up where bars are nested
            if text.strip():
                lines.append(text + ("\n" if end else ""))
        parts.append(lines)
    if last:
        lines_with_last.insert(position, f"{last}\n")
    for output, lines in zip(errors, parts):
        output.text = "".join(lines)
    return [output for output in merged if output.get("name") != "stderr" or output.text]
