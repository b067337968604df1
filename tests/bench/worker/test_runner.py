"""What a trial's process imports, and how it lets go of the processor; the rest of it is tested in real processes."""

import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import pytest

from bench.records.trial import BlockKind
from bench.worker import runner
from bench.worker.stopwatch import Stopwatch


def test_a_trial_starts_with_numpy_and_nothing_else_of_others():
    """What a process imports before its clock starts still costs start-up and memory, and may not be there at all."""
    code = "import bench.worker.runner, sys; print(*sorted(name for name in sys.modules if '.' not in name))"

    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "numpy" in started
    assert not {"scipy", "pandas", "matplotlib", "keras", "msgspec", "click", "rich", "psutil"} & set(started)


class Processor:
    """A clock that only sleeping moves, and a process of which one thread spins for a while."""

    def __init__(self, *, spins_for):
        """Begin at zero."""
        self.now, self.spins_for = 0, spins_for

    def sleep(self, seconds):
        """Let time pass."""
        self.now += int(seconds * 1e9)

    def used(self):
        """Return nanoseconds of processor time so far."""
        return min(self.now, int(self.spins_for * 1e9))


@pytest.mark.parametrize(("spins_for", "waited"), [(0.0, 0.01), (0.1, 0.11), (60.0, 0.5)])
def test_a_process_hands_over_when_its_threads_have_gone_to_sleep(monkeypatch, spins_for, waited):
    """OpenBLAS' threads spin for a tenth of a second; one that never stops is not waited for."""
    processor = Processor(spins_for=spins_for)
    monkeypatch.setattr(runner, "sleep", processor.sleep)
    monkeypatch.setattr(runner, "perf_counter_ns", lambda: processor.now)
    monkeypatch.setattr(runner, "process_time_ns", processor.used)

    runner.rest()

    assert pytest.approx(waited) == processor.now / 1e9


class Slow:
    """A loop whose evaluations take as long as they were told to."""

    def __init__(self, clock, *seconds):
        """Take so long, one after another."""
        self.clock, self.seconds, self.evaluated = clock, list(seconds), 0

    def evaluate(self):
        """Find another number each time."""
        self.clock.sleep(self.seconds[self.evaluated])
        self.evaluated += 1
        return 0.1 * self.evaluated

    def synchronise(self):
        """Take a moment."""
        self.clock.sleep(0.25)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [((0.5, 0.125), (0.75, 0.375, {"accuracy": 0.2})), ((2.0, 1.75), (2.25, 2.25, {"accuracy": 0.1}))],
    ids=["quick", "slow"],
)
def test_what_evaluates_slowly_does_so_once(monkeypatch, seconds, expected):
    """Cold and warm where that costs little; the device is waited for."""
    clock = Processor(spins_for=0.0)
    monkeypatch.setattr(runner, "perf_counter_ns", lambda: clock.now)
    workload = SimpleNamespace(metric_name="accuracy")

    assert expected == runner.evaluate(Slow(clock, *seconds), workload=workload)


def test_without_validation_nothing_is_evaluated():
    """There is nothing to say."""
    loop = Slow(Processor(spins_for=0.0))

    assert (None, None, {}) == runner.evaluate(loop, workload=SimpleNamespace(fed=(None, SimpleNamespace(count=0))))
    assert 0 == loop.evaluated


@pytest.fixture
def trial():
    """Return a trial in the middle of its measurement, whose harness asks for nothing."""
    trial = object.__new__(runner.Trial)
    trial.steps, trial.run_in_steps, trial.block_steps = 100, 30, 20
    trial.blocks_left, trial.blocks_per_turn = 5, 3
    return trial


@pytest.fixture
def stopwatch():
    """Return a stopwatch of this machine, for a loop without a device."""
    return Stopwatch(lambda: None)


def handed_out(generator):
    """Return what a generator yields and what it returns in the end."""
    steps = []
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as stop:
            return steps, stop.value


def turn(trial, stopwatch, *, compilations=lambda: 0):
    """Have one turn done, and return what was handed out and measured."""
    return handed_out(trial._turn(stopwatch, compilations=compilations))


def test_a_turn_is_a_run_in_and_the_blocks_behind_it(trial, stopwatch):
    """The loop trains them without a pause; all steps are counted, and only the last ones measured."""
    steps, blocks = turn(trial, stopwatch)

    assert [30, 20, 20, 20] == steps
    assert [BlockKind.RUN_IN, *[BlockKind.MEASURED] * 3] == [block.kind for block in blocks]
    assert steps == [block.steps for block in blocks]
    assert trial.steps == 190
    for before, after in pairwise(blocks):
        assert pytest.approx(before.started + before.seconds, abs=1e-6) == after.started


def test_the_last_turn_has_the_blocks_that_are_left(trial, stopwatch):
    """Five in turns of three are three and two."""
    assert [4, 3] == [len(turn(trial, stopwatch)[0]) for _ in range(2)]


def test_a_turn_without_a_run_in_is_blocks_alone(trial, stopwatch):
    """As where one step takes longer."""
    trial.run_in_steps, trial.blocks_per_turn = 0, 1

    steps, blocks = turn(trial, stopwatch)

    assert [20] == steps
    assert [BlockKind.MEASURED] == [block.kind for block in blocks]
    assert trial.steps == 120


def test_what_is_compiled_belongs_to_the_block_in_which_it_was(trial, stopwatch):
    """In a run-in, too: it costs a user's training as much there."""
    counts = iter([7, 9, 9, 10, 10])

    _, blocks = turn(trial, stopwatch, compilations=lambda: next(counts))

    assert [2, 0, 1, 0] == [block.compilations for block in blocks]


def test_any_other_block_stands_alone(trial, stopwatch):
    """The first call, warm-up and the closing call."""
    steps, block = handed_out(trial._block(BlockKind.CLOSING, steps=7, stopwatch=stopwatch))

    assert [7] == steps
    assert (BlockKind.CLOSING, 7, 107) == (block.kind, block.steps, trial.steps)
