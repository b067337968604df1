"""The number that a process counts with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from bench.records.trial import BlockKind, Trial, interquartile_mean


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


def test_a_trial_knows_its_blocks_by_why_they_were_run(make_cell, make_block):
    """In their order."""
    kinds = [BlockKind.FIRST, BlockKind.WARM_UP, BlockKind.WARM_UP, BlockKind.MEASURED, BlockKind.CLOSING]
    blocks = tuple(make_block(kind, seconds=float(number)) for number, kind in enumerate(kinds, start=1))
    trial = Trial(cell=make_cell(), round=0, blocks=blocks)

    assert [blocks[3]] == list(trial.blocks_of(BlockKind.MEASURED))
    assert (1.0, 5.0) == (trial.first_step_seconds, trial.warm_up_seconds)


def test_a_trial_that_failed_at_once_has_no_times(make_cell):
    """None is "not available"; zero would be a time."""
    trial = Trial(cell=make_cell(), round=0)

    assert (None, None, ()) == (
        trial.first_step_seconds,
        trial.warm_up_seconds,
        trial.blocks_of(BlockKind.MEASURED),
    )


def test_the_time_of_a_step_is_its_share_of_the_block(make_block):
    """Wall time."""
    assert pytest.approx(0.01) == make_block(steps=15, seconds=0.15).step_seconds
