"""The command line: python -m clipaction prepare | run | verify | bench."""

import sys

from .run.cli import main

if __name__ == "__main__":
    sys.exit(main())
