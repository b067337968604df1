"""The arithmetic and the memory traffic that a step cannot do without, counted by hand."""

import pytest

from bench.records.prepared import PreparedWorkload
from bench.runs import roofline

ONE_LAYER = [(3, 2), (2,)]
TWO_LAYERS = [(3, 2), (2,), (2, 1), (1,)]


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


@pytest.fixture
def make_prepared():
    """Return a factory of what was prepared of a compiled model."""

    def make(**changes):
        return PreparedWorkload(
            **{
                "workload": "mine",
                "folder": "prepared-0",
                "sha256": "ab",
                "batch_size": 32,
                "fixed_batch_size": False,
                "training_samples": 1000,
                "validation_samples": 0,
                "policy": "float32",
                "operations": 3200,
                "state_bytes": 10**6,
                "sample_bytes": 100,
            }
            | changes
        )

    return make


def test_what_a_framework_counted_grows_with_the_batch(make_cell, make_prepared):
    """Weights and moments do not; they are read and written once a step."""
    needs = roofline.needs_of(make_cell(workload="mine", batch_size=256), prepared=[make_prepared()], seed=0)

    assert (25_600, 2 * 10**6 + 25_600, 10**6) == (needs.operations, needs.bytes, needs.state_bytes)


def test_a_copy_that_is_too_small_to_be_timed_is_not(make_cell, make_prepared):
    """The call would take the time, and the bound would be no bound."""
    needs = roofline.needs_of(make_cell(workload="mine"), prepared=[make_prepared(state_bytes=8)], seed=0)
    of_ours = roofline.needs_of(make_cell(workload="regression"), prepared=(), seed=0)

    assert (16 + 3200, 1 << 16) == (needs.bytes, needs.state_bytes)
    assert of_ours.bytes < of_ours.state_bytes == 1 << 16


def test_there_is_no_least_step_of_what_nobody_counted(make_cell, make_prepared):
    """Nor of what only another side has."""
    for prepared in ([], [make_prepared(operations=None)], [make_prepared(side="A")]):
        assert roofline.needs_of(make_cell(workload="mine"), prepared=prepared, seed=0) is None


def test_our_own_models_are_counted_by_hand(make_cell):
    """At the width that was asked for."""
    usual, wide = (roofline.needs_of(make_cell(width=width), prepared=(), seed=0) for width in (None, 128))

    assert (7_331_840, 1_421_552) == (usual.operations, usual.bytes)
    assert usual.operations < wide.operations
