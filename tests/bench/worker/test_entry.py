"""A trial's process as the operating system sees it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

INTERRUPT = 1 << (signal.SIGINT - 1)


def ignored_signals(process_id):
    """Return the mask of signals that a process ignores, as Linux tells it."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("SigIgn:"))


@pytest.fixture
def start():
    """Return a function that starts a module that is to wait for its first command, SIGINT ignored from the outset."""
    commands_read, commands = os.pipe()
    results, results_write = os.pipe()
    started = []

    def begin(module):
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(commands_read), str(results_write)],
            pass_fds=(commands_read, results_write),
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - no other thread
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
    for descriptor in (commands_read, commands, results, results_write):
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which signals a process ignores")
@pytest.mark.parametrize("module", ["bench.worker.entry", "bench.verify.child"])
def test_a_process_with_a_framework_takes_interrupts_whatever_the_harness_ignores(start, module):
    """A loop may have helpers that end by SIGINT; started by a script with `&`, all of them would ignore it."""
    process = start(module)
    deadline = time.monotonic() + 30.0

    while ignored_signals(process.pid) & INTERRUPT:
        assert time.monotonic() < deadline, "it goes on ignoring SIGINT"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)

    assert -signal.SIGINT == process.wait(30.0)
