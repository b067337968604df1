"""The variance of differences between neighbours: simulated, so that the truth is known."""

import numpy as np
import pytest

from bench.analysis import between

WITHIN = 0.01**2


def squared_differences(*, deviation, count, seed=0):
    """Return squares of differences that have this deviation besides what is known."""
    spread = np.sqrt(deviation**2 + WITHIN)
    return np.random.default_rng(seed).normal(0.0, spread, count) ** 2


@pytest.mark.parametrize("kept", [0.5, 0.75, 0.9])
def test_chance_alone_is_no_excess(kept):
    """Whatever share counts, the rest of the normal distribution is allowed for."""
    squares = squared_differences(deviation=0.0, count=200_000)

    assert pytest.approx(1.0, abs=0.03) == between.excess(squares, within=np.full(200_000, WITHIN), kept=kept)


@pytest.mark.parametrize("deviation", [0.0, 0.01, 0.05])
def test_what_is_added_to_the_known_variance_is_found(deviation):
    """And nothing where nothing was added."""
    squares = squared_differences(deviation=deviation, count=200_000)

    found = between.variance(squares, within=np.full(200_000, WITHIN), kept=0.75)

    assert pytest.approx(deviation, abs=0.002) == np.sqrt(found)


def test_a_few_large_differences_do_not_count():
    """As where a level changed."""
    squares = squared_differences(deviation=0.02, count=100)
    steps = squares.copy()
    steps[[7, 50, 90]] = 1.0

    usual, stepped = (between.variance(one, within=np.full(100, WITHIN), kept=0.75) for one in (squares, steps))

    assert stepped == pytest.approx(usual, rel=0.25)
