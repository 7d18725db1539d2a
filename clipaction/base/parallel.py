"""Several small jobs side by side: on a CPU, one thread a job does more a second than all threads on one job after
the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import torch


def each(function: Callable, items: Iterable, device: torch.device | str = "cpu") -> list:
    """[function(item), ...] in order, as many at a time as torch has threads, one thread each; one after the other on
    a GPU.

    The arithmetic of a job does not depend on how many run beside it. The first error stops what has not begun and is
    raised."""
    items, threads = list(items), torch.get_num_threads()
    if torch.device(device).type != "cpu":
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        jobs = [pool.submit(function, item) for item in items]
        try:
            return [job.result() for job in jobs]
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)
