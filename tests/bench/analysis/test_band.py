"""The band around a reference's curve within which a timed trial should end."""

from dataclasses import replace

import pytest

from bench.analysis.band import band
from bench.records.verification import Expectation

CURVE = Expectation(
    workload="mnist-mlp",
    track="matched",
    batch_size=32,
    higher_is_better=True,
    steps=(10, 100, 1000, 4000),
    metrics=(0.4, 0.8, 0.9, 0.95),
)


def test_the_band_holds_what_the_reference_had_around_that_step():
    """Checkpoints on either side count, and a tolerance is added."""
    low, high = band(CURVE, steps=300)

    assert (pytest.approx(0.77), pytest.approx(0.93)) == (low, high)


def test_a_loop_that_has_not_learned_is_below_the_band_at_any_length():
    """Guessing is right one time in ten."""
    assert all(band(CURVE, steps=steps)[0] > 0.1 for steps in (10, 30, 100, 5000, 100_000))


def test_after_the_reference_has_stopped_a_trial_may_only_be_better():
    """For accuracy upwards, for an error downwards."""
    error = replace(CURVE, higher_is_better=False, metrics=(0.5, 0.4, 0.3, 0.26))

    assert (pytest.approx(0.87), float("inf")) == band(CURVE, steps=100_000)
    assert (float("-inf"), pytest.approx(0.33)) == band(error, steps=100_000)


def test_the_band_is_wider_on_raw_pixels():
    """Their training is chaotic, and the order is another one."""
    matched, guide = (band(replace(CURVE, track=track), steps=300) for track in ("matched", "guide"))

    assert guide[0] < matched[0] < matched[1] < guide[1]
