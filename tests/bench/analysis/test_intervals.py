"""Intervals against published values, verdicts by the whole interval, break-even by arithmetic."""

from math import exp, log
from random import Random
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import ttest_ind, wilcoxon

from bench.analysis import intervals, verdict
from bench.analysis.intervals import Interval
from bench.analysis.verdict import Verdict


def interval(low: float, high: float) -> Interval:
    """Return an interval over six rounds, its estimate in the middle of the log scale."""
    return Interval(estimate=(low * high) ** 0.5, low=low, high=high, count=6)


def test_interval_of_the_mean_agrees_with_published_data():
    """Student's sleep data (Biometrika 6, 1908): extra hours under drug 2 minus drug 1, 95 % interval 0.70 to 2.46."""
    differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]

    found = intervals.geometric_mean_interval([exp(value) for value in differences])

    assert found is not None
    assert (1.58, 0.70, 2.46) == tuple(round(log(value), 2) for value in (found.estimate, found.low, found.high))


def test_nothing_has_no_interval():
    """Without a process there is no estimate."""
    assert intervals.geometric_mean_interval([]) is None


def test_one_process_has_an_estimate_and_no_interval():
    """One process says nothing about the next one."""
    expected = Interval(estimate=pytest.approx(2.0), low=None, high=None, count=1)

    assert expected == intervals.geometric_mean_interval([2.0])


def test_equal_values_have_an_interval_of_no_width():
    """Equal values leave nothing to be uncertain about."""
    found = intervals.geometric_mean_interval([3.0, 3.0, 3.0])

    assert found is not None
    assert (pytest.approx(3.0), pytest.approx(3.0)) == (found.low, found.high)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_times_that_cannot_be_are_refused(value):
    """A step takes a positive, finite time."""
    with pytest.raises(ValueError, match="expected positive, finite values"):
        intervals.geometric_mean_interval([1.0, value])


@pytest.mark.parametrize(("count", "critical"), [(6, 0), (10, 8), (12, 13), (20, 52)])
def test_signed_rank_quantiles_are_those_of_the_published_table(count, critical):
    """Two-sided 5 %; the table gives the largest sum of ranks that rejects. Source: Wilcoxon and Wilcox, 1964."""
    assert critical == intervals._signed_rank_quantile(count, tail=0.025)


@pytest.mark.parametrize("tail", [0.025, 0.005, 0.0005])
def test_signed_rank_quantiles_of_very_many_ranks_go_on_where_counting_ends(monkeypatch, tail):
    """Lower by three in a thousand at most; and there is one where no float holds the number of sets."""
    counted = intervals._signed_rank_quantile(200, tail=tail)
    monkeypatch.setattr(intervals, "_MOST_RANKS_COUNTED", 199)

    assert 0.997 * counted <= intervals._signed_rank_quantile(200, tail=tail) <= counted
    assert intervals._signed_rank_quantile(2000, tail=tail) < 2000 * 2001 / 4


def test_the_signed_rank_interval_holds_what_the_test_does_not_reject():
    """A shift inside the bounds is accepted by SciPy's exact test, one outside is not."""
    values = np.exp(np.random.default_rng(3).normal(loc=0.1, scale=0.02, size=12)).tolist()

    found = intervals.signed_rank_interval(values)

    for shift, inside in ((found.low * 1.0001, True), (found.low * 0.9999, False), (found.high * 1.0001, False)):
        assert inside == (wilcoxon(np.log(values) - log(shift), method="exact").pvalue > 0.05)


def test_the_signed_rank_interval_holds_the_truth_as_often_as_it_says():
    """In simulated runs of twelve rounds, nearly normal or with a wild one among eight."""
    generator = np.random.default_rng(0)
    noise = np.where(generator.random((2000, 12)) < 0.12, 0.5, 0.01) * generator.standard_normal((2000, 12))

    found = [intervals.signed_rank_interval((1.1 * np.exp(row)).tolist()) for row in noise]

    assert 0.94 <= fmean(one.low <= 1.1 <= one.high for one in found) <= 0.97


def test_one_wild_round_in_twelve_does_not_hide_a_slowdown_from_the_ranks():
    """Student's t loses sight of it."""
    ratios = [0.91, 0.90, 0.92, 0.91, 0.90, 0.91, 0.92, 0.91, 0.90, 0.91, 0.92, 1.8]

    assert Verdict.UNCLEAR is verdict.verdict(intervals.geometric_mean_interval(ratios))
    assert Verdict.SLOWER is verdict.verdict(intervals.signed_rank_interval(ratios))


def test_five_rounds_are_too_few_for_ranks():
    """The least that chance can do to five is one in sixteen, two-sided."""
    found = intervals.signed_rank_interval([1.1] * 5)

    assert (pytest.approx(1.1), None, None) == (found.estimate, found.low, found.high)
    assert None is intervals.signed_rank_interval([])


def test_so_many_rounds_are_asked_for_at_most():
    """What would take one more is not worth an answer."""
    found = intervals.geometric_mean_interval([1.0, 1.1, 0.9, 1.05, 0.95])
    needed = intervals.rounds_for_width(found, half_width=0.02)

    assert needed is not None
    assert needed == intervals.rounds_for_width(found, half_width=0.02, limit=needed)
    assert None is intervals.rounds_for_width(found, half_width=0.02, limit=needed - 1)


def test_rounds_that_cannot_be_paired_are_refused():
    """A ratio needs both loops in the same round."""
    with pytest.raises(ValueError, match="cannot pair 2 rounds with 1"):
        intervals.ratio_interval([1.0, 2.0], [1.0])


def test_drift_common_to_both_loops_leaves_the_ratio_alone():
    """A machine that slows down by half over the run moves no paired ratio."""
    drift = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]

    found = intervals.ratio_interval([2.0 * factor for factor in drift], drift)

    assert found is not None
    assert (pytest.approx(2.0), pytest.approx(2.0)) == (found.low, found.high)


@given(st.lists(st.tuples(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0)), min_size=2, max_size=20))
def test_swapping_the_sides_gives_the_reciprocal(pairs):
    """2.0x slower one way is 2.0x faster the other way."""
    base, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    forward, backward = intervals.ratio_interval(base, new), intervals.ratio_interval(new, base)

    assert forward is not None
    assert backward is not None
    swapped = forward.reciprocal()
    assert pytest.approx((backward.estimate, backward.low, backward.high)) == (
        swapped.estimate,
        swapped.low,
        swapped.high,
    )


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """In 2 000 simulated runs of six rounds, 95 % of the intervals hold the true ratio (+- 3 standard errors)."""
    random = Random(1)
    hits = 0
    for _ in range(2000):
        found = intervals.geometric_mean_interval([1.5 * exp(random.gauss(0.0, 0.023)) for _ in range(6)])
        assert found is not None
        hits += found.low < 1.5 < found.high

    assert pytest.approx(0.95, abs=0.0147) == hits / 2000


def test_the_spread_is_the_standard_deviation_of_the_logarithms():
    """Read back from the bounds, at whatever level they are."""
    values = [1.00, 1.02, 0.99, 1.05]

    found = [
        intervals.geometric_mean_interval(values, confidence=confidence).spread for confidence in (0.5, 0.95, 0.999)
    ]

    assert [pytest.approx(stdev(log(value) for value in values))] * 3 == found


def test_an_interval_at_another_level_is_the_one_computed_at_that_level():
    """Nothing but the level changes."""
    values = [1.00, 1.02, 0.99, 1.05]

    expected = intervals.geometric_mean_interval(values, confidence=0.99)

    found = intervals.geometric_mean_interval(values).at(0.99)
    assert (pytest.approx(expected.low), pytest.approx(expected.high), 0.99) == (
        found.low,
        found.high,
        found.confidence,
    )


def test_an_interval_without_bounds_has_none_at_any_level():
    """And no spread."""
    once = intervals.geometric_mean_interval([2.0])

    assert (once, None) == (once.at(0.99), once.spread)


def test_the_reciprocal_keeps_the_level():
    """Swapping sides is no new statement."""
    assert interval(1.1, 1.2).at(0.99).reciprocal().confidence == 0.99


@given(st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=12), st.lists(st.floats(1e-6, 1.0), min_size=2, max_size=12))
def test_an_unpaired_interval_is_that_of_scipy(base, new):
    """Welch's, computed elsewhere."""
    sides = [np.log(base), np.log(new)]
    assume(all(side.std() > 1e-3 for side in sides))

    found = intervals.unpaired_ratio_interval(base, new)

    expected = ttest_ind(*sides, equal_var=False)
    bounds = expected.confidence_interval(0.95)
    assume(bounds.high - bounds.low < 100.0)
    assert pytest.approx((bounds.low, bounds.high, expected.df)) == (log(found.low), log(found.high), found.degrees)
    assert found.at(0.99).at(0.95).low == pytest.approx(found.low)


@pytest.mark.parametrize(("base", "new"), [([2.0], [1.0, 1.1]), ([2.0, 2.1], [1.0])])
def test_one_process_on_either_side_has_no_unpaired_interval(base, new):
    """An estimate and no bounds."""
    found = intervals.unpaired_ratio_interval(base, new)

    assert (True, None, None, 1) == (found.estimate > 1.5, found.low, found.high, found.count)


def test_without_processes_there_is_no_unpaired_ratio():
    """On either side."""
    assert intervals.unpaired_ratio_interval([], [1.0]) is None


def test_equal_values_have_an_unpaired_interval_of_no_width():
    """With the degrees of freedom of both."""
    found = intervals.unpaired_ratio_interval([2.0, 2.0], [1.0, 1.0, 1.0])

    assert (pytest.approx(2.0), pytest.approx(2.0), 3) == (found.low, found.high, found.degrees)


def test_an_interval_across_sessions_holds_the_truth_as_often_as_it_says():
    """Sessions that differ by 2 %, of six rounds that differ by 1 %, in 2 000 simulated comparisons."""
    random, held = Random(5), 0
    for _ in range(2000):
        offset = random.gauss(0.0, 0.02)
        base, new = ([exp(mean + random.gauss(0.0, 0.01)) for _ in range(6)] for mean in (0.0, offset))
        found = intervals.unpaired_ratio_interval(base, new, session=0.02)
        held += found.low <= 1.0 <= found.high

    assert 0.935 < held / 2000 < 0.965
