"""What of a user's model PyTorch cannot train as fit() would."""

import pytest

from loops.errors import UnsupportedCell


@pytest.fixture(scope="module")
def refused(keras):
    """Return the module, which imports Keras."""
    from loops.workloads import refused

    return refused


@pytest.mark.parametrize(
    ("kind", "stateful", "trained"),
    [("LSTM", True, False), ("GRU", True, False), ("SimpleRNN", True, True), ("LSTM", False, True)],
)
def test_a_cell_that_computes_with_the_state_it_keeps_is_refused(keras, refused, kind, stateful, trained):
    """Also within `Bidirectional`, which has a layer for each way."""
    layer = keras.layers.Bidirectional(getattr(keras.layers, kind)(3, stateful=stateful))
    model = keras.Sequential([keras.Input(batch_shape=(4, 2, 1)), layer])

    if trained:
        refused.refuse_state_in_place(model)
        return
    with pytest.raises(UnsupportedCell, match=rf"cannot train a stateful {kind} on PyTorch"):
        refused.refuse_state_in_place(model)


def test_weights_that_pytorch_was_not_told_of_are_refused_by_name(keras, refused):
    """Its optimizer would leave them as they are; a loop with modules of its own has other parameters altogether."""
    dense = keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((2,)), dense])
    refused.refuse_missing_parameters(model, list(model.parameters()))
    refused.refuse_missing_parameters(model, [])

    dense.enable_lora(1)

    with pytest.raises(UnsupportedCell, match=r"has no \S+lora_kernel_a, \S+lora_kernel_b"):
        refused.refuse_missing_parameters(model, list(model.parameters()))
