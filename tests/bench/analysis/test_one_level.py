"""Many processes at once are judged as each one alone."""

from pathlib import Path

import numpy as np
import pytest

from bench.analysis.one_level import stay_on_one_level
from bench.analysis.process import step_seconds_of, trial_step_seconds
from bench.analysis.steady import steady_state
from bench.records import loading

REFERENCE = Path(__file__).resolve().parents[3] / "results" / "reference"


@pytest.mark.parametrize("name", ["default", "guides", "sweep"])
def test_published_trials_count_alike_one_by_one_and_together(name):
    """To the last digit, in every trial that was published."""
    run = loading.load(REFERENCE / name)
    trials = (*run.trials, *run.calibration)

    assert [trial_step_seconds(trial) for trial in trials] == step_seconds_of(trials)


@pytest.mark.parametrize("blocks", [3, 6, 10, 24])
def test_whoever_is_let_pass_has_no_block_left_out(blocks):
    """Noise, late steps, warm-up and drift, each in some of the processes."""
    random = np.random.default_rng(blocks)
    series = np.exp(random.standard_t(3, (60, blocks)) * 0.03)
    series[:15, : blocks // 3] *= 1.2
    series[15:30, -1] *= 1.5
    series[30:45] *= np.linspace(1.0, 1.3, blocks)

    passed = stay_on_one_level(series.tolist())

    assert any(passed)
    for steps, one in zip(series.tolist(), passed, strict=True):
        found = steady_state(steps)
        assert not one or found is None or found.start in {None, 0}


def test_trials_without_numbers_count_nothing(make_trial, make_cell, make_failure):
    """A failed one, and one that never came to measured blocks."""
    trials = [
        make_trial(make_cell(), failure=make_failure()),
        make_trial(make_cell(), blocks=0),
        make_trial(make_cell()),
    ]

    found = step_seconds_of(trials)

    assert [None, None, trial_step_seconds(trials[2])] == found
