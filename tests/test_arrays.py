"""Arrays that need not fit into memory, and that memory does not grow with the clips."""

import os
import shutil

import numpy as np
import pytest

from clipaction.base.arrays import Rows, on_disk
from clipaction.base.errors import StorageError
from clipaction.run import scale


def test_rows_are_those_of_the_index_and_nothing_else_is_read():
    read = []

    class Spy:
        shape = (5, 3, 2)

        def __getitem__(self, at):
            read.append(at)
            return values[at]

    values = np.arange(30).reshape(5, 3, 2)
    rows = Rows(Spy(), np.array([4, 1, 1]))
    assert len(rows) == 3 and rows.shape == (3, 3, 2) and not read
    assert (rows[1:] == values[[1, 1]]).all() and (rows[np.array([[0, 2]])] == values[[[4, 1]]]).all()
    assert [at[0].tolist() for at in read] == [[1, 1], [[4, 1]]]
    assert (np.asarray(Rows(rows, np.array([2, 0]))) == values[[1, 4]]).all()
    single = Rows(values, np.array([4, 4, 0]), np.array([0, 2, 1]))
    assert single.shape == (3, 2) and (single[:] == values[[4, 4, 0], [0, 2, 1]]).all()


def test_an_array_on_disk_is_like_any_other_and_leaves_no_file(tmp_path):
    array = on_disk((3, 4), tmp_path / "new")
    assert array.dtype == np.uint8 and not array.any() and not list((tmp_path / "new").iterdir())
    array[1] = 7
    assert array.sum() == 28 and on_disk((0, 4), tmp_path).shape == (0, 4)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system does not tell beforehand")
def test_a_disk_without_room_is_told_at_once(tmp_path):
    with pytest.raises(StorageError, match=f"no space left on the disk of {tmp_path}; free some"):
        on_disk((2 * shutil.disk_usage(tmp_path).total,), tmp_path)


def test_sixteen_times_the_clips_take_no_more_memory_than_their_batches():
    few, many = (scale.measure("quick", None, clips) for clips in (16, 256))
    assert many["disk"] == 16 * few["disk"] and many["sweep"] > 0 and many["views"] > 0
    assert many["memory"] < few["memory"] + 64e6
