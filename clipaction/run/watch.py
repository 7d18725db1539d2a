"""A kernel that neither computes nor writes anything is noticed and ended."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psutil

PATIENCE = 180.0  # seconds without output and without work
WORKING = 0.02  # of a core: an idle kernel uses less


class Watch:
    """While the block runs, looks after the children of this process whose command line holds `mark`; they are killed
    when nothing has been heard of them for `patience` seconds. `ended`: whether that happened.

    It is a file, too: what the kernel writes is written to it."""

    def __init__(self, mark: str, patience: float = PATIENCE):
        self.mark, self.patience, self.ended = mark, patience, False
        self.quiet = 0.0  # seconds, counted by looking: those in which this process was stopped are not among them
        self.over = threading.Event()

    def __enter__(self) -> Watch:
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()

    def write(self, text: str) -> None:
        self.quiet = 0.0

    def flush(self) -> None:
        """Nothing is held back."""

    def _look(self) -> None:
        interval = min(5.0, self.patience / 10)
        spent = self._seconds()
        while not self.over.wait(interval):
            before, spent = spent, self._seconds()
            worked = abs(spent - before) > WORKING * interval  # fewer seconds where a process has ended
            self.quiet = 0.0 if worked else self.quiet + interval
            if self.quiet > self.patience and (processes := list(self._processes())):
                self.ended = True
                for process in processes:
                    with contextlib.suppress(psutil.Error):
                        process.kill()
                return

    def _seconds(self) -> float:
        """CPU time of the kernel and its children so far."""
        total = 0.0
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def _processes(self) -> Iterator[psutil.Process]:
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if any(self.mark in part for part in child.cmdline()):
                    yield from (*child.children(recursive=True), child)
