"""Jobs side by side: order, one thread each, and errors."""

import gc
import threading
import time
from concurrent.futures import Future

import pytest
import torch

from clipaction.base.parallel import ON_GPU, each


def test_order_and_threads():
    before = torch.get_num_threads()
    seen = each(lambda k: (time.sleep(0.02 * (3 - k)), k, torch.get_num_threads())[1:], range(4))
    assert seen == [(k, 1) for k in range(4)] and torch.get_num_threads() == before


def test_jobs_of_a_job_run_side_by_side_and_leave_its_threads_alone():
    both = threading.Barrier(2, timeout=20)

    def job(_):
        inner = each(lambda _: (both.wait(), torch.get_num_threads())[1], range(2))
        return inner, torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert each(job, range(1)) == [([1, 1], 1)] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_error_is_raised_and_stops_what_has_not_begun():
    begun = []

    def job(k):
        begun.append(k)
        time.sleep(0.01)
        raise ValueError(k)

    with pytest.raises(ValueError):
        each(job, range(100))
    assert len(begun) < 100


def test_a_stream_is_taken_as_jobs_end():
    taken, done, ahead = [], [], []

    def stream():
        for k in range(50):
            taken.append(k)
            ahead.append(len(taken) - len(done))
            yield k

    assert each(lambda k: (time.sleep(0.001), done.append(k), k)[2], stream()) == list(range(50))
    assert max(ahead) <= 2 * torch.get_num_threads() + 2


def test_of_a_job_that_has_ended_only_its_result_is_kept():
    def futures(_) -> int:
        return sum(type(thing) is Future for thing in gc.get_objects())

    assert each(futures, range(30))[-1] - futures(0) <= 2 * torch.get_num_threads() + 2


def test_on_a_gpu_one_after_the_other_unless_they_may_overlap():
    def job(_) -> int:
        time.sleep(0.02)
        return threading.get_ident()

    assert set(each(job, range(5), "cuda")) == {threading.get_ident()}
    before = torch.get_num_threads()
    torch.set_num_threads(ON_GPU + 2)
    try:
        assert len(set(each(job, range(40), "cuda", overlapped=True))) == ON_GPU
        assert len(set(each(job, range(40), overlapped=True))) == ON_GPU + 2
    finally:
        torch.set_num_threads(before)
