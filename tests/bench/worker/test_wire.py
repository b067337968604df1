"""What goes over the wire arrives as it was sent, and anything else is named."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import msgspec
import pytest

from bench.records.trial import Block, BlockKind, FailureKind
from bench.worker.messages import Answer, Command, Failed, Finish, Measure, Measured, UnexpectedMessage, Warm
from bench.worker.wire import Channel, ChannelClosed, encode, fields_of

BLOCK = Block(kind=BlockKind.MEASURED, steps=3, seconds=0.04, started=1.5, cpu_seconds=0.05, involuntary_switches=1)


@pytest.fixture
def pipes():
    """Return a trial's channel and the harness' two descriptors: to write commands, to read answers."""
    commands_read, commands = os.pipe()
    results, results_write = os.pipe()
    channel = Channel(commands=commands_read, results=results_write)
    yield channel, commands, results
    channel._commands.close()
    channel._results.close()
    for descriptor in (commands, results):
        with suppress(OSError):  # a test has closed it
            os.close(descriptor)


def test_a_command_arrives_as_the_type_that_was_sent(pipes):
    """The worker waits for either of two and knows which it got."""
    channel, commands, _ = pipes

    os.write(commands, encode(Measure()) + encode(Finish()))

    assert [Measure(), Finish()] == [channel.receive(Measure, Finish), channel.receive(Measure, Finish)]


def test_a_command_that_nobody_waits_for_is_an_error_that_names_it(pipes):
    """Once, any word but "measure" ended the measurement in silence."""
    channel, commands, _ = pipes

    os.write(commands, b'{"kind": "pause"}\n')

    with pytest.raises(UnexpectedMessage, match="expected 'measure' or 'finish', got 'pause'"):
        channel.receive(Measure, Finish)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b'{"kind": "warm", "steps": 3}', "'warm' has no field 'steps'"),
        (b"[1, 2]", r"\[1, 2\]"),
        (b"warm", "no JSON"),
        (b'{"warm": 1}', "got 'None'"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no JSON"),
    ],
)
def test_what_is_no_message_is_named(line, named):
    """Whoever writes to a descriptor that it found open ends that loop and nothing else."""
    with pytest.raises(UnexpectedMessage, match=named):
        fields_of(line, expected=Warm)


def test_a_field_that_is_missing_is_named(pipes):
    """A harness and a worker of different versions must not guess."""
    channel, commands, _ = pipes

    os.write(commands, b'{"kind": "failed", "phase": "build"}\n')

    with pytest.raises(UnexpectedMessage, match="traceback"):
        channel.receive(Failed)


def test_a_closed_harness_is_not_an_empty_command(pipes):
    """The trial has nobody left to report to."""
    channel, commands, _ = pipes
    os.close(commands)

    with pytest.raises(ChannelClosed):
        channel.receive(Warm)


def test_an_answer_keeps_every_field_of_its_block(pipes):
    """Times are floats, the kind of a block is its word."""
    channel, _, results = pipes

    channel.send(Measured(blocks=(BLOCK,)))

    said = json.loads(os.read(results, 1 << 16))
    (block,) = said["blocks"]
    assert ("measured", "measured", 3, 0.04) == (said["kind"], *(block[f] for f in ("kind", "steps", "seconds")))


def test_half_of_a_surrogate_pair_does_not_stop_the_message(pipes):
    """An exception's text may hold one; the journal is UTF-8."""
    channel, _, results = pipes

    channel.send(Failed(failure=FailureKind.RAISED, phase="build", message="\ud800", traceback=""))

    assert "?" == json.loads(os.read(results, 1 << 16))["message"]


def example(kind):
    """Return a value of a type, each time the same; not None where something else is possible."""
    kind = get_args(kind)[0] if isinstance(kind, UnionType) else kind
    if get_origin(kind) is tuple:
        return (example(get_args(kind)[0]),)
    if get_origin(kind) is dict:
        return {"key": example(get_args(kind)[1])}
    if is_dataclass(kind):
        return kind(**{field.name: example(get_type_hints(kind)[field.name]) for field in fields(kind)})
    if issubclass(kind, StrEnum):
        return next(iter(kind))
    return {str: 'a "b"\n\u2265', int: 7, float: 0.1, bool: True}[kind]


@pytest.mark.parametrize("kind", get_args(Command), ids=lambda kind: kind.kind)
def test_every_command_is_read_by_a_trial_as_the_harness_sent_it(pipes, kind):
    """A trial has the standard library alone, so lists stay lists; names and numbers are the same."""
    channel, commands, _ = pipes
    sent = example(kind)

    os.write(commands, encode(sent))

    assert json.loads(json.dumps(asdict(sent))) == json.loads(json.dumps(asdict(channel.receive(kind))))


@pytest.mark.parametrize("kind", get_args(Answer), ids=lambda kind: kind.kind)
def test_every_answer_is_read_by_the_harness_as_a_trial_sent_it(pipes, kind):
    """To the last digit and with the types that the journal stores, as `WorkerProcess.receive` reads it."""
    channel, _, results = pipes
    sent = example(kind)

    channel.send(sent)

    found, values = fields_of(os.read(results, 1 << 16), expected=(Measured, kind))
    assert sent == msgspec.convert(values, found)


def test_no_two_messages_have_one_name():
    """A name is all that tells them apart."""
    names = [kind.kind for kind in (*get_args(Command), *get_args(Answer))]

    assert len(names) == len(set(names))
