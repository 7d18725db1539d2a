"""Several small jobs side by side: on a CPU, one thread a job does more a second than all threads on one job after
the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Semaphore, local

import torch

AROUND = local()  # threads: in a job, how many there are for all jobs


def each(function: Callable, items: Iterable, device: torch.device | str = "cpu") -> list:
    """[function(item), ...] in order, as many at a time as torch has threads, one thread each; one after the other on
    a GPU.

    The arithmetic of a job does not depend on how many run beside it. Items are taken as jobs end, so a long stream of
    them needs little memory. A job may have jobs of its own, as many side by side. The first error stops what has not
    begun and is raised."""
    if torch.device(device).type != "cpu":
        return [function(item) for item in items]
    own, jobs, failed = torch.get_num_threads(), [], Event()
    threads = getattr(AROUND, "threads", own)
    room = Semaphore(2 * threads)

    def begin() -> None:
        torch.set_num_threads(1)
        AROUND.threads = threads

    def ended(job: Future) -> None:
        if not job.cancelled() and job.exception():
            failed.set()
        room.release()

    with ThreadPoolExecutor(threads, initializer=begin) as pool:
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
            torch.set_num_threads(own)
