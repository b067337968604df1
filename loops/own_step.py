"""Gives any Keras model a training step of a loop's own: functional, Sequential or subclassed."""

from typing import Any

from loops.workloads.refused import refuse_own_step


def with_own_step(model: Any, step: type) -> Any:
    """Return the model itself, its methods those of another class wherever that has them.

    To build a second model of the first one's inputs and outputs, as the guides do, works for functional ones only.

    Args:
        model: Of Keras.
        step: A subclass of `keras.Model` that writes `train_step` and `test_step`, and no `__init__`.

    Raises:
        UnsupportedCell: If the model writes its own `train_step`, which would be lost.
    """
    refuse_own_step(model)
    # Keras and PyTorch watch what is assigned to a model, and want to hear nothing of this.
    object.__setattr__(model, "__class__", type(step.__name__, (step, type(model)), {}))
    return model
