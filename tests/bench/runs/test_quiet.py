"""Waiting for a quiet machine, with a clock and a machine that are made up."""

from types import SimpleNamespace

import pytest

from bench.machine.activity import Activity
from bench.records.busy import BusyProgram
from bench.runs import quiet
from bench.runs.quiet import Quiet


class World:
    """A clock that looking at the machine moves, and what was shown and told."""

    def __init__(self, *others):
        """Others use so many cores, look after look; the last one goes on."""
        self.others = list(others)
        self.now = 0.0
        self.shown = []
        self.told = []

    def look(self, seconds):
        """Let time pass."""
        self.now += seconds
        cores = self.others.pop(0) if len(self.others) > 1 else self.others[0]
        named = () if not cores else (BusyProgram(name="make", processes=1, cores=cores),)
        return Activity(seconds=seconds, others=cores, programs=named)

    def waiting(self, text):
        """Be the screen."""
        self.shown.append(text)


@pytest.fixture
def wait(monkeypatch, make_run):
    """Return a function that waits in a world of two cores, and returns what waits."""
    monkeypatch.setattr(quiet, "cpus", SimpleNamespace(allowed=lambda: (0, 1)))

    def wait(world, *, seconds, threads=None, times=1):
        plan = make_run().header.plan
        cells = tuple(SimpleNamespace(threads=threads) for _ in plan.cells)
        one = Quiet(
            SimpleNamespace(cells=cells),
            wait=seconds,
            screen=world,
            tell=world.told.append,
            look=world.look,
            clock=lambda: world.now,
        )
        for _ in range(times):
            one.wait()
        return one

    return wait


@pytest.mark.parametrize("others", [0.0, 0.25, None], ids=["idle", "a desktop", "not known"])
def test_a_quiet_machine_costs_one_look(wait, others):
    """Of a second, and not a word."""
    world = World(others)

    wait(world, seconds=30.0)

    assert (1.0, [], []) == (world.now, world.shown, world.told)


def test_it_is_measured_as_soon_as_the_machine_is_quiet(wait):
    """The command before has just ended."""
    world = World(2.0, 2.0, 0.0)

    wait(world, seconds=30.0)

    assert 3.0 == world.now
    assert "waiting up to 29 s for a quiet machine: make (2.0 cores)" == world.shown[0]
    assert ["the machine is quiet after 3 s"] == world.told


def test_time_runs_out_and_it_is_measured_all_the_same(wait):
    """With who is busy, and the way out."""
    world = World(1.5)

    wait(world, seconds=4.0)

    assert 4.0 == world.now
    busy = "warning: other programs keep 1.5 cores of 2 busy: make (1.5 cores)"
    assert [f"{busy}; measuring all the same, --wait SEC waits longer"] == world.told
    assert 3 == len(world.shown)


def test_no_wait_looks_at_nothing(wait):
    """Zero costs nothing."""
    world = World(2.0)

    wait(world, seconds=0.0)

    assert (0.0, []) == (world.now, world.told)


def test_what_one_thread_needs_is_one_processor(wait):
    """A program that keeps the other one busy is in nobody's way."""
    world = World(1.1)

    wait(world, seconds=30.0, threads=1)

    assert [] == world.told


def test_all_waits_of_a_run_share_one_budget(wait):
    """A machine that is never quiet costs what was said, once."""
    world = World(2.0)

    wait(world, seconds=5.0, times=3)

    assert 5.0 == world.now
    assert 1 == len(world.told)
