"""Shares of a step from processes that left parts out."""

from dataclasses import replace

import pytest

from bench.breakdown import DATA, REST, break_down
from bench.records import Ablation


@pytest.fixture
def process(make_cell, make_trial):
    """Return a function: microseconds with more and more left out -> a process that found them."""

    def process(*microseconds, **fields):
        names = ("metric", "optimizer", "backward", "forward")
        ladder = tuple(
            Ablation(left_out=names[:place], step_seconds=1e-6 * time) for place, time in enumerate(microseconds)
        )
        return replace(make_trial(make_cell("a")), ablations=ladder, **fields)

    return process


def test_parts_add_up_to_the_step(process):
    """To the last digit, whatever the processes found."""
    times = (400, 390, 260, 110, 60), (420, 400, 270, 100, 50), (437, 401, 263, 97, 55)

    found = break_down([process(*one, pipeline_seconds=2e-6) for one in times])

    assert ["metric", "optimizer", "backward", "forward", DATA, REST] == list(found.parts)
    assert pytest.approx(found.step, rel=1e-12) == sum(found.parts.values())
    assert pytest.approx(1e-6 * (10 + 20 + 36) / 3) == found.parts["metric"]
    assert pytest.approx(2e-6) == found.parts[DATA]
    assert pytest.approx(1e-6 * (58 + 48 + 53) / 3) == found.parts[REST]


def test_a_part_that_could_not_be_left_out_is_in_the_rest(process):
    """No zero is made up for it."""
    found = break_down([process(400, 390)])

    assert {"metric": pytest.approx(10e-6), REST: pytest.approx(390e-6)} == found.parts


def test_a_compiled_step_has_a_pipeline_and_no_parts(process):
    """What can be had is told."""
    found = break_down([process(pipeline_seconds=2e-6, step_alone_seconds=300e-6)])

    assert (None, {}, 2e-6, 300e-6) == (found.step, found.parts, found.pipeline, found.step_alone)


def test_a_step_that_a_framework_runs_alone_has_nothing_to_tell(process):
    """Asked all the same."""
    found = break_down([process()])

    assert (None, {}, None, None) == (found.step, found.parts, found.pipeline, found.step_alone)


def test_no_process_has_no_breakdown():
    """All of them failed."""
    assert None is break_down([])
