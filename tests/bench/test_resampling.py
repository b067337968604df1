"""Resampling agrees with Student's t where both hold, and covers the truth."""

import numpy as np
import pytest

from bench.analysis import intervals
from bench.resampling import bootstrap_interval


def processes(generator, *, rounds, between, within, centre=1.0):
    """Return simulated blocks, ten per process."""
    logarithms = generator.normal(0.0, between, (rounds, 1)) + generator.normal(0.0, within, (rounds, 10))
    return (centre * np.exp(logarithms)).tolist()


def t_interval(base, new):
    """Return the interval that decides."""
    return intervals.ratio_interval([float(np.median(b)) for b in base], [float(np.median(n)) for n in new])


def test_it_agrees_with_t_where_many_rounds_differ_and_blocks_do_not():
    """Forty rounds: widths within 15 %, and the same estimate."""
    generator = np.random.default_rng(0)
    base, new = (processes(generator, rounds=40, between=0.01, within=1e-6) for _ in range(2))

    found, expected = bootstrap_interval(base, new, generator=generator), t_interval(base, new)

    assert pytest.approx(expected.estimate) == found.estimate
    assert pytest.approx(expected.relative_half_width, rel=0.15) == found.relative_half_width


@pytest.mark.parametrize(("rounds", "least"), [(6, 0.84), (12, 0.89)])
def test_it_covers_the_truth_about_as_often_as_it_says(rounds, least):
    """Nominal 95 %, noise between processes only: 91 % over six rounds, 95 % over twelve (- 3 standard errors)."""
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(150):
        base = processes(generator, rounds=rounds, between=0.01, within=0.0, centre=1.5)
        new = processes(generator, rounds=rounds, between=0.01, within=0.0)
        found = bootstrap_interval(base, new, generator=generator, resamples=400)
        hits += found.low < 1.5 < found.high

    assert hits / 150 > least


def test_noise_inside_processes_makes_it_wider_than_t():
    """Blocks are drawn anew although their noise is in the rounds already: it errs on the safe side."""
    generator = np.random.default_rng(2)
    base, new = (processes(generator, rounds=12, between=0.0, within=0.03) for _ in range(2))

    found, expected = bootstrap_interval(base, new, generator=generator), t_interval(base, new)

    assert found.relative_half_width > expected.relative_half_width


def test_the_same_generator_gives_the_same_interval():
    """A report can be made again."""
    base, new = (processes(np.random.default_rng(seed), rounds=5, between=0.01, within=0.01) for seed in (3, 4))

    first, second = (bootstrap_interval(base, new, generator=np.random.default_rng(5)) for _ in range(2))

    assert first == second


def test_processes_may_differ_in_their_number_of_blocks():
    """The medians are what is compared."""
    found = bootstrap_interval([[2.0, 2.0], [2.0]], [[1.0, 1.0, 1.0], [1.0, 1.0]], generator=np.random.default_rng(0))

    assert (pytest.approx(2.0), pytest.approx(2.0), pytest.approx(2.0)) == (found.estimate, found.low, found.high)


def test_one_round_has_an_estimate_and_no_interval():
    """There is nothing to draw from."""
    found = bootstrap_interval([[2.0, 2.2, 2.1]], [[1.0, 1.0]], generator=np.random.default_rng(0))

    assert (pytest.approx(2.1), None, None, 1) == (found.estimate, found.low, found.high, found.count)


def test_nothing_has_no_interval():
    """Without a round there is no estimate."""
    assert bootstrap_interval([], [], generator=np.random.default_rng(0)) is None


@pytest.mark.parametrize(
    ("base", "new", "message"),
    [([[1.0]], [], "cannot pair 1 rounds with 0"), ([[1.0]], [[]], "at least one block in every process")],
)
def test_what_cannot_be_compared_is_refused(base, new, message):
    """A ratio needs both loops in the same round."""
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(base, new, generator=np.random.default_rng(0))
