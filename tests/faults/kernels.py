"""A notebook's kernel that stands still (row 14), and one that only seems to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from clipaction.run.live import Live
from clipaction.run.notebook import NotebookError, execute

from . import Try, fault

PATIENCE = 3.0
STILL = "import time, pathlib\nfirst = not pathlib.Path({!r}).exists()\npathlib.Path({!r}).touch()\n"
CELLS = {
    "stands still once": STILL + "if first: time.sleep(600)",
    "stands still": "import time\ntime.sleep(600)",
    "computes in silence": "import time\nend = time.time() + 9\nwhile time.time() < end: pass",
    "waits, and says so": "import time\nfor k in range(9):\n    time.sleep(1)\n    print(k, flush=True)",
}


@fault("a kernel neither works nor answers (row 14)")
def standing_still(folder: Path, long: bool) -> Iterator[Try]:
    for name, source in CELLS.items():
        if not long and name != "stands still once":
            continue
        book, output = folder / f"{name}.ipynb", folder / f"{name} done.ipynb"
        parameters = new_code_cell("profile = ''", metadata={"tags": ["parameters"]})
        cell = new_code_cell(source.replace("{!r}", repr(str(folder / "began"))))
        nbformat.write(new_notebook(cells=[parameters, cell]), book)
        started = time.monotonic()
        try:
            with Live("toy") as live:
                execute(book, output, {"profile": "quick"}, live, PATIENCE)
            ended = ""
        except NotebookError as error:
            ended = str(error)
        expected = f"computed nothing for {PATIENCE:.0f} s, twice" if name == "stands still" else ""
        yield name, "" if (expected in ended if expected else not ended) else ended
        left = [
            process for process in psutil.Process().children(recursive=True) if "ipykernel" in str(process.cmdline())
        ]
        yield f"{name}: after {time.monotonic() - started:.0f} s nothing is left", str(left) if left else ""
