"""Series of known shape are recognised; noise and hiccups alone change nothing."""

from itertools import combinations

import numpy as np
import pytest

from bench.analysis import steady
from bench.analysis.steady import Segment, Steadiness, steady_state

SHAPES = {
    Steadiness.FLAT: np.zeros,
    Steadiness.WARM_UP: lambda n: 0.2 * (np.arange(n) < n // 4),
    Steadiness.SLOWDOWN: lambda n: 0.2 * (np.arange(n) >= n // 2),
    Steadiness.NONE: lambda n: 0.2 * np.arange(n) / n,
}


def series(shape, *, noise=0.01, seed=0):
    """Return step times around a millisecond with this shape on the log scale."""
    generator = np.random.default_rng(seed)
    return (1e-3 * np.exp(shape + generator.normal(0.0, noise, len(shape)))).tolist()


@pytest.mark.parametrize("count", [20, 40])
@pytest.mark.parametrize("kind", SHAPES)
def test_the_four_classes_are_recognised(kind, count):
    """At 1 % noise, changes and drifts of 20 % are told apart in at least 95 of 100 series."""
    found = [steady_state(series(SHAPES[kind](count), seed=seed)).kind for seed in range(100)]

    assert found.count(kind) >= 95


@pytest.mark.parametrize(("count", "noise"), [(10, 0.01), (10, 0.05), (40, 0.01), (40, 0.05)])
def test_noise_alone_makes_a_change_in_about_one_series_of_a_hundred(count, noise):
    """Expected 1 % or less of 200, so at most 6 (mean and three standard deviations)."""
    found = [steady_state(series(np.zeros(count), noise=noise, seed=seed)).kind for seed in range(200)]

    assert len(found) - found.count(Steadiness.FLAT) <= 6


@pytest.mark.parametrize("count", [10, 40])
def test_noise_with_heavy_tails_makes_no_more_changes(count):
    """Student's t with three degrees of freedom, scaled to 3 %."""
    generator = np.random.default_rng(3)
    found = [steady_state(np.exp(0.03 * generator.standard_t(3, count)).tolist()).kind for _ in range(200)]

    assert len(found) - found.count(Steadiness.FLAT) <= 6


@pytest.mark.parametrize("place", range(10))
def test_one_slow_block_makes_no_change(place):
    """The scheduler took the processor away: half as slow again, wherever it happens."""
    values = series(np.zeros(10))
    values[place] *= 1.5

    assert steady_state(values).kind is Steadiness.FLAT


def test_a_slow_block_within_a_warm_up_moves_nothing():
    """The cut stays where the level changes."""
    values = series(0.3 * (np.arange(30) < 8))
    values[20] *= 2.0

    found = steady_state(values)

    assert (Steadiness.WARM_UP, 8) == (found.kind, found.start)


def test_a_change_shortly_before_the_end_leaves_no_steady_state():
    """Nobody knows whether the last five of forty blocks would have lasted."""
    found = steady_state(series(0.2 * (np.arange(40) >= 35)))

    assert (Steadiness.NONE, None) == (found.kind, found.start)


def test_a_drift_after_a_warm_up_leaves_no_steady_state():
    """The line is sought from every cut on."""
    shape = np.where(np.arange(40) < 10, 1.0, 0.01 * np.arange(40))

    assert steady_state(series(shape)).kind is Steadiness.NONE


def test_a_warm_up_in_steps_is_a_warm_up():
    """Compilation in tiers: the last level is the fastest."""
    shape = np.concatenate([np.full(6, 1.0), np.full(6, 0.4), np.zeros(20)])

    found = steady_state(series(shape))

    assert (Steadiness.WARM_UP, 12, 3) == (found.kind, found.start, len(found.segments))


def test_a_dip_that_does_not_last_is_a_slowdown():
    """It was faster before than it is in the end, although not slower than at the start."""
    shape = -0.2 * ((np.arange(30) >= 10) & (np.arange(30) < 20))

    assert steady_state(series(shape)).kind is Steadiness.SLOWDOWN


def test_levels_closer_than_the_margin_are_one():
    """1 % is too small to matter; with a margin of half a per cent it is not."""
    values = series(0.01 * (np.arange(60) < 20), noise=0.001)

    assert steady_state(values).kind is Steadiness.FLAT
    assert steady_state(values, margin=0.005).kind is Steadiness.WARM_UP


def test_segments_cover_all_blocks_and_name_their_level():
    """Level is the median step time."""
    found = steady_state([2.0] * 4 + [1.0] * 8)

    assert (Segment(start=0, stop=4, level=2.0), Segment(start=4, stop=12, level=1.0)) == found.segments
    assert [4, 8] == [segment.length for segment in found.segments]


def test_equal_blocks_are_flat():
    """No noise at all is no trouble."""
    assert steady_state([0.1] * 20).kind is Steadiness.FLAT


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_six_blocks_are_too_few_to_tell(count):
    """Two levels of three blocks each are the least that could be seen."""
    assert steady_state([1.0] * count) is None


def test_the_cut_is_the_best_of_all():
    """Against trying every pair of cuts, by the sum of distances from the medians."""
    logarithms = np.log(series(np.repeat([0.0, 0.1, 0.03], [4, 5, 5]), noise=0.002))

    def distance(bounds: tuple[int, ...]) -> float:
        pieces = np.split(logarithms, bounds)
        if min(map(len, pieces)) < steady.LEAST_BLOCKS:
            return np.inf
        return sum(float(np.abs(piece - np.median(piece)).sum()) for piece in pieces)

    expected = min(combinations(range(1, 14), 2), key=distance)

    assert [0, *expected, 14] == steady._cut(logarithms)
