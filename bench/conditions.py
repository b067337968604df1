"""What else the machine does while a round runs: read before and after it, so that nothing runs beside a trial."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import psutil

from bench.machine import read_now
from bench.records import Conditions


@contextmanager
def watched(round_number: int, *, keep: Callable[[Conditions], None]) -> Iterator[None]:
    """Hand over the conditions of a round when it is done; nothing is kept of one that was interrupted.

    Args:
        round_number: Counted from 0.
        keep: Takes what was seen.
    """
    load, before, begin = read_now().load_average, psutil.cpu_times(), monotonic()
    yield
    after, end = psutil.cpu_times(), monotonic()
    total = sum(after) - sum(before)
    stolen = (after.steal - before.steal) / total if total > 0.0 and hasattr(after, "steal") else None
    keep(Conditions(round=round_number, load_average=load, stolen=stolen, seconds=end - begin))
