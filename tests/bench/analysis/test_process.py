"""What one process counts: its steady blocks, and nothing of one that failed."""

from dataclasses import replace

import pytest

from bench.analysis import process
from bench.records.trial import BlockKind, Failure, FailureKind

FAILURE = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")


def test_only_measured_blocks_count(make_trial, make_cell):
    """Neither the first call nor the warm-up reach the step time."""
    trial = make_trial(make_cell("tf-eager"), step=0.01, noise=0.0)
    slow_start = [
        replace(block, seconds=99.0) if block.kind is not BlockKind.MEASURED else block for block in trial.blocks
    ]

    assert pytest.approx(0.01) == process.trial_step_seconds(replace(trial, blocks=tuple(slow_start)))


def test_a_trial_that_failed_has_no_step_time(make_trial, make_cell):
    """What it measured before it failed is kept raw, and not used."""
    assert process.trial_step_seconds(make_trial(make_cell(), failure=FAILURE)) is None


def test_blocks_of_a_warm_up_that_shows_are_left_out(make_trial, make_cell):
    """Four blocks at twice the time, then six that hold still: the step time is theirs."""
    trial = make_trial(make_cell("tf-eager"), noise=0.0, step=1e-3)
    slow = iter([2.0] * 4)
    blocks = [
        replace(block, seconds=next(slow, 1.0) * 1e-3 * block.steps) if block.kind is BlockKind.MEASURED else block
        for block in trial.blocks
    ]

    assert pytest.approx(1e-3) == process.trial_step_seconds(replace(trial, blocks=tuple(blocks)))
