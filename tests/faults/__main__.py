"""Prints the table of faults; exit 1 where one did not survive."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' own modules, as pytest has them

from faults import faults, tries


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="all faults, and more tries of each")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="faults whose name holds such a word")
    chosen = parser.parse_args()
    lost = []
    print(f"{'fault':<78} {'tried':>6} {'survived':>8} {'seconds':>8}")
    for each in faults().values():
        named = any(word in each.name for word in chosen.only)
        if not named or (each.long and not chosen.long):
            continue
        started = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            found = tries(each, Path(folder), chosen.long)
        bad = [(what, wrong) for what, wrong in found if wrong]
        seconds = time.monotonic() - started
        print(f"{each.name:<78} {len(found):>6} {len(found) - len(bad):>8} {seconds:>8.1f}", flush=True)
        lost += [f"{each.name}: {what}: {wrong}" for what, wrong in bad]
    print("\n".join(["", *lost]) if lost else "")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
