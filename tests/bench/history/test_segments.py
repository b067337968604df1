"""Changes of a level are found, placed and measured; noise, lone runs and bad nights are none."""

import numpy as np
import pytest

from bench.history.segments import find_changes

PROCESSES = 6


def nights(count, *, noise=0.02, steps=(), seed=0, processes=PROCESSES):
    """Return values, errors and processes of so many runs whose noise is what their processes show."""
    random = np.random.default_rng(seed)
    level = np.zeros(count)
    for place, size in steps:
        level[place:] += np.log1p(size)
    each = level[:, None] + random.normal(0.0, noise * np.sqrt(processes), (count, processes))
    errors = each.std(axis=1, ddof=1) / np.sqrt(processes)
    return {"values": each.mean(axis=1), "errors": errors, "processes": [processes] * count}


def found(runs, **settings):
    """Return what `find_changes` says of them."""
    return find_changes(runs["values"], errors=runs["errors"], processes=runs["processes"], **settings)


@pytest.mark.parametrize("count", [1, 5, 30, 200])
def test_flat_nights_show_no_change(count):
    """Of forty series at most one; `tools/study_changes.py` counts thousands."""
    assert 1 >= sum(bool(found(nights(count, seed=seed)).steps) for seed in range(40))


def test_a_step_is_found_with_its_place_and_size():
    """Both intervals hold the truth."""
    (step,) = found(nights(80, steps=[(50, 0.05)], seed=1)).steps

    assert step.earliest <= 50 <= step.latest
    assert step.ratio.low < 1.05 < step.ratio.high
    assert abs(step.place - 50) <= 1


def test_five_per_cent_are_found_within_five_runs():
    """In most series: nights are few."""
    hits = sum(bool(found(nights(105, steps=[(100, 0.05)], seed=seed)).steps) for seed in range(20))

    assert 16 <= hits


def test_a_change_and_its_repair_are_two():
    """A short excursion between long levels hides neither of them."""
    course = found(nights(200, steps=[(120, 0.08), (128, -0.0741)], seed=3))

    assert [(120, 1), (128, -1)] == [(step.place, np.sign(step.ratio.estimate - 1.0)) for step in course.steps]


@pytest.mark.parametrize("wild", [0.3, -0.3])
def test_a_lone_run_moves_no_level(wild):
    """One bad night is no change, and is named."""
    runs = nights(60, seed=4)
    runs["values"][30] += wild

    course = found(runs)

    assert ((), (30,)) == (course.steps, course.lone)


def test_two_bad_nights_are_no_level():
    """Three in a row would be."""
    runs = nights(60, seed=5)
    runs["values"][30:32] += 0.1

    assert () == found(runs).steps


def test_a_change_within_the_margin_is_not_told():
    """However sure it is."""
    runs = nights(400, noise=0.002, steps=[(200, 0.006)], seed=6)

    assert () == found(runs).steps
    assert 1 == len(found(runs, margin=0.001).steps)


def test_runs_of_unequal_worth_count_by_their_processes():
    """Every second night has three processes, the others sixty; those show the change."""
    random = np.random.default_rng(7)
    processes = np.where(np.arange(60) % 2, 3, 60)
    spread = 0.1 / np.sqrt(processes)
    values = np.where(np.arange(60) < 40, 0.0, 0.06) + random.normal(0.0, spread)

    course = find_changes(values, errors=spread, processes=processes)

    assert [40] == pytest.approx([step.place for step in course.steps], abs=1)


def test_noise_between_sessions_is_seen_although_runs_do_not_know_it():
    """Each run is sure to 0.1 %, and they scatter by 2 %."""
    random = np.random.default_rng(8)

    course = find_changes(random.normal(0.0, 0.02, 100), errors=[0.001] * 100, processes=[PROCESSES] * 100)

    assert () == course.steps
    assert 0.015 < course.spread < 0.027


def test_runs_of_one_process_have_no_interval_and_still_tell():
    """Their neighbours do."""
    random = np.random.default_rng(9)
    values = np.where(np.arange(60) < 30, 0.0, 0.1) + random.normal(0.0, 0.02, 60)

    (step,) = find_changes(values, errors=[float("nan")] * 60, processes=[1] * 60).steps

    assert 30 == step.place


def test_long_series_are_searched_piece_by_piece():
    """A change beyond the first window, and one where windows overlap."""
    course = found(nights(3200, steps=[(1250, 0.04), (2800, -0.05)], seed=10))

    assert [1250, 2800] == pytest.approx([step.place for step in course.steps], abs=2)


def test_no_run_is_an_error():
    """Callers have looked."""
    with pytest.raises(ValueError, match="expected at least one run"):
        find_changes([], errors=[], processes=[])
