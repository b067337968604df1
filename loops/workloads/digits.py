"""What the digit classifiers have in common: arrays, model, loss and metric."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loops.contract import Digits, Samples, Track
from loops.workloads.initial_weights import glorot_uniform

PIXELS = 28 * 28
CLASSES = 10
HIDDEN_UNITS = 64
"""Of each of the two hidden layers, as the guides have them."""


def digit_samples(digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
    """Return flattened training and validation images with their labels.

    On `matched`, inputs are float32 of shape (samples, 784) scaled to 0..1, in one random order drawn from ``seed``,
    with int64 class indices. On `guide`, pixels stay 0..255 in the order of the archive, because the pipeline
    shuffles: uint8 with integer labels for TensorFlow, float32 with one-hot labels for PyTorch.
    """
    train_inputs = digits.train_images.reshape(-1, PIXELS)
    validation_inputs = digits.validation_images.reshape(-1, PIXELS)
    if track is Track.MATCHED:
        order = np.random.default_rng(seed).permutation(len(train_inputs))
        training = Samples(inputs=_scaled(train_inputs[order]), targets=digits.train_labels[order].astype(np.int64))
        return training, Samples(inputs=_scaled(validation_inputs), targets=digits.validation_labels.astype(np.int64))
    if backend == "torch":
        one_hot = np.eye(CLASSES, dtype=np.float32)
        return (
            Samples(inputs=train_inputs.astype(np.float32), targets=one_hot[digits.train_labels]),
            Samples(inputs=validation_inputs.astype(np.float32), targets=one_hot[digits.validation_labels]),
        )
    return (
        Samples(inputs=train_inputs, targets=digits.train_labels),
        Samples(inputs=validation_inputs, targets=digits.validation_labels),
    )


def build_mlp(*, units: int, seed: int, between: Callable[[], Any] | None = None) -> Any:
    """Return the Keras model 784 -> units -> units -> 10, hidden layers rectified; 55 050 parameters with 64 units.

    Args:
        units: Of each hidden layer.
        seed: Of the initial weights.
        between: Builds a layer to stand between the two hidden ones.
    """
    import keras  # noqa: PLC0415 - the trial chooses the backend before this runs

    inputs = keras.Input(shape=(PIXELS,), name="digits")
    hidden = keras.layers.Dense(units, activation="relu")(inputs)
    if between is not None:
        hidden = between()(hidden)
    hidden = keras.layers.Dense(units, activation="relu")(hidden)
    outputs = keras.layers.Dense(CLASSES, name="predictions")(hidden)
    model = keras.Model(inputs=inputs, outputs=outputs)
    model.set_weights(mlp_weights(units=units, seed=seed))
    return model


def mlp_weights(*, units: int, seed: int) -> list[NDArray[np.float32]]:
    """Return initial kernels and biases of 784 -> units -> units -> 10."""
    widths = (PIXELS, units, units, CLASSES)
    return glorot_uniform([shape for fans in pairwise(widths) for shape in (fans, fans[1:])], seed=seed)


def build_cross_entropy(*, one_hot: bool) -> Any:
    """Return Keras' cross-entropy from logits, averaged over the batch."""
    import keras  # noqa: PLC0415

    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=True)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def build_accuracy(*, one_hot: bool) -> Any:
    """Return Keras' metric: the share of samples whose largest logit is the right class."""
    import keras  # noqa: PLC0415

    if one_hot:
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


def _scaled(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels as float32 in 0..1."""
    scaled = pixels.astype(np.float32)
    scaled /= np.float32(255.0)  # in place: a second array of all images costs every process 0.1 s
    return scaled
