#!/usr/bin/env bash
# Regenerates every figure and table of the paper, then says which agree with the published reference.
#
#   ./run_all.sh                        the demo: offline after set-up, 12 to 20 minutes on two cores
#   ./run_all.sh --profile quick        the same code at toy size, two minutes
#   ./run_all.sh --profile ucf101-mini  ten classes of UCF-101 with OpenAI's ViT-B/32 (ucf101: a whole split)
#   ./run_all.sh --data DIR             your own videos, DIR/<class>/<video>
#
# Options: --from 03     start with notebook 03          --only 04    run notebook 04 alone
#          --fresh       repeat what is finished          --seeds 3,4  whole runs, then taken together
#          --split 1,2   UCF-101 splits                   --set noise.eps=8   any field of the profile
#          --cluster local:4, tcp://host:8786 or cluster.yaml   several processes or machines, with Dask
#
# On a machine with only Python 3.11 or newer it first makes .venv from requirements.lock (minutes, once). If the active
# environment has every requirement, it is used instead. A run that was stopped goes on where it was; finished work is
# reused when nothing that it depends on has changed.
# PYTHON=... chooses the Python; CLIPACTION_DATA and CLIPACTION_RESULTS move the big folders.
set -euo pipefail
for argument in "$@"; do
    case $argument in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}"; exit 0 ;; esac
done
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./setup_env.sh
trap 'say "interrupted; run again to go on from here"; exit 130' INT

find_python
(cd "$here" && "$base" -m clipaction run "$@" --check)  # finds mistakes before minutes of set-up
make_environment
cd "$here"  # relative paths in the arguments start there
exec "$python" -m clipaction run "$@"
