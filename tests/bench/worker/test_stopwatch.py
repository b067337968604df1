"""What is read at the edges of blocks, in which order, and what it makes of them: clocks that tests set."""

from collections.abc import Callable

import pytest

from bench.records.trial import BlockKind
from bench.worker.stopwatch import Clocks, Stopwatch


class Machine:
    """A machine whose clocks say what a test wants, and that remembers what it was asked."""

    def __init__(self):
        """All clocks at zero."""
        self.asked = []
        self.now = dict.fromkeys(("wall", "cpu", "switches", "waited"), 0)

    def works(self, *, wall, cpu=0, switches=0, waited=0):
        """Let time pass: milliseconds, and how often the processor was taken away."""
        for name, value in {"wall": wall * 1e6, "cpu": cpu * 1e6, "switches": switches, "waited": waited * 1e6}.items():
            self.now[name] += int(value)

    def read(self, name: str) -> Callable[[], int]:
        """Return what reads one clock."""

        def read():
            self.asked.append(name)
            return self.now[name]

        return read


@pytest.fixture
def machine():
    """Return a machine."""
    return Machine()


@pytest.fixture
def stopwatch(machine):
    """Return a stopwatch on it, of a loop with one thread."""
    clocks = Clocks(
        wall=machine.read("wall"),
        cpu=machine.read("cpu"),
        switches=machine.read("switches"),
        waited=lambda: {"7": machine.read("waited")()},
    )
    return Stopwatch(lambda: machine.asked.append("device"), clocks=clocks)


def test_a_block_is_what_passed_on_every_clock(machine, stopwatch):
    """Wall time, processor time, switches and waiting."""
    machine.works(wall=500.0)
    stopwatch.start()
    machine.works(wall=40.0, cpu=60.0, switches=3, waited=2.0)
    stopwatch.lap(BlockKind.MEASURED, steps=8)
    (block,) = stopwatch.stop()

    assert (BlockKind.MEASURED, 8, 3) == (block.kind, block.steps, block.involuntary_switches)
    assert pytest.approx((0.5, 0.04, 0.06, 0.002)) == (
        block.started,
        block.seconds,
        block.cpu_seconds,
        block.waited_seconds,
    )


def test_wall_time_is_read_last_before_a_block_and_first_behind_it(machine, stopwatch):
    """So that no other reading is inside; and the device has nothing left to do at either edge."""
    stopwatch.start()
    assert ["device", "waited", "switches", "cpu", "wall"] == machine.asked

    machine.asked.clear()
    stopwatch.lap(BlockKind.MEASURED, steps=1)
    stopwatch.stop()
    assert ["device", "wall", "cpu", "switches", "waited"] == machine.asked


def test_nothing_slow_is_read_between_a_run_in_and_its_block(machine, stopwatch):
    """Threads that look for work fall asleep meanwhile, and the block would begin with a loop that has paused."""
    stopwatch.start()
    machine.asked.clear()
    stopwatch.lap(BlockKind.RUN_IN, steps=3)

    assert ["device", "wall", "cpu", "switches"] == machine.asked


def test_what_is_slow_is_read_while_the_process_rests(machine, stopwatch):
    """And what it waited until then is not the next block's."""
    stopwatch.start()
    machine.works(wall=10.0, waited=9.0)
    stopwatch.lap(BlockKind.MEASURED, steps=1)
    stopwatch.stop()
    machine.works(wall=100.0, waited=50.0)  # threads that look for work
    stopwatch.rested()
    machine.asked.clear()

    stopwatch.start()
    begun = list(machine.asked)
    machine.works(wall=40.0, waited=2.0)
    stopwatch.lap(BlockKind.MEASURED, steps=8)
    (block,) = stopwatch.stop()

    assert ["device", "switches", "cpu", "wall"] == begun
    assert pytest.approx(0.002) == block.waited_seconds


def test_a_rest_is_good_for_one_start(machine, stopwatch):
    """The next one has to look for itself."""
    stopwatch.rested()
    for _ in range(2):
        machine.asked.clear()
        stopwatch.start()

    assert "waited" in machine.asked


def test_a_block_begins_when_its_run_in_ends(machine, stopwatch):
    """At the same reading of the clock."""
    stopwatch.start()
    machine.works(wall=60.0, cpu=50.0, switches=1)
    stopwatch.lap(BlockKind.RUN_IN, steps=3)
    machine.works(wall=40.0, cpu=30.0)
    stopwatch.lap(BlockKind.MEASURED, steps=2)
    run_in, block = stopwatch.stop()

    assert (BlockKind.RUN_IN, BlockKind.MEASURED) == (run_in.kind, block.kind)
    assert (3, 2, 1, 0) == (run_in.steps, block.steps, run_in.involuntary_switches, block.involuntary_switches)
    assert pytest.approx((0.06, 0.04)) == (run_in.seconds, block.seconds)
    assert pytest.approx(run_in.started + run_in.seconds) == block.started
    assert pytest.approx((0.05, 0.03)) == (run_in.cpu_seconds, block.cpu_seconds)


def test_waiting_is_shared_out_by_length(machine, stopwatch):
    """Nobody looked in between: 10 ms in 60 and 40 are 6 and 4, and all of them are told."""
    stopwatch.start()
    machine.works(wall=60.0)
    stopwatch.lap(BlockKind.RUN_IN, steps=3)
    machine.works(wall=40.0, waited=10.0)
    stopwatch.lap(BlockKind.MEASURED, steps=2)
    blocks = stopwatch.stop()

    assert pytest.approx([0.006, 0.004]) == [block.waited_seconds for block in blocks]


def test_a_stopwatch_starts_anew(machine, stopwatch):
    """Blocks of an earlier turn are not told again."""
    for _ in range(2):
        stopwatch.start()
        machine.works(wall=10.0, waited=1.0)
        stopwatch.lap(BlockKind.RUN_IN, steps=1)
        machine.works(wall=10.0)
        stopwatch.lap(BlockKind.MEASURED, steps=1)
        blocks = stopwatch.stop()

    assert 2 == len(blocks)
    assert pytest.approx(0.001) == sum(block.waited_seconds for block in blocks)


def test_where_the_system_does_not_count_waiting_none_is_told(machine):
    """None is not 0."""
    clocks = Clocks(wall=machine.read("wall"), waited=lambda: None)
    stopwatch = Stopwatch(lambda: None, clocks=clocks)
    stopwatch.start()
    machine.works(wall=10.0)
    stopwatch.lap(BlockKind.MEASURED, steps=1)
    (block,) = stopwatch.stop()

    assert block.waited_seconds is None


def test_the_clocks_of_this_machine_move_forward():
    """Real ones: what was read later is not less, and the block took some time."""
    stopwatch = Stopwatch(lambda: None)
    stopwatch.start()
    sum(range(100_000))
    stopwatch.lap(BlockKind.MEASURED, steps=1)
    (block,) = stopwatch.stop()

    assert block.seconds > 0.0
    assert block.cpu_seconds >= 0.0
    assert block.involuntary_switches >= 0
    assert block.waited_seconds is None or block.waited_seconds >= 0.0
