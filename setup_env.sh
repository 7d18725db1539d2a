# Functions that run_all.sh, tests/run.sh and tests/lint.sh share; sourced in the repository's root, not run by itself.
# find_python sets $base to a Python that can make environments. make_environment sets $python to one that has all of
# requirements.lock.
threads=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$threads}" MKL_NUM_THREADS="${MKL_NUM_THREADS:-$threads}"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            base=$candidate
            return
        fi
        [[ $candidate != "${PYTHON:-}" ]] ||
            die "PYTHON=$PYTHON is not Python 3.11 or newer; point it at one, or unset it"
    done
    die "Python 3.11 or newer is needed and $(python3 --version 2>/dev/null || echo 'no python3') was found;" \
        "install it, or set PYTHON=/path/to/python3.11"
}

make_environment() {
    local active=${VIRTUAL_ENV:-${CONDA_PREFIX:-}} missing
    if [[ -n $active && $active != "$PWD/.venv" ]]; then
        python="$active/bin/python"
        if missing=$("$python" -m clipaction.run.environment 2>&1); then
            say "environment: $active (active)"
            return
        fi
        say "environment: $active is active but lacks $(head -n 1 <<<"$missing"); using .venv instead"
    fi
    python="$PWD/.venv/bin/python"
    # Our .venv holds a copy of the lock once it is finished, and the file .venv/unfinished before.
    # Any other .venv belongs to the user and is left as it is.
    if cmp -s requirements.lock .venv/requirements.lock && "$python" -c '' 2>/dev/null; then
        say "environment: .venv (reused)"
        return
    fi
    if [[ -f .venv/requirements.lock ]] && "$python" -c '' 2>/dev/null; then
        say "environment: requirements.lock has changed; bringing .venv up to date"
        mv .venv/requirements.lock .venv/unfinished
    elif [[ -e .venv && ! -f .venv/requirements.lock && ! -f .venv/unfinished ]]; then
        missing=$("$python" -m clipaction.run.environment 2>&1) ||
            die ".venv was not made by this script and lacks $(head -n 1 <<<"$missing");" \
            "move it away, or fill it yourself: .venv/bin/python -m pip install -r requirements.lock"
        say "environment: .venv (your own)"; return
    else
        need_space 9
        say "environment: making .venv with $("$base" --version) (once: 3 GB to download, 6 GB on disk, 2 to 4 minutes)"
        mkdir -p .venv && touch .venv/unfinished && find .venv -mindepth 1 ! -path .venv/unfinished -delete
        "$base" -m venv .venv >/dev/null 2>&1 ||
            die "$base could not make .venv; on Debian or Ubuntu: apt-get install python3-venv;" \
                "else set PYTHON to another Python"
    fi
    mkdir -p .venv/tmp
    # The lock has every version and hash, so pip has nothing to resolve. It unpacks in .venv/tmp: /tmp may be small.
    local pip=("$python" -m pip install --disable-pip-version-check --no-deps)
    TMPDIR="$PWD/.venv/tmp" "${pip[@]}" --require-hashes --no-compile -r requirements.lock \
        > >(tee .venv/install.log | progress) 2>.venv/install.err || fail_install
    "${pip[@]}" --quiet --no-build-isolation -e . 2>.venv/install.err || fail_install
    "$python" -m compileall -qq -j 0 .venv/lib || true  # on all cores; templates in some packages fail
    rm -rf .venv/tmp
    cp requirements.lock .venv/requirements.lock && rm .venv/unfinished
    say "environment: .venv is ready after $((SECONDS / 60)) min $((SECONDS % 60)) s"
}

need_space() {  # need_space 9: stop unless 9 GB of disk are free
    local free=$(($(df -Pk . | awk 'NR == 2 { print $4 }') / 1000000))
    ((free >= $1)) || die "$1 GB of free disk are needed for .venv and $free GB are left in $PWD; free some," \
        "or activate an environment of your own"
}

progress() {  # turns pip's output into one line for every forty packages, or on a terminal into one line that counts
    awk -v total="$(grep -c '^[a-z].*==' requirements.lock)" -v tty="$([[ -t 2 ]] && echo 1)" '
        /^(Collecting|Processing|Requirement already)/ && (++n % 40 == 0 || tty) {
            printf "%s  fetched %d of about %d packages%s", tty ? "\r" : "", n, total, tty ? "" : "\n" }
        /^Installing collected/ { print (tty ? "\n" : "") "  unpacking (about a minute)" } { fflush() }' >&2
}

fail_install() {
    if grep -q 'No space left' .venv/install.err; then
        die "no space left in $PWD while filling .venv; free 9 GB and run again"
    fi
    die "installing requirements.lock failed:" \
        "$(grep -m1 -iE 'error' .venv/install.err || tail -n 1 .venv/install.err) (all of it: .venv/install.err);" \
        "check the network and run again"
}
