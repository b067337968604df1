"""The number that a process counts with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from bench.records.trial import interquartile_mean


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60))
def test_the_interquartile_mean_agrees_with_scipys_trimmed_mean(values):
    """A quarter cut off at each end, rounded down."""
    assert pytest.approx(trim_mean(values, 0.25)) == interquartile_mean(values)


def test_the_interquartile_mean_withstands_a_quarter_of_disturbed_blocks():
    """Six of 24, however slow they were."""
    calm = interquartile_mean([1.0] * 24)

    assert calm == interquartile_mean([1.0] * 18 + [50.0] * 6)


def test_the_interquartile_mean_varies_less_than_the_median():
    """Of normal noise: asymptotically 1.19 times the variance of the mean, where the median has pi / 2 times."""
    samples = np.random.default_rng(0).normal(loc=10.0, size=(4000, 24))

    ours = np.var([interquartile_mean(row) for row in samples.tolist()])

    assert ours < 0.85 * np.var(np.median(samples, axis=1))


def test_nothing_has_no_interquartile_mean():
    """An empty process is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least one value"):
        interquartile_mean([])
