"""What a full disk, a folder that cannot be written and a file in a folder's place mean to the user: one line each."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import StorageError
from .paths import FOLDERS, folder_of

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
TAKEN = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)
# Python's own words for such an error, and those of safetensors
IN_TEXT = re.compile(r"\[Errno (\d+)\] [^:\[]*(?:: '([^']+)')?|\(os error (\d+)\)")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises StorageError where what is written to `path` inside the block meets a full or closed disk."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:  # libraries have exceptions of their own for it
        if found := storage_error(error, path):
            raise found from None
        raise


def check_writable(folder: Path) -> None:
    """Raises StorageError where no file can be made in a folder."""
    with writing(folder), tempfile.NamedTemporaryFile(dir=folder, prefix="."):
        pass


def storage_error(error: BaseException | str, path: Path | str | None = None) -> StorageError | None:
    """The line for an error, or for its text, that is about a disk or folder; None for any other.

    path: what was written, where the error does not say."""
    number, name = getattr(error, "errno", None), getattr(error, "filename", None)
    if number is None and (found := IN_TEXT.search(str(error))):
        number, name = int(found[1] or found[3]), found[2]
    if number not in (*FULL, *CLOSED, *TAKEN):
        return None
    named = isinstance(name, (str, bytes, os.PathLike))
    where = Path(os.fsdecode(name) if named else path or folder_of("CLIPACTION_RESULTS"))  # type: ignore[arg-type]
    if path and where.parent == Path(path).parent:  # not the temporary name beside it
        where = Path(path)
    variable = variable_of(where)
    move = f"point {variable} elsewhere" if variable else "choose another folder"
    if number in FULL:
        folder = where.parent if where.parent.is_dir() and not where.is_dir() else where
        text = f"no space left on the disk of {folder}; free some, or {move}"
    elif number in CLOSED:
        why = os.strerror(number).lower()
        text = f"{where} cannot be used ({why}); make it yours to read and write, or {move}"
    else:
        taken = next((each for each in (*reversed(where.parents), where) if each.is_file()), where)
        what = "a file is where a folder should be" if taken.is_file() else "a folder is where a file should be"
        text = f"{taken}: {what}; move it away, or {move}"
    told = StorageError(text)
    told.errno = number
    return told


def variable_of(path: Path) -> str | None:
    """The environment variable that moves the folder in which a path lies; None where there is none."""
    folders = {name: folder_of(name) for name in FOLDERS} | {"TMPDIR": Path(tempfile.gettempdir())}
    return next((name for name, folder in folders.items() if path.absolute().is_relative_to(folder)), None)
