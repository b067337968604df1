"""One line of JSON per message between the harness and a trial's process, over descriptors of their own.

Frameworks write to stdout and stderr as they like; nothing of that can end up among the results.
"""

import json
import os
from typing import Any, final

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
