"""One line of JSON per message between the harness and a trial's process, over descriptors of their own.

Frameworks write to stdout and stderr as they like; nothing of that can end up among the results. The messages
themselves stand in `bench.worker.messages`; this end checks their names and fields, the harness' end
(`bench.worker.process`) their types as well, since nothing but the standard library can be counted on here.
"""

import json
import os
from dataclasses import asdict, fields
from typing import Any, TypeVar, final

from bench.worker.messages import Answer, Command, UnexpectedMessage

Message = TypeVar("Message", bound=Command | Answer)


class ChannelClosed(Exception):
    """The other side is gone: the harness was stopped, so a trial has nobody left to report to."""


def encode(message: Command | Answer) -> bytes:
    """Return a message as one line; what is no character, such as half of a surrogate pair, becomes "?"."""
    text = json.dumps({"kind": message.kind, **asdict(message)}, ensure_ascii=False)
    return text.encode("utf-8", "replace") + b"\n"


def fields_of(
    line: bytes, *, expected: type[Message] | tuple[type[Message], ...]
) -> tuple[type[Message], dict[str, Any]]:
    """Read a line that should hold one of the expected messages, and return which, with its fields.

    Raises:
        UnexpectedMessage: If it is no message, another one, or has a field that is unknown; names what came.
    """
    types = expected if isinstance(expected, tuple) else (expected,)
    wanted = " or ".join(f"'{one.kind}'" for one in types)
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnexpectedMessage(f"expected {wanted}, got what is no JSON: {line[:60]!r}") from error
    if not isinstance(said, dict):
        raise UnexpectedMessage(f"expected {wanted}, got {line[:60]!r}")
    kind = said.pop("kind", None)
    found = next((one for one in types if one.kind == kind), None)
    if found is None:
        raise UnexpectedMessage(f"expected {wanted}, got {str(kind)[:60]!r}")
    unknown = sorted(said.keys() - {field.name for field in fields(found)})
    if unknown:
        raise UnexpectedMessage(f"'{found.kind}' has no field '{unknown[0][:60]}'")
    return found, said


@final
class Channel:
    """A trial's end of the two pipes."""

    def __init__(self, *, commands: int, results: int) -> None:
        """Take over two descriptors: commands are read, results are written."""
        self._commands = os.fdopen(commands, "rb")
        self._results = os.fdopen(results, "wb", buffering=0)

    def receive(self, *expected: type[Message]) -> Message:
        """Wait, without using the processor, for the next command, which is one of these.

        Raises:
            ChannelClosed: If the harness is gone.
            UnexpectedMessage: If the harness says something else.
        """
        line = self._commands.readline()
        if not line:
            raise ChannelClosed
        message, values = fields_of(line, expected=expected)
        try:
            return message(**values)
        except TypeError as error:  # a field is missing, which the message names
            raise UnexpectedMessage(f"'{message.kind}': {error}") from error

    def send(self, message: Answer) -> None:
        """Write one message.

        Raises:
            ChannelClosed: If the harness is gone.
        """
        line = memoryview(encode(message))
        try:
            while line:
                line = line[self._results.write(line) :]
        except BrokenPipeError as error:
            raise ChannelClosed from error
