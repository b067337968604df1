"""Blocks of a process that is profiled, with a framework that writes down what it is asked."""

from contextlib import contextmanager

import pytest

from bench.records.trial import Block, BlockKind
from bench.worker import profiling
from bench.worker.messages import Finish, Profile, Profiled


class Framework:
    """Records nothing and says what it was asked to."""

    def __init__(self, *, problem=None):
        """Nothing was asked yet."""
        self.problem, self.asked, self.names = problem, [], []

    def start_trace(self, folder):
        """Begin, or say why not."""
        self.asked.append(("start", folder.name))
        return self.problem

    def stop_trace(self, folder):
        """End."""
        self.asked.append(("stop", folder.name))
        return folder / "trace.json.gz"

    @contextmanager
    def annotate(self, name):
        """Write the name down."""
        self.names.append(name)
        yield


class Wire:
    """Says these commands and keeps the answers."""

    def __init__(self, *commands):
        """Nothing was said yet."""
        self.commands, self.answers = list(commands), []

    def receive(self, *_):
        """Say the next one."""
        return self.commands.pop(0)

    def send(self, message):
        """Keep it."""
        self.answers.append(message)


def block(kind, steps):
    """Hand out the steps, and say that each took two milliseconds."""
    yield steps
    return Block(kind=kind, steps=steps, seconds=0.002 * steps, started=0.0, cpu_seconds=0.0, involuntary_switches=0)


@pytest.fixture
def profiled():
    """Return a function: framework and commands -> steps that the loop was asked for, and the answers."""

    def profiled(framework, *commands, parts=None, steps_per_call=1):
        wire = Wire(*commands, Finish())
        steps = profiling.blocks(
            wire,
            block=block,
            backend=framework,
            parts=parts or profiling.NamedParts(framework.annotate),
            step_seconds=0.002,
            steps_per_call=steps_per_call,
        )
        return list(steps), wire.answers

    return profiled


def test_a_block_without_a_profiler_is_only_timed(profiled):
    """To see what a profiler costs."""
    framework = Framework()

    steps, (answer,) = profiled(framework, Profile(seconds=0.5))

    assert ([250], []) == (steps, framework.asked)
    assert (250, BlockKind.MEASURED, None, None) == (
        answer.block.steps,
        answer.block.kind,
        answer.trace,
        answer.problem,
    )


def test_a_block_under_the_profiler_names_its_trace(profiled, tmp_path):
    """Of so many steps at most: a trace of more says nothing more."""
    framework = Framework()

    steps, (answer,) = profiled(framework, Profile(seconds=60.0, folder=str(tmp_path / "one")))

    assert [profiling.MOST_TRACED_STEPS] == steps
    assert [("start", "one"), ("stop", "one")] == framework.asked
    assert str(tmp_path / "one" / "trace.json.gz") == answer.trace


def test_a_profiler_that_cannot_record_says_why_and_the_steps_go_on(profiled, tmp_path):
    """Nobody ends what was not begun."""
    framework = Framework(problem="another profiler is at work")

    steps, (answer,) = profiled(framework, Profile(seconds=0.01, folder=str(tmp_path)))

    assert ([5], [("start", tmp_path.name)]) == (steps, framework.asked)
    assert (None, "another profiler is at work") == (answer.trace, answer.problem)


def test_steps_are_whole_calls(profiled):
    """Of a loop that does a hundred in one, at least one."""
    steps, answers = profiled(Framework(), Profile(seconds=0.05), Profile(seconds=0.5), steps_per_call=100)

    assert [100, 200] == steps
    assert [Profiled] * 2 == [type(answer) for answer in answers]


class Engine:
    """Has a part that is called."""

    def __init__(self):
        """Nothing was done."""
        self.done = []

    def forward(self, value, *, scale=1):
        """Do it."""
        self.done.append(value * scale)
        return value * scale


def test_a_part_is_named_only_while_a_trace_is_recorded():
    """Its answer is the same, and it is done once either way."""
    framework, engine = Framework(), Engine()
    parts = profiling.NamedParts(framework.annotate)
    parts.name({"forward": ((engine, "forward"),)})

    quiet = engine.forward(2, scale=3)
    parts.recording = True
    named = engine.forward(4)

    assert (6, 4, [6, 4], ["bench: forward"]) == (quiet, named, engine.done, framework.names)


def test_a_part_that_is_named_twice_has_one_name():
    """A step is named before the loop looks it up, and asked for again with its parts."""
    framework, engine = Framework(), Engine()
    parts = profiling.NamedParts(framework.annotate)
    for _ in range(2):
        parts.name({"forward": ((engine, "forward"),)})
    parts.recording = True

    engine.forward(1)

    assert ["bench: forward"] == framework.names


def test_a_part_that_python_looks_up_in_a_class_is_named_there():
    """As `model(x)` is."""

    class Model:
        def __call__(self, value):
            """Double it."""
            return 2 * value

    framework = Framework()
    parts = profiling.NamedParts(framework.annotate)
    parts.name({"forward": ((Model, "__call__"),)})
    parts.recording = True

    assert (6, ["bench: forward"]) == (Model()(3), framework.names)
