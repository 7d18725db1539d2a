"""What ends a command early: the one exception that a user may see, and Ctrl+C."""

from threading import Event

INTERRUPTED = Event()  # by Ctrl+C


class UserError(Exception):
    """A user's mistake or a missing thing: one line naming it and the remedy; the command line prints it without a
    traceback."""


class StorageError(UserError):
    """A full disk, or a folder that cannot be written (`base.storage`). errno: the system's number for it."""

    errno = 0


def short(text: str, most: int = 80) -> str:
    """The text, cut where it is too long to be quoted in a message."""
    return text if len(text) <= most else f"{text[:most]}…"


def interrupt(*_) -> None:
    """What Ctrl+C does. A library's bare `except` may catch the exception, so the wish is noted, too."""
    INTERRUPTED.set()
    raise KeyboardInterrupt
