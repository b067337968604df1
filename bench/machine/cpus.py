"""Which logical CPUs a process may run on, and how to keep it there; on systems that can do so, which is Linux."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.machine.system import text_of


def allowed() -> tuple[int, ...]:
    """Return the logical CPUs that this process may run on, in order; none where the system cannot bind a process."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def apart(available: Sequence[int], *, count: int, root: Path = Path("/")) -> tuple[int, ...]:
    """Return so many of these logical CPUs, each on a core of its own as long as there are cores, the last ones first.

    Two threads on one core take turns at its units and get less done than on two. The last cores are taken, because
    the first one serves most interrupts. Where the system does not say which logical CPUs share a core, each is one.
    """
    taken: list[int] = []
    full: set[str] = set()
    for cpu in reversed(available):
        core = text_of(root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") or str(cpu)
        if core not in full:
            full.add(core)
            taken.append(cpu)
    taken += [cpu for cpu in reversed(available) if cpu not in taken]
    return tuple(sorted(taken[:count]))


def stay_on(cpus: Iterable[int]) -> None:
    """Keep every thread of this process, and every one that they will start, on these logical CPUs.

    Raises:
        OSError: If this process may run on none of them.
    """
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # a thread may have ended since it was listed
            os.sched_setaffinity(int(task.name), cpus)
