"""A machine whose processors are all taken, by real processes: identical loops are never told apart."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from bench.analysis import starvation
from bench.records.trial import BlockKind

BUSY = ("run", "--threads", "1", "--rounds", "2", "--steps", "400", "--no-report")
RUNS = 3
"""Of identical loops; twenty were done by hand."""


@contextmanager
def taken_processors(*, each=4):
    """Keep every processor busy with so many processes of somebody else's."""
    count = each * (os.cpu_count() or 1)
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
        for hog in hogs:
            hog.wait()


@pytest.mark.slow
def test_a_busy_machine_is_waited_for_named_and_never_tells_loops_apart(session):
    """Eight processes on two cores: the run says so before, meanwhile and in the end, and ranks nothing."""
    with taken_processors():
        done = session.bench(*BUSY, "toy", "toy-slow", BENCH_WAIT="10", BENCH_ON_BUSY="again")

    run = session.run()
    assert 0 == done.code
    assert "waiting up to" in done.err
    assert "measuring all the same" in done.err
    assert "is left out: other work kept the processors busy (python" in done.err
    assert done.out.startswith("Too busy to tell which loop is fastest: ")
    assert 4 == run.planned_rounds, "two rounds were planned, and two more are allowed in place of starved ones"
    assert set(starvation.rounds(run)) >= {0, 1}


@pytest.mark.slow
def test_identical_loops_are_never_told_apart_on_a_busy_machine(tmp_path, make_toy_session):
    """By rounds that starve less than others: neither faster nor slower, run after run."""
    with taken_processors(each=2):
        for number in range(RUNS):
            session = make_toy_session(tmp_path / str(number), BENCH_ON_BUSY="again")
            session.folder.mkdir()
            done = session.bench("ab", "env=X=1", "env=X=2", *BUSY[1:], "toy", "--format", "json")
            verdicts = {row["verdict"] for group in done.json["groups"] for row in group["rows"]}

            assert verdicts <= {"baseline", "unclear", "same"}


@pytest.mark.slow
def test_a_loop_that_only_waits_is_never_starved(session):
    """However busy the machine is, it is ready to run for moments only."""
    (session.folder / "waits.py").write_text(WAITS)
    with taken_processors(each=1):
        done = session.bench("run", "--threads", "1", "--rounds", "2", "--no-report", "waits.py", BENCH_ON_BUSY="again")

    assert 0 == done.code, done.err
    run = session.run()
    used = [block.cpu_seconds / block.seconds for trial in run.trials for block in trial.blocks_of(BlockKind.MEASURED)]
    assert used
    assert max(used) < 0.5
    assert () == starvation.rounds(run)


WAITS = '''"""Waits for its input and hardly computes."""

import time

import numpy as np

from loops.contract import Loop, Outcome


class Waits(Loop):
    """Sleeps before each step."""

    backend = "numpy"

    def prepare(self, job):
        """Have one weight."""
        self.weights = np.zeros(1, np.float32)
        self.steps = 0

    def train(self, blocks):
        """Wait for six milliseconds a step."""
        for steps in blocks:
            for _ in range(steps):
                time.sleep(0.006)
                self.steps += 1

    def evaluate(self):
        """Nothing was learned."""
        return 0.5

    def synchronise(self):
        """Nothing is left to wait for."""

    def outcome(self):
        """Return what was done."""
        return Outcome(steps=self.steps, loss=1.0, metric=0.5, weights=[self.weights])
'''
