"""Holm's procedure against a worked example and by its promise; what is shown agrees with what is said."""

from itertools import pairwise
from math import exp, log, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from bench.analysis import holm
from bench.analysis.intervals import Interval, ratio_interval
from bench.analysis.verdict import Verdict, verdict

DIFFERENT = {Verdict.FASTER, Verdict.SLOWER}


def interval(estimate: float, *, spread: float = 0.011, count: int = 6) -> Interval:
    """Return a 95 % interval of this spread between rounds."""
    half_width = student.ppf(0.975, count - 1) * spread / sqrt(count)
    return Interval(estimate=estimate, low=estimate * exp(-half_width), high=estimate * exp(half_width), count=count)


def with_p_value(p_value: float, *, count: int = 6, margin: float = 0.02) -> Interval:
    """Return an interval whose two-sided p-value against the margin is this."""
    beyond = student.ppf(1.0 - p_value / 2.0, count - 1) * 0.011 / sqrt(count)
    return interval((1.0 + margin) * exp(beyond), count=count)


intervals = st.builds(interval, st.floats(0.5, 2.0), spread=st.floats(1e-6, 0.2), count=st.integers(2, 12))


def test_holm_rejects_what_the_worked_example_rejects():
    """Of p = .01 .04 .03 .005 at 5 %, .005 and .01 fall below 5/4 % and 5/3 %, .03 does not fall below 5/2 %.

    These are the four hypotheses of the example in Wikipedia's "Holm-Bonferroni method".
    """
    found = holm.verdicts([with_p_value(p_value) for p_value in (0.01, 0.04, 0.03, 0.005)])

    assert [Verdict.FASTER, Verdict.UNCLEAR, Verdict.UNCLEAR, Verdict.FASTER] == found


def test_each_pair_is_shown_at_the_level_of_its_step():
    """The last step's level is shared by all that are left."""
    shown = holm.simultaneous([with_p_value(p_value) for p_value in (0.01, 0.04, 0.03, 0.005)])

    assert pytest.approx([1 - 0.05 / 3, 0.975, 0.975, 0.9875]) == [pair.confidence for pair in shown]


def test_one_pair_is_decided_as_it_would_be_alone():
    """A family of one has nothing to correct."""
    pair = interval(1.05)

    assert [pair] == holm.simultaneous([pair])


@given(st.lists(intervals, min_size=1, max_size=12))
def test_what_is_shown_agrees_with_what_is_said(pairs):
    """Each verdict is that of the interval beside it."""
    shown = holm.simultaneous(pairs)

    assert [verdict(pair) for pair in shown] == holm.verdicts(pairs)


@given(st.lists(intervals, min_size=2, max_size=8))
def test_more_pairs_never_make_a_difference_easier_to_claim(pairs):
    """What is said of a pair among others would be said of it alone."""
    together = holm.verdicts(pairs)

    alone = [holm.verdicts([pair])[0] for pair in pairs]
    assert all(said is Verdict.UNCLEAR or said is single for said, single in zip(together, alone, strict=True))


@given(st.lists(intervals, min_size=2, max_size=8), st.randoms())
def test_the_order_of_the_pairs_does_not_matter(pairs, random):
    """A report may list them as it likes."""
    order = list(range(len(pairs)))
    random.shuffle(order)

    shuffled = holm.verdicts([pairs[index] for index in order])

    found = holm.verdicts(pairs)
    assert [found[index] for index in order] == shuffled


def test_a_pair_without_an_interval_is_unclear_and_takes_no_level_from_the_others():
    """What could not be measured is not tested."""
    alone = Interval(estimate=2.0, low=None, high=None, count=1)

    shown = holm.simultaneous([None, interval(1.05), alone])

    assert [None, interval(1.05), alone] == shown
    assert [Verdict.UNCLEAR, Verdict.FASTER, Verdict.UNCLEAR] == holm.verdicts([None, interval(1.05), alone])


def test_no_pairs_have_no_verdicts():
    """A run of one loop compares nothing."""
    assert [] == holm.verdicts([])


def test_equal_ratios_in_every_round_are_clear():
    """No spread: the estimate decides."""
    pairs = [interval(estimate, spread=0.0) for estimate in (1.1, 1.0, 0.9)]

    assert [Verdict.FASTER, Verdict.SAME, Verdict.SLOWER] == holm.verdicts(pairs)


def test_two_rounds_that_contradict_each_other_are_unclear_in_any_family():
    """An interval wider than a float can hold is cut off, not refused."""
    pair = ratio_interval([1.0, 1e9], [1e9, 1.0])

    assert {Verdict.UNCLEAR} == set(holm.verdicts([pair] * 100))


def test_a_difference_within_the_noise_is_unclear():
    """Copies of one loop that differ by 6 % leave nothing to say of 5 %, but something of 10 %."""
    pairs = [interval(1 / 1.05), interval(1 / 1.10), interval(1.10)]

    found = holm.verdicts(pairs, noise=0.06)

    assert [Verdict.UNCLEAR, Verdict.SLOWER, Verdict.FASTER] == found


def test_the_noise_does_not_touch_same():
    """Whatever lies inside the margin is said to."""
    assert [Verdict.SAME] == holm.verdicts([interval(1.0)], noise=0.06)


def test_in_noise_that_dwarfs_the_margin_the_promise_holds():
    """Ten pairs of five loops, 50 % noise: at most 5 % of reports err (+ 3 standard errors); uncorrected, many do.

    This is the worst case, in which the margin does not help.
    """
    random = Random(5)
    errors, uncorrected = 0, 0
    for _ in range(300):
        loops = [[exp(random.gauss(0.0, 0.5)) for _ in range(6)] for _ in range(5)]
        pairs = [ratio_interval(a, b) for index, a in enumerate(loops) for b in loops[index + 1 :]]
        errors += bool(DIFFERENT & set(holm.verdicts(pairs)))
        uncorrected += bool(DIFFERENT & {verdict(pair) for pair in pairs})

    assert errors / 300 < 0.05 + 3 * sqrt(0.05 * 0.95 / 300)
    assert uncorrected / 300 > 0.15


def test_levels_fall_from_step_to_step():
    """The surest pair has to be the surest."""
    shown = holm.simultaneous([interval(estimate) for estimate in (1.5, 1.4, 1.3, 1.2, 1.1)])

    levels = [pair.confidence for pair in shown]
    assert all(first > second for first, second in pairwise(levels))
    assert pytest.approx(log(1.5)) == log(shown[0].low * shown[0].high) / 2
