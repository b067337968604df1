"""What else the machine does while a round runs."""

from types import SimpleNamespace
from typing import NamedTuple

import pytest

from bench.machine import conditions
from bench.records.stored_run import AcceleratorState, Conditions


class LinuxTimes(NamedTuple):
    """Seconds since boot."""

    user: float
    idle: float
    steal: float


class OtherTimes(NamedTuple):
    """The same on a system that does not count what a hypervisor took."""

    user: float
    idle: float


@pytest.fixture
def machine(monkeypatch):
    """Return a function that sets what the machine says before and after a round."""

    def say(before, after, *, load=0.25):
        processor = iter([before, after])
        clock = iter([100.0, 118.0])
        monkeypatch.setattr(conditions, "psutil", SimpleNamespace(cpu_times=lambda: next(processor)))
        monkeypatch.setattr(conditions, "monotonic", lambda: next(clock))
        monkeypatch.setattr(conditions, "read_now", lambda: SimpleNamespace(load_average=load))

    return say


def test_a_round_is_read_before_and_after(machine):
    """Load of the minute before, the share that was stolen during it, and how long it took."""
    machine(LinuxTimes(user=10.0, idle=80.0, steal=1.0), LinuxTimes(user=20.0, idle=105.0, steal=6.0))
    kept = []

    with conditions.watched(3, keep=kept.append):
        assert [] == kept

    assert [Conditions(round=3, load_average=0.25, stolen=0.125, seconds=18.0)] == kept


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OtherTimes(user=10.0, idle=80.0), OtherTimes(user=20.0, idle=90.0)),
        (LinuxTimes(user=0.0, idle=0.0, steal=0.0), LinuxTimes(user=0.0, idle=0.0, steal=0.0)),
    ],
    ids=["no such counter", "counters that stand still"],
)
def test_what_cannot_be_known_is_not_zero(machine, before, after):
    """Not every system counts stolen time, and some sandboxes count nothing."""
    machine(before, after)
    kept = []

    with conditions.watched(0, keep=kept.append):
        pass

    assert [None] == [seen.stolen for seen in kept]


def test_nothing_is_kept_of_a_round_that_was_interrupted(machine):
    """It will be measured again as a whole."""
    machine(LinuxTimes(user=0.0, idle=0.0, steal=0.0), LinuxTimes(user=1.0, idle=1.0, steal=0.0))
    kept = []

    with pytest.raises(KeyboardInterrupt), conditions.watched(0, keep=kept.append):
        raise KeyboardInterrupt

    assert [] == kept


def test_gpus_are_read_whenever_blocks_have_been_measured(machine):
    """Once for each party of the round; nobody asks them before."""
    machine(LinuxTimes(user=0.0, idle=0.0, steal=0.0), LinuxTimes(user=1.0, idle=1.0, steal=0.0))
    clocks = iter([1980.0, 1410.0])
    kept = []

    def read():
        return [AcceleratorState(index=0, megahertz=next(clocks), celsius=60.0, slowed_by=())]

    with conditions.watched(0, keep=kept.append, accelerators=read) as look:
        look.end()
        look.end()

    assert [1980.0, 1410.0] == [gpu.megahertz for gpu in kept[0].accelerators]
