"""What of a user's compiled model one loop or one framework cannot train as `fit()` would, each with its reason."""

from inspect import signature
from typing import Any

import keras

from loops import recipe
from loops.contract import Samples
from loops.errors import UnsupportedCell


def refuse_own_step(model: Any) -> None:
    """Refuse a model with its own training step where a loop would train it without that.

    Raises:
        UnsupportedCell: If it has one.
    """
    if recipe.trains_itself(model):
        raise UnsupportedCell(
            f"{type(model).__name__} writes its own train_step, which only fit() and train_on_batch() call; see "
            "tf-fit-stock, torch-fit-stock and jax-fit-stock"
        )


def refuse_parts_of_none(model: Any, samples: Samples) -> None:
    """Refuse a model with its own training step where that is handed None for weights that there are none of.

    Raises:
        UnsupportedCell: If it is one: such steps take (x, y) apart, as `fit()` hands it over.
    """
    if recipe.trains_itself(model) and samples.weights is None:
        parts = (
            "x and train_on_batch() (x, None, None)"
            if samples.targets is None
            else ("(x, y) and train_on_batch() (x, y, None)")
        )
        raise UnsupportedCell(
            f"{type(model).__name__} writes its own train_step, to which fit() hands {parts}; see tf-fit-stock"
        )


def refuse_foreign_step(model: Any) -> None:
    """Refuse a training step of the model's own that is written for another framework.

    Raises:
        UnsupportedCell: If it does not take what Keras hands over here: JAX's gets a state before the batch.
    """
    backend = keras.backend.backend()
    takes = ("state", "data") if backend == "jax" else ("data",)
    if not recipe.trains_itself(model):
        return
    try:
        signature(model.train_step).bind(*takes)
    except TypeError:
        raise UnsupportedCell(
            f"{type(model).__name__} writes a train_step for another framework: on {backend}, Keras calls "
            f"train_step({', '.join(takes)})"
        ) from None


def refuse_many_steps(model: Any) -> None:
    """Refuse several steps per call where `fit()` itself does.

    Raises:
        UnsupportedCell: In Keras' words.
    """
    if model.steps_per_execution == 1:
        return
    try:
        model.make_train_function()
    except ValueError as error:
        raise UnsupportedCell(f"fit() refuses the model: {error}") from error


def refuse_unbuilt(model: Any, batch: tuple[Any, ...]) -> None:
    """Refuse a model that trains itself and has no forward pass where `fit()` wants one to begin with.

    Args:
        model: Of Keras.
        batch: What stands for one of its batches.

    Raises:
        UnsupportedCell: In Keras' words; on TensorFlow, `fit()` builds a model as it is trained.
    """
    if keras.backend.backend() == "tensorflow" or all(layer.built for layer in model._flatten_layers()):  # noqa: SLF001
        return
    try:
        model._symbolic_build(data_batch=batch)  # noqa: SLF001 - what `fit()` does before its first step
    except RuntimeError as error:
        raise UnsupportedCell(
            f"fit() refuses the model: {str(error).partition('. ')[0]}; set self.built = True"
        ) from error


def refuse_state_in_place(model: Any) -> None:
    """Refuse a stateful RNN that Keras cannot train on PyTorch, also by `fit()`.

    Raises:
        UnsupportedCell: For cells that compute with their state: the next one is written over it before the gradient.
    """
    if keras.backend.backend() != "torch":
        return
    for layer in model._flatten_layers():  # noqa: SLF001 - of layers in layers, Keras has no public list
        cell = getattr(layer, "cell", None)
        if getattr(layer, "stateful", False) and isinstance(cell, keras.layers.LSTMCell | keras.layers.GRUCell):
            raise UnsupportedCell(
                f"Keras cannot train a stateful {type(layer).__name__} on PyTorch, not even by fit(): the next state "
                "is written over the one that the gradient needs; see tf-fit-stock"
            )


def refuse_missing_parameters(model: Any, parameters: list[Any]) -> None:
    """Refuse a model whose `parameters()`, which PyTorch's optimizers are given, are not all that it trains.

    Raises:
        UnsupportedCell: If weights were added when PyTorch had been told of the others, as `enable_lora()` does.
    """
    given = set(map(id, parameters))
    missing = [variable.path for variable in model.trainable_weights if id(variable.value) not in given]
    if missing and not given.isdisjoint(id(variable.value) for variable in model.trainable_weights):
        raise UnsupportedCell(
            f"PyTorch's optimizer would train less: model.parameters() has no {', '.join(missing)}, which Keras added "
            "when PyTorch had been told of the others; see torch-keras"
        )
