"""Who else uses the processors: from made-up counters, and once from a real process."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest

from bench.machine import activity
from bench.machine.activity import Moment, Process
from bench.records.busy import BusyProgram, busiest, told


def moment(at, *, busy, **processes):
    """Return counters of two cores; a process is its seconds, an underscore before its name makes it ours."""
    return Moment(
        at=at,
        busy=busy,
        total=2.0 * at,
        processes={
            (number, 1.0): Process(
                name=name.strip("_0123456789"), seconds=seconds, with_children=seconds, ours=name.startswith("_")
            )
            for number, (name, seconds) in enumerate(processes.items())
        },
    )


def test_others_are_what_is_busy_and_not_ours():
    """Our own tree has to work; what it uses is no disturbance."""
    found = activity.between(moment(10.0, busy=5.0, _bench=1.0, make=2.0), moment(12.0, busy=9.0, _bench=2.0, make=4.8))

    assert pytest.approx(1.5) == found.others
    assert (BusyProgram(name="make", processes=1, cores=pytest.approx(1.4)),) == found.programs


def test_processes_of_one_name_are_one_program_and_idle_ones_are_not_named():
    """Eight lines of "python" say no more than one."""
    before = moment(10.0, busy=5.0, cc1=1.0, cc2=1.0, sshd=5.0)
    after = moment(11.0, busy=6.5, cc1=1.9, cc2=1.5, sshd=5.01)

    assert (BusyProgram(name="cc", processes=2, cores=pytest.approx(1.4)),) == activity.between(before, after).programs


def test_a_child_of_ours_that_ends_is_not_counted_as_somebody_else():
    """Its parent has what it used from then on."""
    before = Moment(
        at=0.0,
        busy=0.0,
        total=0.0,
        processes={
            (1, 1.0): Process(name="bench", seconds=1.0, with_children=1.0, ours=True),
            (2, 1.0): Process(name="worker", seconds=4.0, with_children=4.0, ours=True),
        },
    )
    ended = Process(name="bench", seconds=1.0, with_children=6.0, ours=True)
    after = Moment(at=2.0, busy=1.0, total=4.0, processes={(1, 1.0): ended})

    assert pytest.approx(0.0) == activity.between(before, after).others


def test_counters_that_stand_still_say_nothing():
    """Some sandboxes count nothing: not known is not quiet."""
    found = activity.between(moment(0.0, busy=0.0), moment(0.0, busy=0.0))

    assert (None, ()) == (found.others, found.programs)


def test_a_process_that_cannot_be_read_or_is_gone_is_left_out(monkeypatch):
    """Somebody else's, on a system that hides them; or it ended between the list and the look."""

    class Hidden:
        pid = 7

        def oneshot(self):
            raise self.error

    def hidden(error):
        process = Hidden()
        process.error = error
        return process

    errors = [psutil.AccessDenied(7), psutil.NoSuchProcess(7), psutil.ZombieProcess(7), ProcessLookupError()]
    monkeypatch.setattr(activity.psutil, "process_iter", lambda: map(hidden, errors))

    assert {} == activity.read().processes


def test_only_the_processors_that_may_be_used_are_looked_at(monkeypatch):
    """A neighbour on the other cores of a divided machine disturbs nobody; guests are counted once."""

    class Times(NamedTuple):
        user: float
        idle: float
        iowait: float
        steal: float
        guest: float

    every = [Times(user=90.0, idle=1.0, iowait=0.0, steal=0.0, guest=80.0), Times(3.0, 4.0, 2.0, 1.0, 0.0)]
    monkeypatch.setattr(activity.psutil, "cpu_times", lambda percpu: every)
    monkeypatch.setattr(activity, "cpus", SimpleNamespace(allowed=lambda: (1,)))

    found = activity.read()

    assert (3.0, 10.0) == (found.busy, found.total)


def test_what_the_harness_has_started_is_ours():
    """Read from the real machine: this process, and one that waits for its input."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = {number: process for (number, _), process in activity.read().processes.items()}
        child.communicate(b"\n")

    assert found[os.getpid()].ours
    assert found[child.pid].ours


def test_programs_are_told_by_name_and_cores():
    """And what is missing from the sum is said to be."""
    make, python = BusyProgram(name="make", processes=2, cores=0.5), BusyProgram(name="a\nb", processes=1, cores=1.0)

    assert "make (2 processes, 0.5 cores), a\N{REPLACEMENT CHARACTER}b (1.0 cores)" == told([make, python])
    assert "programs that have ended or cannot be seen (1.9 cores)" == told([], others=1.9)
    assert "no program that can be seen" == told([])
    assert (python, make) == busiest([make, python, BusyProgram(name="make", processes=1, cores=0.1)])
