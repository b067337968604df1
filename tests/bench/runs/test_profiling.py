"""The harness' side of a profile, with processes that say what a test wants."""

import gzip
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records import profiles
from bench.records.trial import Ablation, Block, BlockKind, Failure, FailureKind, Trial
from bench.runs import profiling
from bench.runs.remote_trial import TrialFailed
from bench.worker.messages import Profiled


class Process:
    """One that is profiled or broken down; nothing is started."""

    turns = 3

    def __init__(self, cell, *, breakdown, profile, problem=None, failure=None):
        """Be this very process, so that there is memory to read."""
        self.process_id = os.getpid()
        self.cell, self.problem, self.failure = cell, problem, failure
        self.kind = "breakdown" if breakdown else "profile" if profile else "ranked"
        self.measured, self.asked, self.ended = 0, [], False

    def ready(self):
        """Be built, or fail."""
        if self.failure is not None:
            raise TrialFailed(Trial(cell=self.cell, round=0, failure=self.failure))

    def warm(self):
        """Be warm."""

    def measure(self):
        """Do a block."""
        self.measured += 1

    def profile(self, seconds, *, folder=None):
        """Do one with or without a profiler."""
        self.asked.append(folder is not None)
        block = Block(
            kind=BlockKind.MEASURED, steps=10, seconds=0.02, started=0.0, cpu_seconds=0.0, involuntary_switches=0
        )
        if folder is None or self.problem is not None:
            return Profiled(block=block, problem=self.problem)
        path = Path(folder) / "trace.json.gz"
        event = {"ph": "X", "name": "dot.1", "ts": 0, "dur": 50, "pid": 1, "tid": 1, "args": {"hlo_op": "dot.1"}}
        with gzip.open(path, "wt") as file:
            json.dump({"traceEvents": [event]}, file)
        return Profiled(block=replace(block, seconds=0.03), trace=str(path))

    def finish_profile(self):
        """Let go."""
        return Trial(cell=self.cell, round=0, versions={"jax": "0.10"})

    def finish(self):
        """Say what was left out."""
        left_out = ((), 0.002), (("step",), 0.0005)
        ablations = tuple(Ablation(left_out=what, step_seconds=seconds) for what, seconds in left_out)
        return Trial(cell=self.cell, round=0, ablations=ablations, pipeline_seconds=1e-5)

    def end(self):
        """Be gone."""
        self.ended = True


@pytest.fixture
def profiled(tmp_path, monkeypatch, make_cell):
    """Return a function that profiles a loop where there is no py-spy: what was seen, the processes, what was told."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(profiling, "MEMORY_SECONDS", 0.0)

    def profiled(**settings):
        started, told = [], []

        def launch(cell, *, breakdown, profile):
            started.append(Process(cell, breakdown=breakdown, profile=profile, **settings))
            return started[-1]

        found = profiling.profile(
            make_cell("jax-jit"), backend="jax", run=tmp_path, launch=launch, environment={}, tell=told.append
        )
        return found, started, told

    return profiled


def test_a_profile_is_made_of_two_processes_and_stored(profiled, tmp_path):
    """One is looked at, the other leaves parts out; neither outlives it."""
    found, (looked_at, broken_down), told = profiled()

    assert (found,) == profiles.load(tmp_path)
    assert ["profile", "breakdown"] == [looked_at.kind, broken_down.kind]
    assert (3, True, True, []) == (broken_down.measured, looked_at.ended, broken_down.ended, told)
    assert ({"jax": "0.10"}, 1e-5, 2) == (found.versions, found.pipeline_seconds, len(found.ablations))


def test_blocks_without_a_profiler_stand_on_both_sides_of_one_with(profiled):
    """So that a machine that changes its speed is not taken for what a profiler costs."""
    found, (looked_at, _), _ = profiled()

    assert [False, True, False, False] == looked_at.asked
    assert pytest.approx((0.002, 0.5)) == (found.step_seconds, found.overhead(found.traced))
    assert ["dot"] == [one.name for one in found.traced.operations]


def test_what_cannot_be_had_is_said_with_the_way_out(profiled):
    """Everything else is there."""
    found, _, _ = profiled(problem="NumPy has no profiler of its own")

    assert (None, None, ()) == (found.traced, found.sampled, found.files)
    first, second = found.missing
    assert "no trace of operations: NumPy has no profiler of its own" == first
    assert second.endswith("pip install 'loopbench[profile]'")


def test_a_process_that_fails_is_told_and_stops_nothing(profiled, tmp_path):
    """A run is not worth less for it."""
    failure = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")

    found, (process,), told = profiled(failure=failure)

    assert (None, True, ()) == (found, process.ended, profiles.load(tmp_path))
    assert ["jax-jit: not profiled: ValueError: no"] == told


def test_memory_is_read_until_the_end(profiled):
    """Phase by phase, in order."""
    found, _, _ = profiled()

    seconds = [one.seconds for one in found.memory]
    assert sorted(seconds) == seconds
    assert all(one.bytes > 0 for one in found.memory)


@pytest.fixture
def planned(tmp_path, monkeypatch, make_run, make_cell):
    """Return a function: loops to profile and cells that failed -> loops that were profiled."""

    def planned(*loops, failed=(), there=()):
        seen = []
        monkeypatch.setattr(profiling, "profile", lambda cell, **_: seen.append(cell.loop))
        run = make_run(cells=[make_cell(loop) for loop in ("numpy", "jax-jit", "tf-fit")], steps={})
        for cell in run.header.plan.cells:
            if cell.loop in there:
                folder = profiles.folder_of(tmp_path, cell)
                folder.mkdir(parents=True)
                (folder / profiles.RECORD).touch()
        failure = Failure(kind=FailureKind.RAISED, phase="build", message="no")
        trials = [Trial(cell=cell, round=0, failure=failure) for cell in run.header.plan.cells if cell.loop in failed]
        profiling.of_plan(
            replace(run.header.plan, profile=loops),
            trials=trials,
            run=tmp_path,
            launch=lambda *_, **__: None,
            environment={},
            tell=lambda _: None,
        )
        return seen

    return planned


def test_of_a_plan_those_are_profiled_that_it_names(planned):
    """None unless asked for."""
    assert [] == planned()
    assert ["numpy", "tf-fit"] == planned("tf-fit", "numpy")


def test_what_failed_or_is_profiled_already_is_left_alone(planned):
    """A run that goes on after Ctrl-C does what is missing."""
    assert ["jax-jit"] == planned("tf-fit", "numpy", "jax-jit", failed=["tf-fit"], there=["numpy"])
