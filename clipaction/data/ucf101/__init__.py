"""UCF-101: its names and official splits, where a copy of it lies, and how one is fetched and verified.

`names` knows classes, groups and splits; `copies` finds somebody's copy or fetches one; `members` takes single clips
out of a zip, `archive` fetches the whole zip, `lists` the official lists; `failures` says what went wrong and what to
do about it.
"""

from .lists import compare_with_lists
from .loader import load_ucf101
from .names import recognised

__all__ = ["compare_with_lists", "load_ucf101", "recognised"]
