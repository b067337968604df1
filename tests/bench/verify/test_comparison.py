"""What counts as a difference between a loop and the float64 training of its model."""

from math import inf, nan

import numpy as np
import pytest

from bench.verify.comparison import NO_NUMBER, Moved, loss_gap, metric_gaps, moved_gap, not_finite


def moved(*, loop, expected, gradients, before=None, allowed=1e-4, calls=1, floor=0.0):
    """Return what is found of weights that start at zero unless told otherwise."""
    found = Moved(allowed=allowed, floor=floor)
    for call in range(calls):
        found.add(
            call + 1,
            before=[np.zeros(len(loop)) if before is None else np.array(before)],
            loop=[np.array(loop)],
            expected=[np.array(expected)],
            gradients=[None if gradients is None else np.array(gradients)],
        )
    return found


def test_a_weight_counts_by_its_gradient():
    """Adam makes a whole step of a gradient that is nothing but rounding, in any direction."""
    found = moved(loop=[1.0, -1.0], expected=[1.0, 1.0], gradients=[1.0, 1e-12])

    assert moved_gap("weights", found.shares).passed
    assert moved_gap("weights, all alike", found.shares_alike).passed


def test_a_step_too_short_is_a_share_of_the_way():
    """By as much as it is too short, at the step where that is worst."""
    gap = moved_gap("weights", moved(loop=[0.9, 0.9], expected=[1.0, 1.0], gradients=[1.0, 1.0]).shares)

    assert (False, pytest.approx(0.1), 1) == (gap.passed, gap.largest, gap.step)


def test_what_shakes_the_reference_is_allowed_to_the_loop():
    """A deep model multiplies a rounding error; ten times what it makes of one is no mistake."""
    shares, trembling = {1: (0.01, 1e-4), 2: (0.03, 1e-4)}, {1: (0.002, 1e-4), 2: (0.002, 1e-4)}

    assert not moved_gap("weights", shares).passed
    assert moved_gap("weights", {1: shares[1]}, trembling=trembling).passed
    assert not moved_gap("weights", shares, trembling=trembling).passed


def test_what_has_no_gradient_at_all_counts_where_all_count_alike():
    """Weight decay moves a row that no batch looked up, in every framework by as much."""
    found = moved(loop=[1.0, 0.0], expected=[1.0, 1.0], gradients=[1.0, 0.0])

    assert not moved_gap("weights, all alike", found.shares_alike).passed


def test_rounding_of_the_weights_is_allowed_on_top():
    """At a small rate a step is hardly larger than the distance of two numbers."""
    gap = moved_gap(
        "weights",
        moved(before=[1.0], loop=[1.0 + 2e-7], expected=[1.0 + 1.5e-7], gradients=[1.0], floor=1.2e-7).shares,
    )

    assert gap.passed


def test_a_weight_that_should_not_have_moved_is_found():
    """Gradients that are gathered over several steps move nothing in between."""
    still = moved(loop=[0.0], expected=[0.0], gradients=[1.0])
    early = moved(loop=[0.1], expected=[0.0], gradients=[1.0])

    assert [True, False] == [moved_gap("weights", found.shares).passed for found in (still, early)]


def test_mistakes_add_up_and_rounding_does_not():
    """What has a direction stays the same share of the way, however long the way."""
    found = moved(loop=[0.99], expected=[1.0], gradients=[1.0], calls=4)

    assert pytest.approx([0.01] * 4) == [share for share, _ in found.shares.values()]


def test_a_loss_may_be_that_of_the_last_step_or_the_mean_of_the_call():
    """`fit()` tells a mean."""
    known = {2: [2.0, 1.0], 4: [0.9, 0.7]}

    assert [0.0, 0.0] == [
        loss_gap(loop, known, allowed=1e-5, steps=4).largest for loop in ({2: 1.0, 4: 0.7}, {2: 1.5, 4: 0.8})
    ]


def test_a_loss_that_passes_through_zero_is_measured_by_the_others():
    """A rounding error of a loss near zero is none of the loop's."""
    gap = loss_gap({1: 1.0, 2: 1e-9}, {1: [1.0], 2: [2e-9]}, allowed=1e-5, steps=2)

    assert gap.passed


def test_each_metric_has_a_gap_of_its_own():
    """One that the model does not have is not compared."""
    gaps = metric_gaps(
        {1: {"mae": 2.0, "accuracy": 0.5, "mine": 1.0}},
        {1: {"mae": 2.0, "accuracy": 0.25}},
        what="training metric",
        allowed={},
        otherwise=1e-5,
    )

    assert [("training metric accuracy", False), ("training metric mae", True)] == [
        (gap.what, gap.passed) for gap in gaps
    ]


def test_a_loop_that_tells_no_metric_of_the_model_has_a_gap():
    """What cannot be compared is not passed over."""
    (gap,) = metric_gaps({1: {"mine": 1.0}}, {1: {"mae": 2.0}}, what="metric", allowed={}, otherwise=1e-5)

    assert (False, "metric mine, which the model has not,") == (gap.passed, gap.what)


@pytest.mark.parametrize(("ours", "theirs", "largest"), [(nan, nan, 0.0), (nan, 1.0, NO_NUMBER), (inf, 1.0, NO_NUMBER)])
def test_a_metric_that_is_no_number_is_a_gap_that_can_be_stored(ours, theirs, largest):
    """Unless it is none for the reference either."""
    (gap,) = metric_gaps({1: {"m": ours}}, {1: {"m": theirs}}, what="metric", allowed={}, otherwise=1e-5)

    assert largest == gap.largest


def test_a_loss_that_is_no_number_is_a_finding_of_its_own():
    """It says whether the model or the loop is to blame."""
    weights = [np.zeros(2)]

    assert not_finite(1, loop=0.5, reference=0.5, weights=weights) is None
    assert "the model's, the data's" in not_finite(1, loop=nan, reference=nan, weights=weights)
    assert "computes 0.5" in not_finite(3, loop=inf, reference=0.5, weights=weights)
    assert "no longer finite after step 2" in not_finite(2, loop=0.5, reference=0.5, weights=[np.array([nan])])
