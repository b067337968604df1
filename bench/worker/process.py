"""A process of ours with a framework in it: two pipes, a log, and a clock for how long to wait."""

import math
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import cast, final

import msgspec

from bench import redaction
from bench.machine.kept import Kept
from bench.records.trial import Failure, FailureKind
from bench.units import Seconds
from bench.worker.log import tidy
from bench.worker.messages import Command, Failed, UnexpectedMessage
from bench.worker.wire import Message, encode, fields_of

READ_AT_ONCE_BYTES = 1 << 20
LONGEST_MESSAGE_BYTES = 64 << 20
"""A trial of the longest run sends far less: a thousand blocks are 200 kB."""
LONGEST_LAST_WORDS_BYTES = 400
"""Of what a process has printed before it died."""
PATIENCE_AFTER_CLOSE: Seconds = 5.0
"""A process that has closed its pipe is about to end; longer than this and it is ended."""


LONGEST_UNWATCHED: Seconds = 1.0
"""Where the end of a process cannot be waited for beside its pipe, it is looked for this often."""


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

        A session of its own keeps the terminal's Ctrl-C from reaching it: the harness decides what ends when. It ends
        with the harness, and what it has started ends with it (`bench.machine.kept`).

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
            self._kept = Kept(
                [interpreter, "-m", module, str(commands_read), str(results_write)],
                environment=environment,
                lifeline=commands_read,
                pass_fds=(commands_read, results_write),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        os.close(commands_read)
        os.close(results_write)
        self.process_id = self._kept.process_id
        self._end_watch = -1
        if sys.platform == "linux":
            with suppress(OSError):  # an older kernel, or a sandbox
                self._end_watch = os.pidfd_open(self._kept.keeper.pid)

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
            if not self._something_said(deadline):
                if self._kept.keeper.poll() is not None:
                    raise self._died()
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

    def _something_said(self, deadline: Seconds) -> bool:
        """Wait until there is something to read; False when the process is gone and all was read, or it is too late.

        The process is watched beside its pipe, whose end a helper of its own may hold open for ever.
        """
        watched = [self._results] if self._end_watch < 0 else [self._results, self._end_watch]
        slice_ = math.inf if self._end_watch >= 0 else LONGEST_UNWATCHED
        while True:
            left = max(0.0, deadline - monotonic())
            readable, _, _ = select.select(watched, [], [], min(left, slice_))
            if self._results in readable:
                return True
            if readable or left == 0.0 or self._kept.keeper.poll() is not None:
                return False

    def kill(self) -> None:
        """End the process and everything it started; whoever waits in `receive` is told that it died."""
        self._kept.keeper.terminate()

    def end(self) -> None:
        """Make sure it is gone and let go of it; allowed more than once."""
        self._kept.end()
        if self._commands >= 0:
            tidy(self._log)
        for descriptor in (self._commands, self._results, self._end_watch):
            if descriptor >= 0:
                os.close(descriptor)
        self._commands = self._results = self._end_watch = -1

    def _fail(self, kind: FailureKind, message: str, *, traceback: str | None = None) -> WorkerFailed:
        """End the process and return the exception to raise."""
        self.end()
        told = redaction.redacted({"phase": self.phase, "message": message, "traceback": traceback})
        return WorkerFailed(Failure(kind=kind, **told))

    def _died(self) -> WorkerFailed:
        """Say how the process ended when it did not say so itself."""
        try:
            code = self._kept.keeper.wait(PATIENCE_AFTER_CLOSE)
        except subprocess.TimeoutExpired:
            return self._fail(FailureKind.EXITED, "the process closed its results and went on running")
        if code < 0:
            name = signal.Signals(-code).name
            hint = "; the operating system does that when memory runs out" if -code == signal.SIGKILL else ""
            return self._fail(FailureKind.KILLED, f"the process was killed by {name}{hint}; see {self._log.name}")
        words = self._last_words()
        return self._fail(FailureKind.EXITED, f"the process exited with code {code}{words}; see {self._log.name}")

    def _last_words(self) -> str:
        """Return the last line that it wrote, behind a colon: what is raised before anything else says why it ended."""
        with self._log.open("rb") as log:
            log.seek(-min(LONGEST_LAST_WORDS_BYTES, log.seek(0, os.SEEK_END)), os.SEEK_END)
            text = log.read().decode(errors="replace")
        lines = ("".join(one if one.isprintable() else " " for one in line).strip() for line in text.split("\n")[::-1])
        return next((f": {line}" for line in lines if line), "")
