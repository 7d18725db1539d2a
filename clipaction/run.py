"""Runs the paper's notebooks in order with papermill; what is finished and unchanged is reused.

A finished notebook leaves results/<profile>/notebooks/NN.json: a key (its source, the package's code and weights, the lock, the
profile, the key of the notebook before it) and the digest of every file it wrote. It is reused when the key is the same and the
files are still there as written. An interrupted one runs again, and the package's own caches spare it what it had done.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError

from .config import load_profile
from .errors import UserError
from .paths import ROOT, figures_dir, results_dir

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

    Returns whether the last one was among them, that is, whether figures are up to date. Raises UserError, NotebookError.
    """
    settings = load_profile(profile, overrides)
    books = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    chosen = select(books, start, only)
    records = results_dir(settings) / "notebooks"
    if fresh:
        forget(settings, records, chosen, everything=chosen == books)
    records.mkdir(parents=True, exist_ok=True)
    world = digest(settings.dump(), code_digest(), file_digest(ROOT / "requirements.lock"))
    for book in chosen:
        before = read_record(records, books[books.index(book) - 1]) if book != books[0] else {}
        key = digest(world, source_of(book), before.get("key"))
        record = read_record(records, book)
        if record.get("finished") and record["key"] == key and outputs_stand(settings, records, book):
            print(f"{title(book)}: unchanged, reused", flush=True)
            continue
        if record.get("key") != key or record.get("finished"):  # else: interrupted, and what it wrote before counts as its own
            record = {"key": key, "finished": False, "files_before": snapshot(settings), "outputs": record.get("outputs", {})}
            write_record(records, book, record)
        with Live(title(book)) as live:
            execute(book, records / book.name, {"profile": profile, "overrides": overrides or {}}, live)
        after, old = snapshot(settings), record.pop("files_before")
        written = sorted(name for name in after if after[name] != old.get(name) or name in record["outputs"])
        digests = {name: file_digest(whereabouts(settings, name)) for name in written}
        write_record(records, book, {**record, "finished": True, "seconds": round(live.seconds, 1), "outputs": digests})
    return chosen[-1] == books[-1]


def select(books: list[Path], start: str | None, only: str | None) -> list[Path]:
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
        raise UserError(f'{book}: needs one cell tagged "parameters" that sets {" and ".join(parameters)}, or it would run with its defaults')
    interrupted = threading.Event()
    try:
        with own_kernel(live.columns), noting_signals(interrupted):
            papermill.execute_notebook(
                book, output, parameters, kernel_name=KERNEL, language="python", cwd=book.parent, progress_bar=False, stderr_file=live)
    except papermill.PapermillExecutionError as error:
        raise NotebookError(explain(book, output, error)) from None
    except (DeadKernelError, RuntimeError) as error:
        if interrupted.is_set():
            raise KeyboardInterrupt from None
        raise NotebookError(f"{title(book)} failed: its Python died, most likely for want of memory; close other programs, or lower "
                            f"`batch` with --set batch=8 ({error})\n  open      {output}") from None
    finally:
        if output.exists():
            collapse_bars(output)


def explain(book: Path, output: Path, error: papermill.PapermillExecutionError) -> str:
    code = next((line.strip() for line in error.source.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    what = error.evalue if error.ename == "UserError" else f"{error.ename}: {error.evalue}"
    if "No space left" in error.evalue:
        what = f"no space left on the disk; free some, or move data and results with CLIPACTION_DATA and CLIPACTION_RESULTS ({error.evalue})"
    return f"{title(book)} failed\n  cell      [{error.exec_count}] {code}\n  error     {what}\n  notebook  {book}\n  open      {output}"


@contextlib.contextmanager
def own_kernel(columns: int):
    """A kernel that is this very Python with this very package, whatever kernels and start-up files the user has."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        spec = Path(folder, "kernels", KERNEL)
        spec.mkdir(parents=True)
        argv = [sys.executable, "-c", LAUNCH, "-f", "{connection_file}"]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": KERNEL, "language": "python"}))
        wanted = {
            "JUPYTER_PATH": folder, "JUPYTER_RUNTIME_DIR": folder, "IPYTHONDIR": folder,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            "PYTHONHASHSEED": "0", "TQDM_MININTERVAL": "0.5", "TQDM_NCOLS": str(columns),
        }
        saved = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in saved.items():
                os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@contextlib.contextmanager
def noting_signals(interrupted: threading.Event):
    raise NotImplementedError


def collapse_bars(path: Path) -> None:
    """Keeps of a progress bar's many states in a saved notebook the last, as a terminal would."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = re.sub(r"[^\r\n]*\r(?!\n)", "", output.text)
    aside = path.with_suffix(".tmp")
    nbformat.write(notebook, aside)
    os.replace(aside, path)
