"""What is shown while a notebook runs: its title, the time since it began and its newest progress bar."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time

from ..base.words import duration

# A tqdm bar, from its description to its closing bracket: "decoding:  40%|###   | 2/5 [00:12<00:30, 5.1clip/s]",
# or "2clip [00:12, 5.1clip/s]" where the total is unknown. A bar that is too long is cut; then the line is the bar.
BAR = re.compile(r".*?(?:\d+%\|.*?|\d\S* )\[\d[\d:]*(?:<[^,\]]*)?(?:, [^\]]*)?\]|.*?\d+%\|.*")
CONTROL = re.compile(r"[\r\n]|\x1b\[[0-9;]*[A-Za-z]")


class Live:
    """Shows one notebook: on a terminal as one line that is rewritten, in a log as a line every half minute.

    It is a context manager, and a file that the notebook's standard error is written to. `seconds`: how long the
    notebook took. `columns`: the width that is left for a bar.
    """

    def __init__(self, title: str):
        self.title, self.bar, self.started, self.seconds = title, "", time.monotonic(), 0.0
        self.terminal = sys.stdout.isatty()
        self.columns = (shutil.get_terminal_size().columns if self.terminal else 120) - len(title) - 14
        self.interval = 1 if self.terminal else 30
        self.ended = threading.Event()

    def __enter__(self) -> Live:
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, kind, *_) -> None:
        self.ended.set()
        self.seconds = time.monotonic() - self.started
        self._print("" if kind is None else "stopped", end="\n")

    def write(self, text: str) -> None:
        """Takes what the notebook writes to its standard error; only progress bars are shown."""
        bars = [bar[0].strip() for part in CONTROL.split(text) if (bar := BAR.match(part))]
        if bars:
            self.bar = bars[-1]
            if self.terminal:
                self._print(self.bar)
        elif not text.strip():  # a bar that is finished ends its line or overwrites it with spaces
            self.bar = ""

    def flush(self) -> None:
        """Nothing is held back."""

    def _tick(self) -> None:
        while not self.ended.wait(self.interval):
            if self.terminal or self.bar:
                self._print(self.bar, end="" if self.terminal else "\n")

    def _print(self, text: str, end: str = "") -> None:
        line = f"{self.title}  {duration(time.monotonic() - self.started):>8}  {text}".rstrip()
        print(f"\r{line}\x1b[K" if self.terminal else line, end=end, flush=True)
