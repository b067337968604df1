"""The first signal ends measuring, and no later one hides how to go on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import Interrupted
from bench.runs import endings

WAY_ON = "go on with: bench run --resume mine"


@pytest.mark.parametrize("number", endings.SIGNALS)
def test_the_first_signal_is_ctrl_c(number):
    """Also that of a cancelled job, and of a terminal that was closed."""
    with endings.watched(WAY_ON) as ending, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)

    assert ending.asked_for


def test_the_second_signal_says_how_to_go_on_and_lets_what_runs_finish(capfd):
    """People press again when nothing seems to happen."""
    with endings.watched(WAY_ON):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    assert f"once more ends it at once; {WAY_ON}" in capfd.readouterr().err


def test_a_signal_while_a_run_is_closed_is_heard_and_interrupts_nothing(capfd):
    """The journal's last line and the tables are written in a moment."""
    with endings.watched(WAY_ON) as ending:
        ending.close()
        os.kill(os.getpid(), signal.SIGTERM)

    assert ending.asked_for


def test_inside_somebody_elses_program_no_signal_ends_it(capfd):
    """Only Ctrl-C means the run; a notebook whose kernel is asked to end is not ours, and no state of it is lost."""
    before = [signal.getsignal(number) for number in endings.SIGNALS]

    with endings.watched(WAY_ON, inside=True) as ending:
        assert before[1:] == [signal.getsignal(number) for number in endings.SIGNALS[1:]]
        for raises in (True, False, True):
            if raises:
                with pytest.raises(KeyboardInterrupt):
                    os.kill(os.getpid(), signal.SIGINT)
            else:
                os.kill(os.getpid(), signal.SIGINT)

    assert ending.asked_for
    assert before == [signal.getsignal(number) for number in endings.SIGNALS]
    assert WAY_ON in capfd.readouterr().err


def test_the_third_signal_ends_at_once_and_says_how_to_go_on():
    """Whatever hangs."""
    code = (
        "import os, signal, sys, time\n"
        "from bench.runs import endings\n"
        "with endings.watched('go on with: X'):\n"
        "    for _ in range(3):\n"
        "        try:\n"
        "            os.kill(os.getpid(), signal.SIGINT); time.sleep(0.1)\n"
        "        except KeyboardInterrupt: pass\n"
        "    print('never')\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (130, "", 2) == (done.returncode, done.stdout, done.stderr.count("go on with: X"))


def test_a_signal_that_was_ignored_stays_so():
    """`nohup bench run` outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with endings.watched(WAY_ON) as ending:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not ending.asked_for
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_do_afterwards_what_they_did_before():
    """A program that calls us keeps its own."""
    before = [signal.getsignal(one) for one in endings.SIGNALS]

    with endings.watched(WAY_ON):
        pass

    assert before == [signal.getsignal(one) for one in endings.SIGNALS]


def test_a_signal_during_the_report_says_that_all_is_stored(tmp_path):
    """Only what is derived is lost, and one command makes it again."""
    with (
        pytest.raises(Interrupted, match=r"all trials are stored, make it with: bench report \S+/a-run"),
        endings.all_stored(tmp_path / "a-run"),
    ):
        raise KeyboardInterrupt

    with (
        pytest.raises(Interrupted, match=r"make it with: bench report a-run$"),
        endings.all_stored(Path("results/a-run")),
    ):
        raise KeyboardInterrupt
