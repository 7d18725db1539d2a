"""What a full or closed disk and a file in a folder's place become: one line with the folder and the remedy."""

import errno
import os
import pickle

import pytest

from clipaction.base.errors import StorageError
from clipaction.base.files import write_text
from clipaction.base.storage import check_writable, storage_error, writing


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


def error_of(number: int, path=None) -> OSError:
    return OSError(number, os.strerror(number), *([str(path)] if path else []))


@pytest.mark.parametrize(("number", "expected"), [
    (errno.ENOSPC, "no space left on the disk of {}; free some, or point CLIPACTION_RESULTS elsewhere"),
    (errno.EDQUOT, "no space left on the disk of {}; free some, or point CLIPACTION_RESULTS elsewhere"),
    (errno.EROFS, "{} cannot be used (read-only file system); make it yours to read and write, or point CLIP"),
    (errno.EACCES, "{} cannot be used (permission denied); make it yours"),
])  # fmt: skip
def test_an_error_names_the_folder_and_what_moves_it(results, number, expected):
    path = results / "demo"
    for told in (
        storage_error(error_of(number, path)),
        storage_error(error_of(number), path),
        storage_error(str(error_of(number, path))),  # as a notebook's kernel reports it
        storage_error(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})", path),
    ):
        assert str(told).startswith(expected.format(path)) and told.errno == number
        assert pickle.loads(pickle.dumps(told)).errno == number  # from a worker process


def test_a_file_in_a_folders_place_is_named(results, tmp_path):
    results.write_text("a file")
    with pytest.raises(
        StorageError, match=f"{results}: a file is where a folder should be; move it away, or point CLIPA"
    ):
        write_text(results / "demo" / "a.txt", "x")
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(StorageError, match="b.txt: a folder is where a file should be"):
        write_text(tmp_path / "b.txt", "x")


def test_other_errors_stay_what_they_are(tmp_path):
    assert storage_error(ValueError("no")) is None and storage_error(error_of(errno.ENOENT, "x")) is None
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        _ = 1 / 0
    check_writable(tmp_path)
    assert not list(tmp_path.iterdir())
