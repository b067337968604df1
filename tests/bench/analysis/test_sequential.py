"""Looks at growing evidence: levels against published tables and by simulation, decisions on ratios that are known."""

from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.special import ndtr, ndtri, stdtrit

from bench.analysis import sequential
from bench.analysis.sequential import LOOKS, crossing_levels, decide, levels, looks_until
from bench.analysis.verdict import Verdict

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
CERTAIN = 0.025
REPETITIONS = 20_000


def bounds(found):
    """Return what a standard normal statistic has to exceed at each look."""
    return [-float(ndtri(level)) for level in found]


def test_bounds_of_five_looks_are_those_of_the_published_tables():
    """Lan and DeMets' spending functions, like O'Brien and Fleming's and like Pocock's, at one-sided 2.5 %.

    As the program `ld98` prints them: Reboussin, DeMets, Kim and Lan, Controlled Clinical Trials 21, 2000.
    """
    like_obrien_fleming = [2.0 * float(ndtr(ndtri(CERTAIN / 2.0) / sqrt(share))) for share in FIFTHS]
    like_pocock = [CERTAIN * log(1.0 + (exp(1.0) - 1.0) * share) for share in FIFTHS]

    assert pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=2e-4) == bounds(
        crossing_levels(FIFTHS, by_then=like_obrien_fleming)
    )
    assert pytest.approx([2.4380, 2.4268, 2.4101, 2.3966, 2.3859], abs=2e-4) == bounds(
        crossing_levels(FIFTHS, by_then=like_pocock)
    )


def test_one_look_has_all_of_the_level():
    """Nothing is spent on looks that are not taken."""
    assert pytest.approx([0.02]) == levels((48,), most=48, error=0.02)


def test_as_much_crosses_at_each_look_as_may_be_spent_by_then():
    """By simulation of the Brownian motion that the levels were worked out for."""
    shares = np.array(LOOKS) / LOOKS[-1]
    steps = np.sqrt(np.diff(shares, prepend=0.0))
    paths = np.cumsum(np.random.default_rng(0).normal(size=(10 * REPETITIONS, len(LOOKS))) * steps, axis=1)

    crossed = paths / np.sqrt(shares) > bounds(levels(LOOKS, most=LOOKS[-1], error=CERTAIN))

    by_then = np.logical_or.accumulate(crossed, axis=1).mean(axis=0)
    assert pytest.approx([sequential.spent(share, error=CERTAIN) for share in shares], abs=7e-4) == list(by_then)


def test_where_time_ends_what_is_left_is_spent():
    """Twelve rounds in all are judged nearly as one look at twelve would be, not as an early look at 48."""
    early, last = levels((6, 12), most=48), levels((6, 12), most=48, ended=True)

    assert early[0] == last[0]
    assert early[1] < 0.0015
    assert 0.0235 < last[1] < sequential.ERROR


def test_looks_that_fall_between_the_usual_ones_have_levels_too():
    """A round that is left out moves a look."""
    found = levels((5, 11, 12, 40), most=48)

    assert all(0.0 < level < sequential.ERROR for level in found)


def test_a_limit_of_rounds_is_the_last_look():
    """However small or large."""
    assert ((2,), (6, 12, 18, 20), LOOKS, (*LOOKS, 100)) == tuple(map(looks_until, (2, 20, 48, 100)))


def wrong_at_the_edge(*, spread, generator, family=1, looks=LOOKS):
    """Return how often looks with Student's t call a slowdown of exactly the budget slower, and not slower."""
    ratios = generator.normal(0.0, spread, (REPETITIONS, looks[-1]))
    called = np.zeros(REPETITIONS)
    for count, level in zip(looks, levels(looks, most=looks[-1], error=sequential.ERROR / family), strict=True):
        seen = ratios[:, :count]
        statistic = seen.mean(axis=1) / seen.std(axis=1, ddof=1) * sqrt(count)
        crossed = np.abs(statistic) > stdtrit(count - 1, 1.0 - level)
        called = np.where((called == 0.0) & crossed, np.sign(statistic), called)
    return (called > 0).mean(), (called < 0).mean()


@pytest.mark.parametrize("looks", [LOOKS, (6,), (6, 10), (3,)])
def test_at_the_edge_of_the_budget_both_errors_are_within_what_is_promised(looks):
    """2.5 % and what 20,000 repetitions may be off by."""
    for wrong in wrong_at_the_edge(spread=0.02, generator=np.random.default_rng(1), looks=looks):
        assert wrong < CERTAIN + 3.0 * sqrt(CERTAIN / REPETITIONS)


def rounds(slowdown, *, count=48, spread=0.02, seed=0):
    """Return base time over new time of so many rounds."""
    noise = np.random.default_rng(seed).normal(0.0, spread, count)
    return list(np.exp(noise) / (1.0 + slowdown))


def looked_at(ratios, **settings):
    """Return what a gate with a budget of 2 % makes of rounds."""
    return decide(ratios, **{"budget": 0.02, "looks": LOOKS, "ended": False} | settings)


@pytest.mark.parametrize(("slowdown", "word"), [(0.10, Verdict.SLOWER), (0.0, Verdict.SAME), (-0.10, Verdict.FASTER)])
def test_what_is_clear_is_decided_before_the_last_round(slowdown, word):
    """And the interval is that of the look that decided, with its rounds; later rounds change nothing."""
    found = looked_at(rounds(slowdown))

    assert (word, True) == (found.verdict, found.is_made())
    assert found.speed_up.count in LOOKS[:-1]
    assert found == looked_at(rounds(slowdown)[: found.speed_up.count])


def test_a_slowdown_at_the_edge_stays_open():
    """With the interval of the last look."""
    found = looked_at(rounds(0.02))

    assert (Verdict.UNCLEAR, False, 48) == (found.verdict, found.is_made(), found.speed_up.count)


def test_between_two_looks_nothing_is_decided():
    """Eleven rounds are looked at after six."""
    few = rounds(0.0, count=11)

    assert looked_at(few[:6]) == looked_at(few)


def test_the_end_is_a_look():
    """Of eleven rounds, once there are no more."""
    assert 11 == looked_at(rounds(0.0, count=11), ended=True).speed_up.count


def test_before_the_first_look_there_is_no_interval():
    """And without a round there is nothing at all."""
    found = looked_at(rounds(0.0, count=3))

    assert (None, Verdict.UNCLEAR, 3) == (found.speed_up.low, found.verdict, found.speed_up.count)
    assert looked_at([]) is None


def test_a_single_round_at_the_end_has_no_interval():
    """One number has no spread."""
    found = looked_at([1.5], ended=True)

    assert (None, Verdict.UNCLEAR) == (found.speed_up.low, found.verdict)


def test_more_comparisons_need_more_evidence():
    """So that none of them errs."""
    alone, of_ten = (looked_at(rounds(0.0), family=family).speed_up for family in (1, 10))

    assert (alone.count, alone.confidence) < (of_ten.count, of_ten.confidence)


def test_with_a_precision_nothing_is_decided_before_it_is_reached():
    """However clear it is: 10 % slower, and to be known to 1 %."""
    quick, precise = looked_at(rounds(0.10)), looked_at(rounds(0.10), precision=0.01)

    assert quick.speed_up.count < precise.speed_up.count
    assert precise.speed_up.relative_half_width <= 0.01


def test_rounds_that_agree_to_the_last_digit_are_decided():
    """Peak memory often is."""
    assert Verdict.SLOWER is looked_at([0.5] * 6).verdict
