"""How far a loop's weights are from those of the reference, as a share of the way or by their effect."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.verify.distance import EffectOnLoss, ReferenceStep, ShareOfTheWay, share_of, worst

FINITE = st.floats(min_value=-10.0, max_value=10.0)


def arrays(*values):
    """Return each value as an array of one number."""
    return [np.array([value]) for value in values]


def step(*gradients):
    """Return a step of the reference with these gradients."""
    return ReferenceStep(loss=1.0, score=1.0, weight=1.0, weights=[], gradients=arrays(*gradients))


def test_the_same_weights_are_no_distance():
    """Whatever they moved by."""
    assert 0.0 == ShareOfTheWay(allowed=1.0).add(arrays(0, 1), loop=arrays(2, 3), expected=arrays(2, 3), step=step())


def test_a_loop_that_stands_still_is_the_whole_way_off():
    """And one that went twice as far, too."""
    for loop in (arrays(0.0), arrays(4.0)):
        assert 1.0 == ShareOfTheWay(allowed=1.0).add(arrays(0.0), loop=loop, expected=arrays(2.0), step=step())


def test_a_loop_that_moves_where_nothing_should_is_infinitely_far():
    """There is no way to be a share of."""
    assert inf == ShareOfTheWay(allowed=1.0).add(arrays(1.0), loop=arrays(1.1), expected=arrays(1.0), step=step())


def test_rounding_that_has_no_direction_stays_small():
    """Errors of opposite signs cancel over the calls; those of one sign do not."""
    to_and_fro, away = ShareOfTheWay(allowed=1.0), ShareOfTheWay(allowed=1.0)
    for number in range(4):
        before, expected = arrays(float(number)), arrays(number + 1.0)
        there = to_and_fro.add(before, loop=arrays(number + 1.0 + 0.1 * (-1) ** number), expected=expected, step=step())
        gone = away.add(before, loop=arrays(number + 1.1), expected=expected, step=step())

    assert 0.0 == pytest.approx(there, abs=1e-12)
    assert 0.1 == pytest.approx(gone)


@given(
    moves=st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=5), scale=st.floats(min_value=0.5, max_value=64.0)
)
def test_a_share_does_not_depend_on_the_unit(moves, scale):
    """Twice all weights is the same share; it is never negative."""
    shares = []
    for unit in (1.0, scale):
        distance = ShareOfTheWay(allowed=1.0)
        for loop, expected in moves:
            found = distance.add(arrays(0.0), loop=arrays(unit * loop), expected=arrays(unit * expected), step=step())
        shares.append(found)

    assert shares[0] == pytest.approx(shares[1], rel=1e-9) or shares[0] > 1e12
    assert shares[0] >= 0.0


def test_float32_is_subtracted_in_double():
    """Small differences of large numbers would be lost."""
    before, expected = ([np.array([value], np.float32)] for value in (16777216.0, 16777218.0))

    assert 0.5 == ShareOfTheWay(allowed=1.0).add(before, loop=[np.array([16777217.0])], expected=expected, step=step())


def test_a_weight_whose_gradient_is_nought_counts_for_nothing():
    """Adam moves it as far as any other, in a random direction."""
    distance = EffectOnLoss(allowed=1.0, first_model=2)

    found = distance.add(
        arrays(0, 0, 0), loop=arrays(1.0, 99.0, 1.0), expected=arrays(1, -1, 1), step=step(2.0, 0.0, 1.0)
    )

    assert 0.0 == found


def test_of_two_models_the_one_that_is_further_off_counts():
    """However large the other's gradients are."""
    distance = EffectOnLoss(allowed=1.0, first_model=1)

    found = distance.add(arrays(0, 0), loop=arrays(1.0, 1.5), expected=arrays(1, 1), step=step(1000.0, 0.001))

    assert 0.5 == pytest.approx(found)


def test_each_call_counts_by_itself_in_its_effect():
    """A call without an error is no distance, whatever was before it."""
    distance = EffectOnLoss(allowed=1.0, first_model=1)

    distance.add(arrays(0, 0), loop=arrays(9, 9), expected=arrays(1, 1), step=step(1, 1))

    assert 0.0 == distance.add(arrays(0, 0), loop=arrays(1, 1), expected=arrays(1, 1), step=step(1, 1))


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(1.0, 4.0, 0.25), (0.0, 0.0, 0.0), (0.0, 5.0, 0.0), (1e-300, 0.0, inf)]
)
def test_a_share_of_nothing_is_nothing_or_infinite(part, whole, share):
    """And never a division by nought."""
    assert share == share_of(part, whole)


def test_the_worst_gap_is_the_largest_with_its_step():
    """Of equal ones the first."""
    gap = worst("loss", {1: 0.1, 5: 0.3, 9: 0.3}, allowed=0.2)

    assert ("loss", 0.3, 0.2, 5, False) == (gap.what, gap.largest, gap.allowed, gap.step, gap.passed)


def test_what_is_no_number_is_worse_than_anything():
    """Even than infinity, and it never passes."""
    gap = worst("loss", {1: inf, 2: nan, 3: 1e300}, allowed=inf)

    assert (True, 2, False) == (isnan(gap.largest), gap.step, gap.passed)
