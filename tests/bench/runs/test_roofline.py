"""The floor under a step: counted by hand, measured for real."""

from dataclasses import replace

import pytest

from bench.analysis import summary
from bench.machine import ceilings
from bench.records.stored_run import Floor
from bench.report import model, page, tables
from bench.runs import roofline
from bench.sides.launcher import Launcher

ONE_LAYER = [(3, 2), (2,)]
TWO_LAYERS = [(3, 2), (2,), (2, 1), (1,)]


@pytest.fixture
def make_floor():
    """Return a factory of floors: a million operations in 0.1 ms, a million bytes in 0.2 ms."""

    def make(**changes):
        return Floor(
            **{
                "workload": "mnist-mlp",
                "batch_size": 32,
                "threads": 1,
                "operations": 1_000_000,
                "bytes": 1_000_000,
                "operations_per_second": 1e10,
                "bytes_per_second": 5e9,
            }
            | changes
        )

    return make


def test_the_first_layer_needs_no_gradient_of_its_inputs():
    """Forward and the kernel's gradient: two products of 3 by 2 for each of five samples."""
    assert 2 * (2 * 3 * 2) * 5 == roofline.operations(ONE_LAYER, batch_size=5)


def test_later_layers_pass_a_gradient_on():
    """The second layer has a third product."""
    assert (2 * (2 * 3 * 2) + 3 * (2 * 2 * 1)) * 5 == roofline.operations(TWO_LAYERS, batch_size=5)


@pytest.mark.parametrize(("optimizer", "numbers_per_weight"), [("SGD", 1), ("Adam", 3)])
def test_weights_and_moments_are_read_and_written(optimizer, numbers_per_weight):
    """8 weights of 4 bytes there and back, and 5 samples of 3 inputs there."""
    moved = roofline.bytes_moved(ONE_LAYER, batch_size=5, optimizer=optimizer)

    assert 2 * 8 * 4 * numbers_per_weight + 5 * 3 * 4 == moved
    assert 8 * 4 * numbers_per_weight == roofline.state_bytes(ONE_LAYER, optimizer=optimizer)


def test_arithmetic_and_memory_may_overlap(make_floor):
    """So the larger of the two is the floor."""
    both = make_floor()

    assert (pytest.approx(1e-4), pytest.approx(2e-4)) == (both.arithmetic_seconds, both.memory_seconds)
    assert both.memory_seconds == both.step_seconds


def test_ceilings_are_measured_in_a_process_of_their_own():
    """A processor of this century does more than a billion operations a second, and none a thousand trillion."""
    with Launcher(interpreters={}, environment={}) as launcher:
        environment = launcher.environment(backend="numpy", device="cpu", threads=1)
    found = ceilings.measure(ceilings.Request(copied_bytes=(660_600,), stay_on=()), environment=environment)

    assert found is not None
    assert 1e9 < found.operations_per_second < 1e15
    assert 1e8 < found.bytes_per_second[660_600] < 1e13


def test_without_an_answer_there_is_no_floor(monkeypatch):
    """A report goes without it; nothing else depends on it."""
    monkeypatch.setattr(ceilings.sys, "executable", "/bin/false")

    assert ceilings.measure(ceilings.Request(copied_bytes=(), stay_on=()), environment={}) is None


def test_a_report_says_how_far_each_loop_is_from_the_floor(make_run, make_cell, make_floor):
    """As a multiple and as a share, with the formula beside it; step times of the fixture carry some noise."""
    run = make_run(
        cells=[make_cell("tf-eager"), make_cell("tf-function")], steps={"tf-eager": 2e-3, "tf-function": 4e-4}
    )
    run = replace(run, floors=(make_floor(),))

    (group,) = model.build(run).groups
    limit = tables.limit(group)

    assert {"tf-function": "2.01x", "tf-eager": "10.1x"} == {row.loop: row.above for row in group.limit}
    assert "1.00 million operations at 10.0 billion per second" in limit.caption
    assert any("tf-function takes 2.01 times as long as the least" in sentence for sentence in group.conclusions)
    assert "How far from the limit?" in page.to_html(model.build(run), plots=[[]], pictures=[[]], scaling=[])


def test_a_floor_holds_for_its_workload_batch_size_and_processor(make_run, make_cell, make_floor):
    """Another batch does other work, and a GPU is another machine."""
    run = make_run(cells=[make_cell("tf-eager")], steps={"tf-eager": 2e-3})

    assert summary.summarise(replace(run, floors=(make_floor(),)))[0].floor == make_floor()
    assert summary.summarise(replace(run, floors=(make_floor(batch_size=64),)))[0].floor is None
    assert replace(run, floors=(make_floor(),)).floor_of(make_cell("tf-eager", device="gpu")) is None
