"""Programs that answer, fail, hang or are missing, and how they are started."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.machine import system

IGNORES = [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"]


@pytest.fixture
def ignoring():
    """Have this process ignore SIGINT, as one does that a script has started with `&`."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def output():
    """Return whether a program that is started now ignores SIGINT, as it prints it."""
    return system.output_of(*IGNORES, environment=os.environ)


def test_a_program_is_taken_at_its_word():
    """Without the line break at its end."""
    assert "two words" == system.output_of("echo", "two words", environment=os.environ)


@pytest.mark.parametrize("command", [["no-such-program"], ["false"], ["/"]])
def test_a_program_that_is_missing_or_fails_says_nothing(command):
    """Facts are left out rather than guessed."""
    assert system.output_of(*command, environment=os.environ) is None


def test_a_program_that_does_not_end_says_nothing(monkeypatch):
    """A driver that hangs must not hold up the run."""
    monkeypatch.setattr(system, "_COMMAND_TIMEOUT_SECONDS", 0.01)

    assert system.output_of("sleep", "60", environment=os.environ) is None


def test_a_file_that_is_not_there_holds_nothing(tmp_path):
    """Nor does a folder."""
    (tmp_path / "file").write_text("text\n")

    assert ("text", "", "") == tuple(system.text_of(path) for path in (tmp_path / "file", tmp_path / "no", tmp_path))


@pytest.mark.usefixtures("ignoring")
def test_what_is_started_takes_interrupts_where_its_parent_ignores_them():
    """And the parent goes on ignoring them, before, within and after."""
    assert "True" == output()

    with system.heeding_interrupts():
        assert "False" == output()
        os.kill(os.getpid(), signal.SIGINT)

    assert ("True", signal.SIG_IGN) == (output(), signal.getsignal(signal.SIGINT))


def test_nothing_changes_where_interrupts_are_heeded_anyway():
    """The handler of whoever calls, such as pytest, stays in place."""
    before = signal.getsignal(signal.SIGINT)

    with system.heeding_interrupts():
        assert before is signal.getsignal(signal.SIGINT)


@pytest.mark.usefixtures("ignoring")
def test_another_thread_changes_nothing():
    """It may not."""

    def within():
        with system.heeding_interrupts():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as threads:
        assert signal.SIG_IGN is threads.submit(within).result()
