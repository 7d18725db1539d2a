"""Several small jobs side by side: on a CPU, one thread a job does more a second than all threads on one job after
the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Semaphore

import torch


def each(function: Callable, items: Iterable, device: torch.device | str = "cpu") -> list:
    """[function(item), ...] in order, as many at a time as torch has threads, one thread each; one after the other on
    a GPU.

    The arithmetic of a job does not depend on how many run beside it. Items are taken as jobs end, so a long stream of
    them needs little memory. The first error stops what has not begun and is raised."""
    if torch.device(device).type != "cpu":
        return [function(item) for item in items]
    threads, jobs, failed = torch.get_num_threads(), [], Event()
    room = Semaphore(2 * threads)

    def ended(job: Future) -> None:
        if not job.cancelled() and job.exception():
            failed.set()
        room.release()

    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for item in items:
                room.acquire()
                if failed.is_set():
                    break
                jobs.append(pool.submit(function, item))
                jobs[-1].add_done_callback(ended)
            return [job.result() for job in jobs]
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)
