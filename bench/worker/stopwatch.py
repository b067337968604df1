"""Reads the clocks at the edges of a block, with the device idle.

What tells a block's time from what was taken from it (processor time, switches, waiting in the run queue) is read at
the same edges. The run queue is read thread by thread, which takes a fifth of a millisecond and more: long enough for
the other threads of a loop to fall asleep. So nothing slow is read between the blocks of a turn: what all
have waited is told in the end, and shared out by their lengths. Nor right before a run-in, from which JAX' threads have
not recovered a block later: it is read while the process rests, and nothing waits until it is woken. `tools/turns.py`
shows what is left of it.
"""

import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter_ns, process_time_ns
from typing import final

from bench.machine import run_queue
from bench.machine.run_queue import Waited
from bench.records.trial import Block, BlockKind

CLOCK_TICKS_PER_SECOND = 1e9


@dataclass(frozen=True, kw_only=True, slots=True)
class Clocks:
    """What is read at an edge; a test has its own."""

    wall: Callable[[], int] = perf_counter_ns
    """Nanoseconds of a monotonic clock."""
    cpu: Callable[[], int] = process_time_ns
    """Nanoseconds of processor time of all threads."""
    switches: Callable[[], int] = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
    """How often the processor was taken away."""
    waited: Callable[[], Waited | None] = run_queue.read
    """What each thread has waited for a processor; slow."""


@final
class Stopwatch:
    """Times blocks that follow one another: `start`, then `lap` at the end of each, then `stop`.

    Whoever has let the threads go to sleep after a block says so by `rested`, which spares the next `start` a reading.
    """

    def __init__(self, synchronise: Callable[[], None], *, clocks: Clocks | None = None) -> None:
        """Watch a loop.

        Args:
            synchronise: Waits until the device is idle.
            clocks: Read at every edge.
        """
        self._synchronise = synchronise
        self._clocks = clocks or Clocks()
        self._blocks: list[Block] = []
        self._waited_at_rest: Waited | None = None

    def rested(self) -> None:
        """Read ahead what is slow to read; until the next `start` nothing of this process may want a processor."""
        self._waited_at_rest = self._clocks.waited()

    def start(self) -> None:
        """Wait for the device, then read every clock, wall time last."""
        self._synchronise()
        self._blocks = []
        self._waited = self._waited_at_rest or self._clocks.waited()
        self._waited_at_rest = None
        self._switches, self._cpu = self._clocks.switches(), self._clocks.cpu()
        self._wall = self._clocks.wall()

    def lap(self, kind: BlockKind, *, steps: int) -> None:
        """Wait for the device, then end a block and begin the next one at the same moment."""
        self._synchronise()
        wall, cpu, switches = self._clocks.wall(), self._clocks.cpu(), self._clocks.switches()
        self._blocks.append(
            Block(
                kind=kind,
                steps=steps,
                seconds=(wall - self._wall) / CLOCK_TICKS_PER_SECOND,
                started=self._wall / CLOCK_TICKS_PER_SECOND,
                cpu_seconds=(cpu - self._cpu) / CLOCK_TICKS_PER_SECOND,
                involuntary_switches=switches - self._switches,
            )
        )
        self._wall, self._cpu, self._switches = wall, cpu, switches

    def stop(self) -> tuple[Block, ...]:
        """Return all blocks since `start`, each with its share of the waiting."""
        waited = run_queue.between(self._waited, self._clocks.waited())
        whole = sum(block.seconds for block in self._blocks)
        if waited is None or whole == 0.0:  # no clock is finer than the ticks it counts in
            return tuple(self._blocks)
        return tuple(replace(block, waited_seconds=waited * block.seconds / whole) for block in self._blocks)
