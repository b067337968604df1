"""Who uses the processors of this machine besides the harness and what it has started.

    read          the counters at one moment
    between       what others did between two moments
    of_the_next   what they do in the next seconds

Processor time that was counted says what is busy now; a load average still counts what ended a minute ago. Everything
is read at two moments, and nothing runs in between.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic, sleep

import psutil

from bench.machine import cpus
from bench.records.busy import BusyProgram
from bench.units import Seconds

NAMED, LEAST_CORES = 4, 0.05
"""So many programs are named, and none that uses less than a twentieth of a core."""

_IDLE = ("idle", "iowait")
_COUNTED_TWICE = ("guest", "guest_nice")
"""Linux counts them as user and nice as well."""

Key = tuple[int, float]
"""Number of a process and when it began, since numbers are used again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """What one process had used by some moment."""

    name: str
    seconds: Seconds
    """Of processors, by its own threads."""
    with_children: Seconds
    """And by those of its children that have ended."""
    ours: bool
    """Whether it is the harness, or descends from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Counters of the machine at one moment."""

    at: Seconds
    """On any clock."""
    busy: Seconds
    """Of the processors that the harness may use, since boot: time in which they were not idle."""
    total: Seconds
    """Of the same, idle or not."""
    processes: Mapping[Key, Process]


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """What others did between two moments."""

    seconds: Seconds
    others: float | None
    """Cores that they kept busy, in the mean; None where the system does not count."""
    programs: tuple[BusyProgram, ...]
    """Who, the busiest first; those that cannot be seen from here, or have ended, are missing."""


def read() -> Moment:
    """Read the counters now. A process that cannot be read, or has ended, is left out."""
    at = monotonic()
    busy, total = _processors()
    return Moment(at=at, busy=busy, total=total, processes=_processes())


def of_the_next(seconds: Seconds) -> Activity:
    """Wait so long, and return what others did meanwhile."""
    before = read()
    sleep(seconds)
    return between(before, read())


def between(before: Moment, after: Moment) -> Activity:
    """Return what others did between two moments."""
    return together([(before, after)])


def together(stretches: Iterable[tuple[Moment, Moment]]) -> Activity:
    """Return what others did in several stretches of time."""
    seconds = busy = total = ours = 0.0
    used: defaultdict[str, dict[Key, Seconds]] = defaultdict(dict)
    for before, after in stretches:
        seconds += after.at - before.at
        busy += after.busy - before.busy
        total += after.total - before.total
        # A child of ours that has ended in between is now part of what its parent used.
        ours += sum(process.with_children for process in after.processes.values() if process.ours)
        ours -= sum(process.with_children for process in before.processes.values() if process.ours)
        for key, process in after.processes.items():
            earlier = before.processes.get(key)
            if not process.ours and (more := process.seconds - (0.0 if earlier is None else earlier.seconds)) > 0.0:
                used[process.name][key] = used[process.name].get(key, 0.0) + more
    if seconds <= 0.0 or total <= 0.0:
        return Activity(seconds=max(0.0, seconds), others=None, programs=())
    programs = [
        BusyProgram(name=name, processes=len(spent), cores=sum(spent.values()) / seconds)
        for name, spent in used.items()
        if sum(spent.values()) >= LEAST_CORES * seconds
    ]
    programs.sort(key=lambda program: (-program.cores, program.name))
    return Activity(seconds=seconds, others=max(0.0, busy - ours) / seconds, programs=tuple(programs[:NAMED]))


def _processors() -> tuple[Seconds, Seconds]:
    """Return busy and total seconds of the processors that this process may run on."""
    every = psutil.cpu_times(percpu=True)
    allowed = [every[cpu] for cpu in cpus.allowed() if cpu < len(every)] or every
    busy = total = 0.0
    for times in allowed:
        parts = {name: value for name, value in times._asdict().items() if name not in _COUNTED_TWICE}
        total += sum(parts.values())
        busy += sum(value for name, value in parts.items() if name not in (*_IDLE, "steal"))
    return busy, total


def _processes() -> dict[Key, Process]:
    """Return all processes that can be read."""
    read: dict[int, tuple[int, Key, str, Seconds, Seconds]] = {}
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                times = process.cpu_times()
                own = times.user + times.system
                all_of_it = own + times.children_user + times.children_system
                key = process.pid, process.create_time()
                read[process.pid] = process.ppid(), key, process.name(), own, all_of_it
        except (psutil.Error, OSError):  # it has ended, or belongs to somebody else
            continue
    children: defaultdict[int, list[int]] = defaultdict(list)
    for number, (parent, *_) in read.items():
        children[parent].append(number)
    ours, found = {os.getpid()}, [os.getpid()]
    while found:
        more = [child for child in children[found.pop()] if child not in ours]
        ours.update(more)
        found += more
    return {
        key: Process(name=name, seconds=own, with_children=all_of_it, ours=number in ours)
        for number, (_, key, name, own, all_of_it) in read.items()
    }
