#!/usr/bin/env bash
# Sets up the environment as run_all.sh does, then checks style and types: ruff check, ruff format --check, mypy.
# tests/lint.sh --fix: ruff repairs what it can and formats.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./setup_env.sh
trap 'say "interrupted"; exit 130' INT

find_python
make_environment
if [[ ${1:-} == --fix ]]; then
    "$python" -m ruff check --fix
    "$python" -m ruff format
else
    "$python" -m ruff check
    "$python" -m ruff format --check
fi
exec "$python" -m mypy
