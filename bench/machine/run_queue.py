"""How long the threads of this process were ready to run and had to wait for a processor, as Linux counts it.

That is the time that somebody else had the processor, or that a quota kept it away: a loop that sleeps, reads or waits
for its input is not ready to run, so none of that is in it. Source: "Scheduler Statistics" of the kernel's
documentation, `/proc/PID/schedstat`.

Only the standard library is imported here, because the worker reads it too.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bench.units import Seconds

_NANOSECONDS = 1e9
_TASKS = Path("/proc/self/task")

Waited = Mapping[str, int]
"""Thread -> nanoseconds that it has waited since it began."""


def read(tasks: Path = _TASKS) -> Waited | None:
    """Return how long each thread has waited until now; None where the system does not count it.

    Args:
        tasks: Folder with one folder per thread.
    """
    found: dict[str, int] = {}
    with suppress(OSError):
        for task in os.listdir(tasks):  # noqa: PTH208 - read between blocks, where a tenth of a millisecond counts
            with suppress(OSError, ValueError):  # a thread may have ended since it was listed
                with open(f"{tasks}/{task}/schedstat", "rb") as file:  # noqa: PTH123 - as above
                    _, waited, turns = map(int, file.read().split())
                if turns:  # a kernel that does not count writes zeros; whoever reads this had a turn
                    found[task] = waited
    return found or None


def between(before: Waited | None, after: Waited | None) -> Seconds | None:
    """Return how long all threads together waited in between; None where either is not known.

    A thread that has ended in between takes along what it waited.

    >>> between({"7": 1_000_000}, {"7": 3_000_000, "8": 500_000})
    0.0025
    """
    if before is None or after is None:
        return None
    return sum(waited - before.get(task, 0) for task, waited in after.items()) / _NANOSECONDS
