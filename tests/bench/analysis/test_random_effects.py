"""What machines say together."""

from math import sqrt
from random import Random

import pytest

from bench.analysis import random_effects

KACKER = (
    (61.0, 61.4, 62.21, 62.3, 62.34, 62.6, 62.7, 62.84, 65.9),
    (0.2025, 1.21, 0.09, 0.2025, 0.3844, 0.5625, 0.0676, 0.0225, 1.8225),
)
"""Nine laboratories, their results and variances. Source: Kacker, "Combining information from interlaboratory
evaluations using a random effects model", Metrologia 41, 2004, the Paule-Mandel columns."""


def test_the_published_example_comes_out():
    """Mean 62.4076, its standard error 0.3380, variance between laboratories 0.7054."""
    results, variances = KACKER

    found = random_effects.combined(results, [sqrt(one) for one in variances], confidence=0.95)

    assert (62.40761991, 0.338030603) == pytest.approx((found.mean, found.standard_error), rel=1e-6)
    assert 0.705395309 == pytest.approx(found.between**2, rel=1e-6)
    # t(8) and t(7) at 0.975
    assert 2.306004 * 0.338030603 == pytest.approx(found.reach_of_mean, rel=1e-6)
    assert 2.364624 * sqrt(0.705395309 + 0.338030603**2) == pytest.approx(found.reach_of_next, rel=1e-6)


def test_machines_that_agree_by_luck_get_no_narrower_interval_than_their_errors():
    """Hartung and Knapp's factor would be 0 here."""
    found = random_effects.combined([0.5, 0.5, 0.5], [0.1, 0.1, 0.1], confidence=0.95)

    assert 0.0 == found.between
    assert 0.1 / sqrt(3) == pytest.approx(found.standard_error)
    assert found.reach_of_next > found.reach_of_mean


def test_machines_that_differ_widen_what_the_next_one_may_say_more_than_the_mean():
    """Which is the question of somebody with another machine."""
    found = random_effects.combined([0.1, 0.5, 0.9, 0.3, 0.7], [0.02] * 5, confidence=0.95)

    assert 0.3 < found.between < 0.34
    assert found.reach_of_next > 2.0 * found.reach_of_mean


def test_two_machines_are_too_few():
    """How machines differ cannot be seen from two."""
    with pytest.raises(ValueError, match="2 machines"):
        random_effects.combined([0.1, 0.2], [0.1, 0.1], confidence=0.95)


def test_a_machine_that_knows_itself_to_the_last_digit_is_no_fault():
    """Its error may be a millionth of what the machines differ by."""
    found = random_effects.combined([1.0, 2.0, 3.0, 10.0], [1e-6, 1e-6, 1e-6, 1e-6], confidence=0.95)

    assert 4.0 == pytest.approx(found.mean)
    assert 50.0 / 3.0 == pytest.approx(found.between**2)


def test_the_interval_of_one_more_machine_holds_it_as_often_as_it_says():
    """Six machines that differ by 10 %, known within 2 %: nineteen times in twenty, and the mean likewise."""
    random, held, held_mean, tries = Random(5), 0, 0, 1000
    for _ in range(tries):
        truths = [random.gauss(0.5, 0.1) for _ in range(7)]
        found = random_effects.combined(
            [truth + random.gauss(0.0, 0.02) for truth in truths[:6]], [0.02] * 6, confidence=0.95
        )
        held += abs(truths[6] - found.mean) <= found.reach_of_next
        held_mean += abs(0.5 - found.mean) <= found.reach_of_mean

    assert 0.93 <= held_mean / tries <= 0.97
    assert 0.93 <= held / tries <= 0.98
