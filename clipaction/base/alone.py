"""One writer a folder, and no process that outlives the one that began it."""

from __future__ import annotations

import ctypes
import fcntl
import math
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # of Linux's prctl


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Waits until no other process is in such a block for the same folder, saying whom it waits for, again every
    minute: whoever looks after this process then knows that it lives.

    The lock lies beside the folder, which may be removed meanwhile. The system lets go of it when its owner ends,
    however that happens."""
    path = folder.with_name(f".{folder.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        told = -math.inf
        while not locked(file):
            if time.monotonic() - told > 60:
                told = time.monotonic()
                file.seek(0)
                owner = file.read().strip() or "another run"
                print(f"{owner} is at work in {folder}; waiting until it ends (Ctrl+C stops waiting)", flush=True)
            time.sleep(0.2)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def locked(file: IO) -> bool:
    """Whether this process now holds the file's lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def end_with_parent() -> None:
    """Called in a child of multiprocessing: it is killed when its parent ends, also by kill -9. On Linux; elsewhere
    nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:  # it ended before the system was asked
            os._exit(1)
