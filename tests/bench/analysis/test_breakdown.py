"""Shares of a step from processes that left parts out."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats.mstats import trimmed_mean_ci

from bench.analysis.breakdown import DATA, REST, _half_width_of_middle, break_down
from bench.records.trial import Ablation

PART_NAMES = ("metric", "optimizer", "backward", "forward")


@pytest.fixture
def process(make_cell, make_trial):
    """Return a function: microseconds with more and more left out -> a process that found them."""

    def process(*microseconds, number=0, **fields):
        ladder = tuple(
            Ablation(left_out=PART_NAMES[:place], step_seconds=1e-6 * time) for place, time in enumerate(microseconds)
        )
        return replace(make_trial(make_cell("a"), round=number), ablations=ladder, **fields)

    return process


def test_parts_add_up_to_the_step_that_is_ranked(process):
    """Each is what leaving it out saved."""
    found = break_down([process(400, 390, 260, 110, 60, pipeline_seconds=2e-6)], steps={0: 400e-6})

    times = {"metric": 10, "optimizer": 130, "backward": 150, "forward": 50, DATA: 2, REST: 58}
    assert {name: pytest.approx(1e-6 * time) for name, time in times.items()} == found.parts
    assert pytest.approx(400e-6, rel=1e-12) == sum(found.parts.values())
    assert pytest.approx(1.0) == found.agreement


def test_a_machine_that_changed_its_speed_in_between_moves_no_share(process):
    """It was half as fast again when one process left parts out, and the whole step beside them says so."""
    quick, slow = process(400, 300, 100), process(600, 450, 150, number=1)

    found = break_down([quick, slow], steps={0: 400e-6, 1: 400e-6})

    assert {"metric": 100e-6, "optimizer": 200e-6, REST: 100e-6} == pytest.approx(found.parts)
    assert pytest.approx(1.25) == found.agreement


def test_one_odd_process_does_not_spoil_the_agreement(process):
    """A median, since a single process may take twice as long."""
    processes = [process(time, 100, number=number) for number, time in enumerate([400, 404, 800])]

    found = break_down(processes, steps=dict.fromkeys(range(3), 400e-6))

    assert pytest.approx(1.01) == found.agreement


def test_a_part_that_could_not_be_left_out_is_in_the_rest(process):
    """No zero is made up for it."""
    found = break_down([process(400, 390)], steps={0: 400e-6})

    assert {"metric": pytest.approx(10e-6), REST: pytest.approx(390e-6)} == found.parts


def test_a_compiled_step_has_a_pipeline_and_no_parts(process):
    """What can be had is told."""
    found = break_down([process(pipeline_seconds=2e-6, step_alone_seconds=300e-6)], steps={0: 400e-6})

    assert (None, {}, 2e-6, 300e-6) == (found.agreement, found.parts, found.pipeline, found.step_alone)


def test_a_step_that_a_framework_runs_alone_has_nothing_to_tell(process):
    """Asked all the same."""
    found = break_down([process()], steps={0: 400e-6})

    assert (None, {}, None, None) == (found.agreement, found.parts, found.pipeline, found.step_alone)


def test_over_several_rounds_a_part_has_an_interval(process):
    """Student's, over the shares of the rounds."""
    processes = [process(400, 400 - saved, number=number) for number, saved in enumerate([100, 104, 96])]

    found = break_down(processes, steps=dict.fromkeys(range(3), 400e-6))

    assert pytest.approx(100e-6) == found.parts["metric"]
    assert pytest.approx((100e-6 - 9.94e-6, 100e-6 + 9.94e-6), rel=1e-3) == (
        found.bounds["metric"].low,
        found.bounds["metric"].high,
    )


def test_of_one_process_a_part_has_the_interval_of_its_blocks(process):
    """Each against the block before it in its turn, so that a slower machine moves no part."""
    ladder = (
        Ablation(left_out=(), step_seconds=400e-6, block_step_seconds=(400e-6, 800e-6, 402e-6, 398e-6)),
        Ablation(left_out=("fit step",), step_seconds=100e-6, block_step_seconds=(99e-6, 501e-6, 101e-6, 99e-6)),
    )

    found = break_down([replace(process(), ablations=ladder)], steps={0: 400e-6})

    assert {"fit step": pytest.approx(300e-6), REST: pytest.approx(100e-6)} == found.parts
    assert 280e-6 < found.bounds["fit step"].low < 300e-6 < found.bounds["fit step"].high < 320e-6
    assert REST not in found.bounds


def test_a_part_that_saved_nothing_has_an_interval_that_holds_nothing(process):
    """Its number may be negative; what can be said is how much it is at most."""
    processes = [process(400, 400 + more, number=number) for number, more in enumerate([20, -10, 5])]

    found = break_down(processes, steps=dict.fromkeys(range(3), 400e-6))

    assert found.parts["metric"] < 0.0
    assert found.bounds["metric"].low < 0.0 < found.bounds["metric"].high


def test_no_process_has_no_breakdown():
    """All of them failed."""
    assert None is break_down([], steps={})


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_a_middle_is_that_of_trimmed_means(seed):
    """As SciPy has it, which cuts as many off each end."""
    values = np.random.default_rng(seed).standard_normal(12) ** 3

    low, high = trimmed_mean_ci(values, limits=(0.25, 0.25), alpha=0.05)

    assert pytest.approx((high - low) / 2.0) == _half_width_of_middle(values.tolist())
