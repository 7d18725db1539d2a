"""Several small jobs side by side: on a CPU, one thread a job does more a second than all threads on one job after
the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore, local
from typing import Any

import torch

ON_GPU = 8  # jobs side by side on a GPU, at most: each needs some of its memory
AROUND = local()  # threads: in a job, how many there are for all jobs


def each(function: Callable, items: Iterable, device: torch.device | str = "cpu", overlapped: bool = False) -> list:
    """[function(item), ...] in order, as many at a time as torch has threads, one thread each; one after the other on
    a GPU, unless they are `overlapped`.

    overlapped: on a GPU the host's part of a job (masks, copies) is done while the GPU works for others. They share
    its stream, so what a job leaves on the GPU is in order. Not for training, which would hold several graphs at once.

    The arithmetic of a job does not depend on how many run beside it. Items are taken as jobs end, so a long stream of
    them needs little memory. A job may have jobs of its own, as many side by side. The first error stops what has not
    begun and is raised."""
    on_gpu, own = torch.device(device).type != "cpu", torch.get_num_threads()
    if on_gpu and not overlapped:
        return [function(item) for item in items]
    results: list = []
    errors: list[BaseException] = []
    threads = getattr(AROUND, "threads", own)
    threads = min(threads, ON_GPU) if on_gpu else threads
    room = Semaphore(2 * threads)

    def begin() -> None:
        torch.set_num_threads(1)
        AROUND.threads = threads

    def job(place: int, item: Any) -> None:
        try:
            if not errors:
                results[place] = function(item)
        except BaseException as error:
            errors.append(error)
        finally:
            room.release()

    try:
        with ThreadPoolExecutor(threads, initializer=begin) as pool:
            try:
                for place, item in enumerate(items):
                    room.acquire()
                    if errors:
                        break
                    results.append(None)
                    pool.submit(job, place, item)
                else:
                    for _ in range(2 * threads):  # until the last has ended, so that Ctrl+C is heard here, too
                        room.acquire()
            except BaseException as error:
                errors.append(error)
    finally:
        torch.set_num_threads(own)
    if errors:
        raise errors[0]
    return results
