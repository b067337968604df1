"""The harness' end of the wire, with real processes that say what they should not."""

import os
import sys
import time

import psutil
import pytest

from bench.records.trial import FailureKind
from bench.worker.messages import Measured, Verified
from bench.worker.process import WorkerFailed, WorkerProcess

PROLOGUE = "import os, sys, time\nresults = int(sys.argv[2])\n"


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a process of ours whose body is a piece of code."""
    started = []

    def begin(code, *, timeout=30.0):
        (tmp_path / "speaker.py").write_text(PROLOGUE + code)
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        process = WorkerProcess(
            "speaker", interpreter=sys.executable, environment=environment, log=tmp_path / "log", timeout=timeout
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.end()


def failure(process, expected=Measured):
    """Return what became of waiting for a message."""
    with pytest.raises(WorkerFailed) as failed:
        process.receive(expected)
    return failed.value.failure


def test_an_answer_is_typed(start):
    """What arrives is what was sent, down to the numbers in it."""
    process = start(
        """os.write(results, b'{"kind": "verified", "formula": "sgd", "gaps": '
           b'[{"what": "loss", "largest": 0.5, "allowed": 1, "step": null}], "losses": [1, 2.5]}\\n')"""
    )

    said = process.receive(Verified)

    assert ("sgd", "loss", 0.5, (1.0, 2.5)) == (said.formula, said.gaps[0].what, said.gaps[0].largest, said.losses)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('{"kind": "closed"}', "expected 'measured' or 'failed', got 'closed'"),
        ('{"kind": "measured", "speed": 3}', "'measured' has no field 'speed'"),
        ('{"kind": "measured", "blocks": "fast"}', "blocks"),
        ('{"kind": "measured", "blocks": [{"kind": "measured", "steps": "3"}]}', "blocks"),
        ("training: 0.3", "no JSON"),
        ("null", "null"),
    ],
)
def test_what_a_loop_writes_to_the_wire_breaks_its_contract_alone(start, line, named):
    """It is not believed, and the message says what came instead."""
    found = failure(start(f"os.write(results, {line.encode() + bytes([10])!r})"))

    assert FailureKind.BROKEN_CONTRACT == found.kind
    assert named in found.message


def test_a_message_that_never_ends_is_cut_off(start):
    """No memory is filled with it."""
    found = failure(start("while True: os.write(results, b'x' * (1 << 20))"))

    assert (FailureKind.BROKEN_CONTRACT, "a message is longer than 64 MiB") == (found.kind, found.message)


def test_a_message_in_drops_has_no_more_time_than_a_whole_one(start):
    """A deadline per message: each drop used to buy another time-out."""
    found = failure(start("while True:\n    os.write(results, b' ')\n    time.sleep(0.05)", timeout=0.5))

    assert FailureKind.TIMEOUT == found.kind


def test_a_reported_failure_is_told_as_it_was(start):
    """With its phase, for the table."""
    found = failure(
        start(
            """os.write(results, b'{"kind": "failed", "failure": "raised", "phase": "build", '
               b'"message": "ValueError: no", "traceback": "..."}\\n')"""
        )
    )

    assert (FailureKind.RAISED, "build", "ValueError: no") == (found.kind, found.phase, found.message)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("sys.exit(3)", FailureKind.EXITED, "exited with code 3; see log"),
        ("sys.exit('no licence')", FailureKind.EXITED, "exited with code 1: no licence; see log"),
        ("sys.exit('no \\x1b[31mlicence')", FailureKind.EXITED, "exited with code 1: no  [31mlicence; see log"),
        ("import no_such", FailureKind.EXITED, "1: ModuleNotFoundError: No module named 'no_such'; see log"),
        ("print('x' * 9000, end='\\n\\n', flush=True); sys.exit(3)", FailureKind.EXITED, f"3: {'x' * 398}; see log"),
        (
            "os.kill(os.getpid(), 9)",
            FailureKind.KILLED,
            "killed by SIGKILL; the operating system does that when memory",
        ),
    ],
)
def test_a_death_without_words_is_told_by_how_it_came(start, code, kind, words):
    """The log is named, where the last words may stand."""
    found = failure(start(code))

    assert kind == found.kind
    assert words in found.message
    assert "see log" in found.message


def test_a_helper_that_holds_the_pipe_does_not_delay_the_news(start):
    """It used to take the whole time-out to see that the process was dead."""
    begin = time.monotonic()
    process = start(
        "import subprocess\n"
        "subprocess.Popen(['sleep', '50'], pass_fds=[results], start_new_session=True)\n"
        "os.kill(os.getpid(), 9)",
        timeout=40.0,
    )

    found = failure(process)

    assert FailureKind.KILLED == found.kind
    assert time.monotonic() - begin < 20


def test_the_last_words_of_a_process_that_is_gone_are_read(start):
    """It wrote an answer and ended before anybody looked."""
    process = start("""os.write(results, b'{"kind": "measured", "blocks": []}\\n')""")
    time.sleep(1.0)

    assert Measured() == process.receive(Measured)


def test_helpers_end_with_the_process(start, tmp_path):
    """They would compute beside the next measurement; one that has a session of its own as well."""
    process = start(
        "import subprocess\n"
        "helper = subprocess.Popen(['sleep', '50'], start_new_session=True)\n"
        f"open({str(tmp_path / 'helper')!r}, 'w').write(str(helper.pid))\n"
        """os.write(results, b'{"kind": "measured", "blocks": []}\\n')\n"""
        "time.sleep(50)"
    )
    process.receive(Measured)

    process.end()

    assert not psutil.pid_exists(int((tmp_path / "helper").read_text()))
