"""A process of ours with a framework in it: two pipes, a log, and a clock for how long to wait."""

import os
import select
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import cast, final

import msgspec

from bench import redaction
from bench.records.trial import Failure, FailureKind
from bench.units import Seconds
from bench.worker.log import tidy
from bench.worker.messages import Command, Failed, UnexpectedMessage
from bench.worker.wire import Message, encode, fields_of

READ_AT_ONCE_BYTES = 1 << 20
LONGEST_MESSAGE_BYTES = 64 << 20
"""A trial of the longest run sends far less: a thousand blocks are 200 kB."""
PATIENCE_AFTER_CLOSE: Seconds = 5.0
"""A process that has closed its pipe is about to end; longer than this and it is ended."""


class WorkerFailed(Exception):
    """The process reported a failure, died or took too long; it is gone."""

    def __init__(self, failure: Failure) -> None:
        """Keep what went wrong."""
        super().__init__(failure.message)
        self.failure = failure


@final
class WorkerProcess:
    """Whatever waits blocks in `select`, so the harness uses no processor meanwhile."""

    def __init__(
        self, module: str, *, interpreter: str, environment: Mapping[str, str], log: Path, timeout: Seconds
    ) -> None:
        """Start the process.

        A group of its own keeps the terminal's Ctrl-C from reaching it: the harness decides what ends when.

        Args:
            module: What to run, as `python -m MODULE COMMANDS RESULTS` with two descriptors.
            interpreter: Python that has the framework.
            environment: Everything the process sees.
            log: File for its stdout and stderr.
            timeout: Longest wait for any one answer.
        """
        self.phase = "start"
        self._timeout = timeout
        self._log = log
        self._buffer = bytearray()
        commands_read, self._commands = os.pipe()
        self._results, results_write = os.pipe()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [interpreter, "-m", module, str(commands_read), str(results_write)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                pass_fds=(commands_read, results_write),
                start_new_session=True,
            )
        os.close(commands_read)
        os.close(results_write)
        self.process_id = self._process.pid

    def send(self, command: Command) -> None:
        """Write one command."""
        with suppress(BrokenPipeError):  # it died; the next `receive` reads its last words
            os.write(self._commands, encode(command))

    def receive(self, expected: type[Message]) -> Message:
        """Wait for one message, all of it within the time-out, and return it.

        Raises:
            WorkerFailed: If the process reports a failure, dies, takes too long or says something else.
        """
        line = self._line()
        try:
            found, values = fields_of(line, expected=(expected, Failed))
            message = msgspec.convert(values, found)
        except (UnexpectedMessage, msgspec.ValidationError) as error:
            raise self._fail(FailureKind.BROKEN_CONTRACT, str(error)) from error
        if isinstance(message, Failed):
            self.phase = message.phase
            raise self._fail(message.failure, message.message, traceback=message.traceback)
        return cast("Message", message)

    def _line(self) -> bytes:
        """Wait for one line.

        Raises:
            WorkerFailed: If the process dies, takes too long or says too much.
        """
        deadline = monotonic() + self._timeout
        while b"\n" not in self._buffer:
            readable, _, _ = select.select([self._results], [], [], max(0.0, deadline - monotonic()))
            if not readable:
                raise self._fail(
                    FailureKind.TIMEOUT, f"nothing happened for {self._timeout:g} s; allow more with --timeout"
                )
            chunk = os.read(self._results, READ_AT_ONCE_BYTES)
            if not chunk:
                raise self._died()
            self._buffer += chunk
            if len(self._buffer) > LONGEST_MESSAGE_BYTES:
                raise self._fail(
                    FailureKind.BROKEN_CONTRACT, f"a message is longer than {LONGEST_MESSAGE_BYTES >> 20} MiB"
                )
        line, _, self._buffer = self._buffer.partition(b"\n")
        return bytes(line)

    def kill(self) -> None:
        """End the process and everything it started; whoever waits in `receive` is told that it died."""
        with suppress(ProcessLookupError):  # already gone
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Make sure it is gone and let go of it; allowed more than once."""
        self.kill()
        self._process.wait()
        if self._commands >= 0:
            tidy(self._log)
        for descriptor in (self._commands, self._results):
            if descriptor >= 0:
                os.close(descriptor)
        self._commands = self._results = -1

    def _fail(self, kind: FailureKind, message: str, *, traceback: str | None = None) -> WorkerFailed:
        """End the process and return the exception to raise."""
        self.end()
        told = redaction.redacted({"phase": self.phase, "message": message, "traceback": traceback})
        return WorkerFailed(Failure(kind=kind, **told))

    def _died(self) -> WorkerFailed:
        """Say how the process ended when it did not say so itself."""
        try:
            code = self._process.wait(PATIENCE_AFTER_CLOSE)
        except subprocess.TimeoutExpired:
            return self._fail(FailureKind.EXITED, "the process closed its results and went on running")
        if code < 0:
            name = signal.Signals(-code).name
            hint = "; the operating system does that when memory runs out" if -code == signal.SIGKILL else ""
            return self._fail(FailureKind.KILLED, f"the process was killed by {name}{hint}; see {self._log.name}")
        return self._fail(FailureKind.EXITED, f"the process exited with code {code}; see {self._log.name}")
