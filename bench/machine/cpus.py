"""Which logical CPUs a process may run on, and how to keep it there; on systems that can do so, which is Linux."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def allowed() -> tuple[int, ...]:
    """Return the logical CPUs that this process may run on, in order; none where the system cannot bind a process."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def stay_on(cpus: Iterable[int]) -> None:
    """Keep every thread of this process, and every one that they will start, on these logical CPUs.

    Raises:
        OSError: If this process may run on none of them.
    """
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # a thread may have ended since it was listed
            os.sched_setaffinity(int(task.name), cpus)
