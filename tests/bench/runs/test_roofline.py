"""The arithmetic and the memory traffic that a step cannot do without, counted by hand."""

import pytest

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
