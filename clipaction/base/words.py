"""Quantities in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """'45 s', '2 min 05 s' or '3 h 05 min'."""
    seconds = round(seconds)
    if seconds >= 3600:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f} min"
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
