"""What sessions differ by: simulated, so that the truth is known."""

from dataclasses import replace
from math import sqrt
from random import Random
from statistics import fmean

import pytest

from bench.analysis import sessions, two_runs

STEPS = {"tf-function": 0.4e-3, "torch-native": 0.75e-3}


@pytest.fixture
def make_session(make_run):
    """Return a factory of runs in which all loops are so much slower than in others, and the kernel is not."""

    def make(number, *, by=1.0, steps=STEPS, **fields):
        slower = {loop: by * step for loop, step in steps.items()}
        fields = {"noise": 0.005, "run_id": f"run-{number}", "kernel": 0.3e-3} | fields
        return make_run(steps=slower, seed=number, **fields)

    return make


def sessions_of(make_session, *, count, deviation, seed=0, **fields):
    """Return runs of sessions, any two of which differ by a deviation."""
    random = Random(seed)
    return [
        make_session(100 * seed + number, by=1.0 + random.gauss(0.0, deviation / sqrt(2.0)), **fields)
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1])
def test_of_one_run_nothing_is_known(make_session, count):
    """The default."""
    assert sessions.UNKNOWN == sessions.of_machine(sessions_of(make_session, count=count, deviation=0.1))


def test_many_runs_tell_what_sessions_differ_by(make_session):
    """Eight machines with forty each, to within a seventh; the runs' own noise is not counted as a difference."""
    found = [sessions.of_machine(sessions_of(make_session, count=40, deviation=0.06, seed=seed)) for seed in range(8)]

    assert {(40, 41)} == {(one.runs, one.freedom) for one in found}
    assert pytest.approx(0.06, rel=1 / 7) == fmean(one.deviation for one in found)


def test_a_few_runs_that_happen_to_agree_do_not_do_away_with_the_default(make_session):
    """Three alike are worth two differences, against two of 2 %."""
    found = sessions.of_machine(sessions_of(make_session, count=3, deviation=0.0))

    assert pytest.approx(0.02 * sqrt(2 / 4), rel=0.1) == found.deviation


def test_a_loop_that_was_changed_in_between_is_no_difference_of_sessions(make_session):
    """Another source is another loop; so is another version."""
    runs = sessions_of(make_session, count=6, deviation=0.0)
    slow = sessions_of(make_session, count=6, deviation=0.0, seed=1, steps={loop: 2 * s for loop, s in STEPS.items()})
    changed = [
        replace(run, trials=tuple(replace(trial, versions={"tensorflow": "3.0"}) for trial in run.trials))
        for run in slow
    ]

    assert sessions.of_machine(one for pair in zip(runs, slow, strict=True) for one in pair).deviation > 0.1
    assert sessions.of_machine(one for pair in zip(runs, changed, strict=True) for one in pair).deviation < 0.02


def test_a_level_that_changed_once_is_no_difference_of_sessions(make_session):
    """A fifth slower from the fourth run of seven on, by a module that the loop imports: its own source is the same."""
    steady = sessions_of(make_session, count=7, deviation=0.01)
    changed = [
        *steady[:3],
        *(make_session(number, by=1.2) for number in range(3, 7)),
    ]

    assert sessions.of_machine(changed).deviation == pytest.approx(sessions.of_machine(steady).deviation, rel=0.5)


def test_runs_without_a_kernel_tell_nothing(make_session):
    """The machine's own speed would be in it."""
    runs = [make_session(number, by=1.0 + 0.1 * number, kernel=None) for number in range(4)]

    assert sessions.UNKNOWN == sessions.of_machine(runs)


@pytest.mark.slow
@pytest.mark.parametrize(("deviation", "least"), [(0.0, 0.95), (0.02, 0.9), (0.05, 0.9)])
def test_an_interval_that_knows_its_machine_holds_the_truth(make_session, deviation, least):
    """200 pairs of runs, each with ten others to learn from; nothing changed."""
    hits = 0
    for seed in range(200):
        base, new, *others = sessions_of(make_session, count=12, deviation=deviation, seed=seed)
        comparison = two_runs.compare_runs(base, new, apart=sessions.of_machine(others))
        row = comparison.rows[0]
        hits += row.calibrated.low < 1.0 < row.calibrated.high

    assert hits / 200 >= least
