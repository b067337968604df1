"""One process writes to a run; the kernel decides which."""

import os
import signal
import subprocess
import sys

import pytest

from bench.errors import FileTrouble, ResultsError
from bench.records.lock import LOCK, RunLock

HOLD = """
import sys
from pathlib import Path
from bench.records.lock import RunLock
lock = RunLock(Path(sys.argv[1]), now=lambda: "2026-01-02T12:00:00+00:00")
print("held", flush=True)
sys.stdin.read()
"""


def now():
    """Return the time of day of a test."""
    return "2026-01-02T12:00:01+00:00"


@pytest.fixture
def holder(tmp_path):
    """Return another process that holds the lock of a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert "held\n" == process.stdout.readline()
        yield process
        process.kill()


def test_the_holder_is_named(tmp_path, holder):
    """By process, machine and time, so that a person can look at it or end it."""
    with pytest.raises(ResultsError, match=rf"process {holder.pid} on .*, since 2026-01-02T12:00:00.* wait until"):
        RunLock(tmp_path, now=now)


def test_a_holder_that_was_killed_holds_nothing(tmp_path, holder):
    """Nobody has to remove a file by hand."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    RunLock(tmp_path, now=now).release()

    assert not (tmp_path / LOCK).exists()


def test_what_was_let_go_of_can_be_taken_again(tmp_path):
    """More than once, and letting go twice does nothing."""
    first = RunLock(tmp_path, now=now)
    first.release()
    first.release()

    RunLock(tmp_path, now=now).release()


def test_a_lock_file_that_says_nonsense_is_no_obstacle(tmp_path):
    """Only the kernel's word counts."""
    (tmp_path / LOCK).write_bytes(b"\xff{")

    lock = RunLock(tmp_path, now=now)

    assert str(os.getpid()) in (tmp_path / LOCK).read_text()
    with pytest.raises(ResultsError, match="is writing to this run"):
        RunLock(tmp_path, now=now)
    lock.release()


@pytest.mark.parametrize("make", [lambda path: path.symlink_to(path), lambda path: path.mkdir()])
def test_a_lock_that_cannot_be_had_is_named(tmp_path, make):
    """A link or a folder stands in its place."""
    make(tmp_path / LOCK)

    with pytest.raises(FileTrouble, match=r"\.lock: cannot be written"):
        RunLock(tmp_path, now=now)
