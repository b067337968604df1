"""What stands between the harness and a process ends as its child does and leaves nothing behind: real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil
import pytest

from bench.machine import keeper

LEAVES_ONE_BEHIND = "setsid sleep 60 & echo $!; "
"""A child of the child that has left its group and session, and says its number."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt others")


@dataclass(kw_only=True)
class Kept:
    """A process with its keeper."""

    keeper: subprocess.Popen[str]
    lifeline: int
    """Our end of it."""
    child: int

    def line(self) -> str:
        """Return what the process says next."""
        return self.keeper.stdout.readline().strip()

    def let_go(self) -> None:
        """Close the lifeline, as the kernel does for a harness that has ended."""
        os.close(self.lifeline)
        self.lifeline = -1

    def ended(self) -> tuple[int, str]:
        """Wait for the keeper, and return its code and what was said on standard error."""
        _, said = self.keeper.communicate(timeout=30)
        return self.keeper.returncode, said


@pytest.fixture
def keep() -> Iterator[Callable[..., Kept]]:
    """Return a function that starts a command with a keeper."""
    started: list[Kept] = []

    def keep(*command: str) -> Kept:
        watched, ours = os.pipe()
        told, tell = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, str(watched), str(tell), "[]", json.dumps(command)],
            pass_fds=(watched, tell),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(watched)
        os.close(tell)
        with os.fdopen(told) as pipe:
            child = int(pipe.readline())
        started.append(Kept(keeper=process, lifeline=ours, child=child))
        return started[-1]

    yield keep
    for one in started:
        if one.lifeline >= 0:
            one.let_go()
        with suppress(subprocess.TimeoutExpired):
            one.keeper.wait(timeout=30)
        one.keeper.kill()
        one.keeper.wait()
        for pipe in (one.keeper.stdout, one.keeper.stderr):
            pipe.close()


def runs(process: int) -> bool:
    """Whether a process is there and has not ended: nobody may have asked yet how it did."""
    try:
        return psutil.Process(process).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("code", [0, 3, 255])
def test_it_ends_with_the_code_of_its_child(keep, code):
    """The harness asks the keeper, and means the process."""
    assert (code, "") == keep("sh", "-c", f"exit {code}").ended()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_it_ends_by_the_signal_that_ended_its_child(keep, number):
    """A loop that crashed is told apart from one that was killed."""
    assert (-number, "") == keep("sh", "-c", f"kill -{number.value} $$").ended()


def test_a_command_that_is_not_there_is_named(keep):
    """In the process's own words, and with a code that no process has by itself."""
    assert (keeper.NOT_STARTED, "no-such-program: No such file or directory\n") == keep("no-such-program").ended()


def test_the_number_that_it_tells_is_that_of_the_process(keep):
    """Whoever waits for memory or profiles needs it."""
    kept = keep("sh", "-c", "echo $$")

    assert str(kept.child) == kept.line()


def test_everything_ends_with_the_harness(keep):
    """However it ended: the kernel closes its end of the lifeline."""
    kept = keep("sh", "-c", f"{LEAVES_ONE_BEHIND} wait")
    left_behind = int(kept.line())
    assert runs(left_behind)

    kept.let_go()
    code, _ = kept.ended()

    assert code == -signal.SIGKILL
    assert (False, False) == (runs(kept.child), runs(left_behind))


def test_what_a_process_leaves_behind_ends_when_the_process_has_ended(keep):
    """It would take a processor from whatever is measured next."""
    kept = keep("sh", "-c", f"{LEAVES_ONE_BEHIND} exit 4")
    left_behind = int(kept.line())

    code, _ = kept.ended()

    assert (4, False) == (code, runs(left_behind))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_asked_to_end_it_ends_all(keep, number):
    """A child that ignores what it is asked as well."""
    kept = keep("sh", "-c", f"trap '' TERM HUP INT; {LEAVES_ONE_BEHIND} wait; wait")
    left_behind = int(kept.line())

    kept.keeper.send_signal(number)
    kept.ended()

    assert (False, False) == (runs(kept.child), runs(left_behind))


def test_a_child_has_the_signals_that_a_process_begins_with(keep):
    """The keeper's own handlers are not handed on: Ctrl-C would never reach a loop that wants it."""
    code = "import signal as s; print([s.getsignal(n) in (s.SIG_DFL, s.default_int_handler) for n in (2, 15, 17, 1)])"

    assert keep(sys.executable, "-c", code).line() == "[True, True, True, True]"


def test_descendants_are_those_that_still_run():
    """This process has some of its own, of other tests; one more, and then one less."""
    before = set(keeper._descendants())
    with subprocess.Popen(["sleep", "60"]) as process:
        assert {process.pid} == set(keeper._descendants()) - before
        process.kill()
    assert process.pid not in keeper._descendants()
