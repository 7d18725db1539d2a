"""One writer a folder; children end with their parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from clipaction.base.alone import alone_in
from clipaction.base.paths import ROOT

HOLD = """
import sys, time
from pathlib import Path
from clipaction.base.alone import alone_in
with alone_in(Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(float(sys.argv[2]))
print("out", flush=True)
"""
PARENT = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import os, time
from clipaction.base.alone import end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""
ORPHAN = """
from multiprocessing import get_context
import os, time
from clipaction.base.alone import end_with_parent

def late():
    parent = os.getppid()
    print(os.getpid(), flush=True)
    while os.getppid() == parent:
        time.sleep(0.01)
    end_with_parent()
    time.sleep(600)

if __name__ == "__main__":
    get_context("spawn").Process(target=late).start()
    time.sleep(600)
"""


def start(*arguments) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True)


def test_a_second_run_waits_and_says_for_whom(tmp_path):
    first = start("-c", HOLD, tmp_path / "demo", 2)
    assert first.stdout.readline() == "in\n"
    second = start("-c", HOLD, tmp_path / "demo", 0)
    said = second.stdout.readline()
    assert f"process {first.pid} on " in said and "waiting until it ends" in said
    assert second.communicate(timeout=30)[0] == "in\nout\n" and first.communicate()[0] == "out\n"
    with alone_in(tmp_path / "other"):
        pass


def test_a_dead_owner_holds_nothing_also_when_the_folder_is_gone(tmp_path):
    (tmp_path / "demo").mkdir()
    first = start("-c", HOLD, tmp_path / "demo", 600)
    assert first.stdout.readline() == "in\n"
    (tmp_path / "demo").rmdir()
    second = start("-c", HOLD, tmp_path / "demo", 0)
    assert "waiting" in second.stdout.readline()
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.communicate(timeout=30)[0] == "in\nout\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot tell a child that its parent ended")
@pytest.mark.parametrize("program", [PARENT, ORPHAN], ids=["a worker at work", "a worker that asks too late"])
def test_a_worker_ends_with_its_parent(tmp_path, program):
    script = tmp_path / "parent.py"
    script.write_text(program)
    parent = start(script)
    worker = int(parent.stdout.readline())
    os.kill(worker, 0)  # it lives
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for _ in range(100):
        if not alive(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker lived on")


def alive(process: int) -> bool:
    """Whether a process runs; one that is dead, with nobody there to note it, does not."""
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
