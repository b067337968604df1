"""What a gate holds a run against: runs of the same thing, and of them the last level."""

from math import exp

import pytest

from bench.errors import NothingComparable
from bench.history.index import Index
from bench.history.last_level import last_levels
from bench.history.series import Wanted, read_series

TODAY = "20260121-0020"


@pytest.fixture
def levels(tmp_path, store):
    """Return a function that stores twenty-one nights and finds what the last one is held against."""

    def find(*, baseline=None, environment=None, factor=lambda night: 1.0):
        for night in range(21):
            settings = {"environment": environment(night)} if environment else {}
            store(tmp_path, night=night, steps={"tf-fit": 0.6e-3 * factor(night)}, noise=0.004, **settings)
        with Index.opened(tmp_path) as index:
            return last_levels(read_series(index, Wanted()), run=TODAY, baseline=baseline)

    return find


def test_it_is_the_level_since_the_last_change(levels):
    """What was before the change is past."""
    (level,) = levels(factor=lambda night: 1.2 if night >= 12 else 1.0)

    assert (exp(level.level), level.since) == (pytest.approx(2.4, rel=0.01), "20260113-0012")
    assert (20, TODAY) == (level.runs, level.head.run)


def test_a_baseline_takes_its_place(levels):
    """Where creep is measured from."""
    (level,) = levels(baseline="20260101-0000", factor=lambda night: 1.01**night)

    assert (exp(level.level), "20260101-0000") == (pytest.approx(2.0, rel=0.02), level.since)


def test_runs_of_another_machine_do_not_count(levels):
    """Nor is anything left then."""
    assert [] == levels(environment=lambda night: {"cpu model": "B" if night == 20 else "A", "machine name": "box"})


def test_a_baseline_of_another_machine_is_an_error(levels):
    """It is named."""
    with pytest.raises(NothingComparable, match="20260101-0000 has no loop of"):
        levels(baseline="20260101-0000", environment=lambda night: {"machine name": "box" if night else "other"})
