#!/usr/bin/env bash
# Sets up the environment as run_all.sh does, then runs the tests, a file at a time on each core. Arguments go to pytest:
# tests/run.sh -k masks
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./setup_env.sh
trap 'say "interrupted"; exit 130' INT

find_python
make_environment
exec "$python" -m pytest tests --numprocesses auto --maxprocesses 8 --dist loadfile "$@"
