"""What else the machine does while a round runs: read before and after it, so that nothing runs beside a trial.

A GPU falls back to idle clocks when its processes end; it is asked when their last block is done and they are alive.
Who else uses the processors is read right before the first block of a party and right after its last one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import final

import psutil

from bench.machine import activity
from bench.machine.readings import read_now
from bench.records.stored_run import AcceleratorState, Conditions


@final
class Look:
    """Is told when the blocks of a party begin and when they are done, and reads the machine then."""

    def __init__(self, accelerators: Callable[[], Iterable[AcceleratorState]]) -> None:
        """Nothing has begun."""
        self._accelerators = accelerators
        self._before: activity.Moment | None = None
        self.stretches: list[tuple[activity.Moment, activity.Moment]] = []
        self.accelerators: list[AcceleratorState] = []

    def begin(self) -> None:
        """Blocks are about to be measured."""
        self._before = activity.read()

    def end(self) -> None:
        """They are done, and their processes are still alive."""
        if self._before is not None:
            self.stretches.append((self._before, activity.read()))
            self._before = None
        self.accelerators.extend(self._accelerators())


@contextmanager
def watched(
    round_number: int,
    *,
    keep: Callable[[Conditions], None],
    accelerators: Callable[[], Iterable[AcceleratorState]] = tuple,
) -> Iterator[Look]:
    """Hand over the conditions of a round when it is done; nothing is kept of one that was interrupted.

    Args:
        round_number: Counted from 0.
        keep: Takes what was seen.
        accelerators: Reads the GPUs that are used.

    Yields:
        Who is to be told when blocks are measured.
    """
    look = Look(accelerators)
    load, before, begin = read_now().load_average, psutil.cpu_times(), monotonic()
    yield look
    after, end = psutil.cpu_times(), monotonic()
    total = sum(after) - sum(before)
    stolen = (after.steal - before.steal) / total if total > 0.0 and hasattr(after, "steal") else None
    seen = activity.together(look.stretches)
    keep(
        Conditions(
            round=round_number,
            load_average=load,
            stolen=stolen,
            seconds=end - begin,
            accelerators=tuple(look.accelerators),
            others=seen.others,
            busy=seen.programs,
        )
    )
