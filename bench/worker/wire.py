"""One line of JSON per message between the harness and a trial's process, over descriptors of their own.

Frameworks write to stdout and stderr as they like; nothing of that can end up among the results.
"""

import json
import os
from dataclasses import dataclass
from typing import Any, final

from bench.units import Seconds

Message = dict[str, Any]
"""A JSON object; its "kind" says which."""


class ChannelClosed(Exception):
    """The other side is gone: the harness was stopped, so a trial has nobody left to report to."""


@final
class Channel:
    """A trial's end of the two pipes."""

    def __init__(self, *, commands: int, results: int) -> None:
        """Take over two descriptors: commands are read, results are written."""
        self._commands = os.fdopen(commands, "rb")
        self._results = os.fdopen(results, "wb", buffering=0)

    def receive(self) -> Message:
        """Wait, without using the processor, for the next command.

        Raises:
            ChannelClosed: If the harness is gone.
        """
        line = self._commands.readline()
        if not line:
            raise ChannelClosed
        message: Message = json.loads(line)
        return message

    def send(self, message: Message) -> None:
        """Write one message in one piece.

        Raises:
            ChannelClosed: If the harness is gone.
        """
        try:
            self._results.write(json.dumps(message).encode() + b"\n")
        except BrokenPipeError as error:
            raise ChannelClosed from error


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRequest:
    """What the harness asks of a trial; the first command."""

    loop: str
    workload: str
    backend: str
    track: str
    device: str
    batch_size: int
    width: int | None = None
    """Units of each hidden layer; None leaves the workload's own."""
    threads: int | None
    seed: int
    digits: str
    """Folder with the decoded arrays."""
    blocks: int
    """Measured blocks to come, at most."""
    block_seconds: Seconds
    """Aim for the wall time of one block."""
    steps: int | None
    """Measured steps in all, when the user fixed them."""
    cpus: tuple[int, ...] = ()
    """Logical CPUs to stay on from the first step on; empty means any."""
    breakdown: bool = False
    """Whether to find out where the time of a step goes, in place of everything else."""
    images: int = 0
    """How many images to draw after the last step; 0 unless asked for."""
