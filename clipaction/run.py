"""Runs the paper's notebooks in order with papermill; what is finished and unchanged (records.py) is reused."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError

from . import records
from .config import load_profile
from .errors import UserError
from .paths import ROOT, results_dir

KERNEL = "clipaction-run"
# tqdm.auto draws widgets inside a notebook kernel; imported before the kernel starts, it draws the text that we pass on.
LAUNCH = "import tqdm.auto; from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
BAR = re.compile(r"\[\d+:\d+.*\]\s*$")  # how every tqdm bar ends: [00:12<00:30, 5.1clip/s]
CONTROL = re.compile(r"[\r\n]|\x1b\[[0-9;]*[A-Za-z]")


class NotebookError(Exception):
    """A notebook failed; the message names notebook, cell, error and the file to open."""


def run(profile: str, overrides: dict | None = None, *, start: str | None = None, only: str | None = None, fresh: bool = False,
        folder: Path = ROOT / "notebooks") -> bool:
    """Runs the numbered notebooks of `folder` (from `start`, or `only` one; `fresh` forgets what is finished).

    Returns whether the last one was among them, that is, whether figures and tables are up to date.
    Raises UserError, NotebookError, KeyboardInterrupt.
    """
    settings = load_profile(profile, overrides)
    books = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    chosen = select(books, start, only)
    if fresh:
        records.forget(settings, chosen, everything=chosen == books)
    world = records.world(settings)
    for book in chosen:
        earlier = records.read(settings, books[books.index(book) - 1])["key"] if book != books[0] else ""
        key = records.digest(world, records.source(book), earlier)
        if records.stands(settings, book, key):
            print(f"{title(book)}  unchanged, reused", flush=True)
            continue
        records.begin(settings, book, key)
        with Live(title(book)) as live:
            execute(book, results_dir(settings) / "notebooks" / book.name, {"profile": profile, "overrides": overrides or {}}, live)
        records.finish(settings, book, live.seconds)
    return chosen[-1] == books[-1]


def select(books: list[Path], start: str | None, only: str | None) -> list[Path]:
    if not books:
        raise UserError("no notebooks found; run from a complete checkout of the repository")
    numbers = [book.name[:2] for book in books]
    for number in (start, only):
        if number is not None and number.zfill(2) not in numbers:
            raise UserError(f'no notebook "{number}"; the notebooks are {", ".join(numbers)}')
    if only is not None:
        return [books[numbers.index(only.zfill(2))]]
    return books[numbers.index(start.zfill(2)):] if start is not None else books


def title(book: Path) -> str:
    return book.stem.replace("_", " ")


# Running one notebook

def execute(book: Path, output: Path, parameters: dict, live: Live) -> None:
    """Runs `book` into `output`, the kernel's progress bars into `live`. Raises NotebookError, KeyboardInterrupt."""
    cells = nbformat.read(book, as_version=4).cells
    tagged = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    if len(tagged) != 1 or any(not re.search(rf"^{name}\s*=", tagged[0], re.M) for name in parameters):
        names = " and ".join(parameters)
        raise UserError(f'{book}: needs one cell tagged "parameters" that sets {names}, or it would run with its defaults')
    try:
        with own_kernel(live.columns):
            papermill.execute_notebook(
                book, output, parameters, kernel_name=KERNEL, language="python", cwd=book.parent, progress_bar=False, stderr_file=live)
    except papermill.PapermillExecutionError as error:
        raise NotebookError(explain(book, output, error)) from None
    except DeadKernelError:
        raise NotebookError(f"{title(book)} failed: its Python was killed, most likely for want of memory; close other programs, or run "
                            f"again with --set batch=8\n  open      {output}") from None
    finally:
        if output.exists():
            collapse_bars(output)


def explain(book: Path, output: Path, error: papermill.PapermillExecutionError) -> str:
    code = next((line.strip() for line in error.source.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    what = error.evalue if error.ename == "UserError" else f"{error.ename}: {error.evalue}"
    if "No space left" in error.evalue:
        what = "no space left on the disk; free some, or move the folders with CLIPACTION_DATA and CLIPACTION_RESULTS"
    return f"{title(book)} failed\n  cell      [{error.exec_count}] {code}\n  error     {what}\n  notebook  {book}\n  open      {output}"


@contextlib.contextmanager
def own_kernel(columns: int):
    """A kernel that is this very Python with this very package, whatever kernels and start-up files the user has."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        spec = Path(folder, "kernels", KERNEL)
        spec.mkdir(parents=True)
        argv = [sys.executable, "-c", LAUNCH, "-f", "{connection_file}", "--log-level=50"]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": KERNEL, "language": "python"}))
        wanted = {
            "JUPYTER_PATH": folder, "JUPYTER_RUNTIME_DIR": folder, "IPYTHONDIR": folder,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            "PYTHONHASHSEED": "0", "TQDM_MININTERVAL": "0.5", "TQDM_NCOLS": str(columns), "TQDM_NROWS": "20",
        }
        saved = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in saved.items():
                os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def collapse_bars(path: Path) -> None:
    """Keeps of a progress bar's many states in a saved notebook the last, as a terminal would."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        merged = []
        for output in cell.get("outputs", ()):
            if merged and output.output_type == "stream" and merged[-1].get("name") == output.name:
                merged[-1].text += output.text
            else:
                merged.append(output)
        for output in merged:
            if output.output_type == "stream":
                output.text = re.sub(r"[^\r\n]*\r(?!\n)", "", output.text)
        if cell.cell_type == "code":
            cell.outputs = merged
    aside = path.with_suffix(".tmp")
    nbformat.write(notebook, aside)
    os.replace(aside, path)


class Live:
    """What one notebook is doing: on a terminal one line that follows its progress bar, in a log the bar every half minute."""

    def __init__(self, title: str):
        self.title, self.bar, self.begun, self.seconds = title, "", time.monotonic(), 0.0
        self.tty = sys.stdout.isatty()
        self.columns = (shutil.get_terminal_size().columns if self.tty else 120) - len(title) - 14
        self.every, self.over = (1, threading.Event()) if self.tty else (30, threading.Event())

    def __enter__(self) -> Live:
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, kind, *_) -> None:
        self.over.set()
        self.seconds = time.monotonic() - self.begun
        self._print("" if kind is None else "stopped", end="\n")

    def write(self, text: str) -> None:
        """Takes what the kernel writes to its standard error; only progress bars are of interest."""
        bars = [part.strip() for part in CONTROL.split(text) if BAR.search(part)]
        self.bar = bars[-1] if bars else self.bar * bool(text.strip())  # a bar that is done ends its line, or blanks it
        if bars and self.tty:
            self._print(self.bar)

    def flush(self) -> None:
        pass

    def _tick(self) -> None:
        while not self.over.wait(self.every):
            if self.tty or self.bar:
                self._print(self.bar, end="" if self.tty else "\n")

    def _print(self, text: str, end: str = "") -> None:
        line = f"{self.title}  {duration(time.monotonic() - self.begun):>8}  {text}".rstrip()
        print(f"\r{line}\x1b[K" if self.tty else line, end=end, flush=True)


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
