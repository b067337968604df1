"""What else the machine does while a round runs: read before and after it, so that nothing runs beside a trial.

A GPU falls back to idle clocks when its processes end; it is asked when their last block is done and they are alive.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

import psutil

from bench.machine.readings import read_now
from bench.records.stored_run import AcceleratorState, Conditions


@contextmanager
def watched(
    round_number: int,
    *,
    keep: Callable[[Conditions], None],
    accelerators: Callable[[], Iterable[AcceleratorState]] = tuple,
) -> Iterator[Callable[[], None]]:
    """Hand over the conditions of a round when it is done; nothing is kept of one that was interrupted.

    Args:
        round_number: Counted from 0.
        keep: Takes what was seen.
        accelerators: Reads the GPUs that are used.

    Yields:
        What to call whenever blocks have been measured and their processes are still alive.
    """
    seen: list[AcceleratorState] = []
    load, before, begin = read_now().load_average, psutil.cpu_times(), monotonic()
    yield lambda: seen.extend(accelerators())
    after, end = psutil.cpu_times(), monotonic()
    total = sum(after) - sum(before)
    stolen = (after.steal - before.steal) / total if total > 0.0 and hasattr(after, "steal") else None
    keep(
        Conditions(
            round=round_number,
            load_average=load,
            stolen=stolen,
            seconds=end - begin,
            accelerators=tuple(seen),
        )
    )
