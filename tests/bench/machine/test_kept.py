"""Nothing that the harness starts outlives it, and nothing that a process starts outlives the process."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bench.machine import kept

HELPERS = """
import os, subprocess, sys, time
plain = subprocess.Popen(["sleep", "60"])
away = subprocess.Popen(["sleep", "61"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "62"])
    os._exit(0)
print(plain.pid, away.pid, flush=True)
"""
HARNESS = """
import os, sys
from bench.machine import kept
kept.run([sys.executable, "-c", {code!r}], environment=os.environ)
"""


def sleepers(marker, *, name=""):
    """Return what a test has started and still lives, by a variable of its environment; all of it without a name."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARKER") != marker or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if name in (process.name(), ""):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def gone_within(marker, *, seconds=2.0):
    """Return what is left after so long."""
    deadline = time.monotonic() + seconds
    while (left := sleepers(marker)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


@pytest.fixture
def marker(tmp_path):
    """Return a mark for all processes of a test, and clear up."""
    mark = str(tmp_path)
    yield mark
    for process in sleepers(mark):
        process.kill()


def test_a_program_runs_as_it_would_alone(tmp_path):
    """Input, output, code, folder, environment."""
    code = "import os, sys; print(sys.stdin.read(), os.getcwd(), os.environ['X']); sys.stderr.write('no'); sys.exit(3)"

    done = kept.run(
        [sys.executable, "-c", code], environment=os.environ | {"X": "1"}, text="in", folder=tmp_path.resolve()
    )

    assert (3, f"in {tmp_path.resolve()} 1\n".encode(), b"no") == (done.returncode, done.stdout, done.stderr)


def test_a_death_by_signal_is_told_as_one():
    """The table says which."""
    for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
        code = f"import os; os.kill(os.getpid(), {int(number)})"
        assert -number == kept.run([sys.executable, "-c", code], environment=os.environ).returncode


def test_a_program_that_is_not_there_is_told():
    """As subprocess tells it."""
    with pytest.raises(FileNotFoundError):
        kept.run(["no-such-program"], environment=os.environ)


def test_a_program_that_takes_too_long_is_gone_with_its_helpers(marker):
    """Also those that left its group."""
    with pytest.raises(subprocess.TimeoutExpired):
        kept.run(
            [sys.executable, "-c", f"{HELPERS}time.sleep(60)"], environment=os.environ | {"MARKER": marker}, timeout=1.5
        )

    assert [] == sleepers(marker)


def test_helpers_end_with_the_process_that_started_them(marker):
    """They would compute beside the next measurement, and hold the pipe."""
    begin = time.monotonic()

    kept.run([sys.executable, "-c", HELPERS], environment=os.environ | {"MARKER": marker})

    assert [] == sleepers(marker)
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_everything_ends_with_the_harness(marker, number):
    """Whatever ends it: nothing of ours is asked, a pipe is closed."""
    code = HARNESS.format(code=f"{HELPERS}time.sleep(60)")
    harness = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"MARKER": marker})
    deadline = time.monotonic() + 20
    while (helpers := len(sleepers(marker, name="sleep"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert helpers == 3  # by their names: while they become what they are to be, a fork counts twice

    harness.send_signal(number)
    harness.wait()

    assert [] == gone_within(marker)
