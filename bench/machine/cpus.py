"""Which logical CPUs a process may run on, how to keep it there, and how it leaves them to others.

On systems that can do so, which is Linux.
"""

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


def step_aside(process_id: int) -> None:
    """Have every thread of a process, and all that it starts from now on, run only while nobody else wants its CPU.

    It wakes without taking the CPU from anybody, and whoever wakes takes it back (SCHED_IDLE, see sched(7)). There is
    no way back without privileges. Where the system has nothing of the kind, the process is gone or is somebody else's,
    nothing changes.
    """
    if not hasattr(os, "SCHED_IDLE"):
        return
    with suppress(OSError):
        for task in Path(f"/proc/{process_id}/task").iterdir():
            with suppress(OSError):
                os.sched_setscheduler(int(task.name), os.SCHED_IDLE, os.sched_param(0))
