"""The user's files: their names as text that can be printed and stored anywhere, and what is no file."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path


def printable(name: Path | str) -> str:
    r"""The name with bytes that are no UTF-8 and control characters written out: 'caf\xe9.avi', 'two\nlines.avi'.

    On most systems a file's name may be any bytes. Python keeps those that are no UTF-8 as surrogates, which no
    encoder takes.
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: found[0].encode("unicode_escape").decode(), text)


def not_a_file(path: Path | str) -> str:
    """What a path is that is no regular file, such as a named pipe, which would be waited for; '' for a file, and where
    there is nothing."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except OSError:  # opening it will say why
        return ""
    return "" if kind == stat.S_IFREG else kinds.get(kind, "a device")
