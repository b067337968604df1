"""The harness' end of one trial: a process, two pipes, a log, and a clock for how long to wait."""

import json
import os
import select
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

import msgspec

from bench.channel import Message
from bench.records import Cell, Failure, FailureKind, Seconds, Trial
from bench.worker import TrialRequest

LONGEST_MESSAGE_BYTES = 1 << 20
PATIENCE_AFTER_CLOSE: Seconds = 5.0
"""A process that has closed its pipe is about to end; longer than this and it is ended."""


class TrialFailed(Exception):
    """A trial ended without numbers; carries the row that is stored for it."""

    def __init__(self, trial: Trial) -> None:
        """Keep the row."""
        super().__init__(str(trial.failure))
        self.trial = trial


@final
class TrialProcess:
    """One running trial. Every method that waits blocks in `select`, so the harness uses no processor meanwhile."""

    def __init__(
        self,
        request: TrialRequest,
        *,
        cell: Cell,
        round_number: int,
        identity: Mapping[str, str],
        interpreter: str,
        environment: Mapping[str, str],
        log: Path,
        timeout: Seconds,
    ) -> None:
        """Start the process and send it the request.

        Args:
            request: What to measure.
            cell: The same, as it is stored.
            round_number: Counted from 0.
            identity: `loop_sha256` and `workload_sha256`, stored with the numbers.
            interpreter: Python that has the framework.
            environment: Everything the process sees.
            log: File for its stdout and stderr.
            timeout: Longest wait for any one phase.
        """
        self.cell = cell
        self._timeout = timeout
        self._log = log
        self._fields: dict[str, Any] = {"cell": asdict(cell), "round": round_number, "blocks": [], **identity}
        self._phase = "start"
        self._buffer = b""
        self._process, self._commands, self._results = _start(interpreter, environment=environment, log=log)
        self._fields["process_id"] = self._process.pid
        self._send(asdict(request))

    def ready(self) -> None:
        """Wait until everything is imported and built."""
        self._phase = "build"
        self._take(self._receive("ready"))

    def warm(self) -> None:
        """Have the first step and the warm-up done."""
        self._phase = "warm-up"
        self._send({"kind": "warm"})
        self._take(self._receive("warmed"))

    def measure(self) -> None:
        """Have one block done."""
        self._phase = "measure"
        self._send({"kind": "measure"})
        self._take(self._receive("measured"))

    def finish(self) -> Trial:
        """Have the trial evaluated, let the process go, and return its row."""
        self._phase = "finish"
        self._send({"kind": "finish"})
        self._take(self._receive("closed"))
        self._phase = "evaluate"
        self._take(self._receive("finished"))
        self.end()
        return self._row()

    def end(self) -> None:
        """Make sure the process and everything it started are gone."""
        with suppress(ProcessLookupError):  # already gone
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor in (self._commands, self._results):
            if descriptor >= 0:
                os.close(descriptor)
        self._commands = self._results = -1

    def _send(self, message: Message) -> None:
        """Write one command."""
        with suppress(BrokenPipeError):  # it died; the next `_receive` reads its last words
            os.write(self._commands, json.dumps(message).encode() + b"\n")

    def _receive(self, kind: str) -> Message:
        """Wait for one message.

        Raises:
            TrialFailed: If the trial reports a failure, dies or takes too long.
        """
        while b"\n" not in self._buffer:
            readable, _, _ = select.select([self._results], [], [], self._timeout)
            if not readable:
                raise self._failed(
                    FailureKind.TIMEOUT, f"nothing happened for {self._timeout:g} s; allow more with --timeout"
                )
            chunk = os.read(self._results, LONGEST_MESSAGE_BYTES)
            if not chunk:
                raise self._died()
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: Message = json.loads(line)
        if message["kind"] == "failed":
            self._phase = message["phase"]
            raise self._failed(FailureKind(message["failure"]), message["message"], traceback=message["traceback"])
        if message["kind"] != kind:
            raise self._failed(FailureKind.BROKEN_CONTRACT, f"expected '{kind}', got '{message['kind']}'")
        return message

    def _take(self, message: Message) -> None:
        """Keep what a message says; its keys are fields of `Trial`."""
        del message["kind"]
        self._fields["blocks"] += message.pop("blocks", [])
        if "block" in message:
            self._fields["blocks"].append(message.pop("block"))
        self._fields |= message

    def _row(self, failure: Failure | None = None) -> Trial:
        """Return what is known so far as a typed row."""
        return msgspec.convert(self._fields | {"failure": failure and asdict(failure)}, Trial)

    def _failed(self, kind: FailureKind, message: str, *, traceback: str | None = None) -> TrialFailed:
        """End the process and return the exception to raise."""
        self.end()
        return TrialFailed(self._row(Failure(kind=kind, phase=self._phase, message=message, traceback=traceback)))

    def _died(self) -> TrialFailed:
        """Say how the process ended when it did not say so itself."""
        try:
            code = self._process.wait(PATIENCE_AFTER_CLOSE)
        except subprocess.TimeoutExpired:
            return self._failed(FailureKind.EXITED, "the process closed its results and went on running")
        if code < 0:
            name = signal.Signals(-code).name
            hint = "; the operating system does that when memory runs out" if -code == signal.SIGKILL else ""
            return self._failed(FailureKind.KILLED, f"the process was killed by {name}{hint}; see {self._log.name}")
        return self._failed(FailureKind.EXITED, f"the process exited with code {code}; see {self._log.name}")


def _start(interpreter: str, *, environment: Mapping[str, str], log: Path) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start a worker in a process group of its own; return it with our ends of the two pipes.

    A group of its own keeps the terminal's Ctrl-C from reaching it: the harness decides what ends when.
    """
    commands_read, commands_write = os.pipe()
    results_read, results_write = os.pipe()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [interpreter, "-m", "bench.worker", str(commands_read), str(results_write)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            pass_fds=(commands_read, results_write),
            start_new_session=True,
        )
    os.close(commands_read)
    os.close(results_write)
    return process, commands_write, results_read
