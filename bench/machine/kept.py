"""Processes that end with the harness, whatever ends it, and everything that they have started with them.

    run      as `subprocess.run`: programs that are asked something
    start    as `subprocess.Popen`: a process that is spoken to

`bench.machine.keeper` stands between and does it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import IO, Any

from bench.machine import keeper
from bench.units import Seconds

_SCRIPT = str(Path(keeper.__file__))
PATIENCE: Seconds = keeper.PATIENCE_SECONDS + 5.0
"""A keeper that was asked to end and has not after so long is ended itself."""


class Kept:
    """A process and its keeper, which is what the system knows as our child."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        lifeline: int,
        pass_fds: Sequence[int] = (),
        **streams: Any,
    ) -> None:
        """Start both.

        Args:
            command: Program and arguments.
            environment: Everything that the process sees.
            lifeline: Descriptor whose other end the harness keeps open while the process is to live.
            pass_fds: Descriptors that the process gets beside it.
            streams: `stdin`, `stdout`, `stderr`, `cwd`, as of `subprocess.Popen`.

        Raises:
            FileNotFoundError: If there is no such program.
        """
        if which(command[0], path=environment.get("PATH")) is None:
            raise FileNotFoundError(2, "no such program", command[0])
        told, tell = os.pipe()
        try:
            self.keeper = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", _SCRIPT, str(lifeline), str(tell)),
                    json.dumps([number for number in pass_fds if number != lifeline]),
                    json.dumps(list(command)),
                ],
                env=dict(environment),
                pass_fds=(*{*pass_fds, lifeline}, tell),
                start_new_session=True,
                **streams,
            )
            os.close(tell)
            tell = -1
            with os.fdopen(told, "rb", closefd=False) as answer:
                self.process_id = int(answer.readline() or self.keeper.pid)
        finally:
            os.close(told)
            if tell >= 0:
                os.close(tell)

    def end(self) -> int:
        """End the process and everything that it started, and return how it ended; allowed more than once."""
        if self.keeper.poll() is None:
            self.keeper.terminate()
            try:
                self.keeper.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.keeper.kill()  # the process dies with it
        return self.keeper.wait()


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout: Seconds | None = None,
    text: str | None = None,
    folder: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return what it printed.

    Args:
        command: Program and arguments.
        environment: Everything that it sees.
        timeout: Longest wait.
        text: What it reads on stdin; None is nothing.
        folder: Where it runs; None is here.
        pass_fds: Descriptors that it gets.

    Raises:
        FileNotFoundError: If there is no such program.
        subprocess.TimeoutExpired: If it took longer; it is gone then.
    """
    lifeline, held = os.pipe()
    stdin: int | IO[bytes] = subprocess.DEVNULL if text is None else subprocess.PIPE
    streams = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": folder}
    try:
        kept = Kept(command, environment=environment, lifeline=lifeline, pass_fds=pass_fds, **streams)
        try:
            said, complained = kept.keeper.communicate(None if text is None else text.encode(), timeout=timeout)
        finally:
            kept.end()
            for stream in (kept.keeper.stdin, kept.keeper.stdout, kept.keeper.stderr):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
    finally:
        os.close(lifeline)
        os.close(held)
    return subprocess.CompletedProcess(list(command), kept.keeper.returncode, said, complained)
