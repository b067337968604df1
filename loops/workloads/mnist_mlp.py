"""A small classifier of handwritten digits: 784 -> 64 -> 64 -> 10, Adam, sparse categorical cross-entropy.

The model of the Keras guides "Writing a training loop from scratch" in TensorFlow and in PyTorch.
"""

from typing import Any, ClassVar, final

import numpy as np

from loops.contract import Digits, Samples, Track, Workload
from loops.workloads.initial_weights import glorot_uniform

PIXELS = 28 * 28
CLASSES = 10
HIDDEN_UNITS = 64


@final
class MnistMlp(Workload):
    """Digits in, ten logits out; 55 050 parameters."""

    name: ClassVar[str] = "mnist-mlp"
    training_samples: ClassVar[int] = 50_000
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"
    learning_rate: ClassVar[float] = 1e-3

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return flattened images and labels.

        On `matched`, inputs are float32 of shape (samples, 784) scaled to 0..1, in one random order drawn from
        ``seed``, with int64 class indices. On `guide`, pixels stay 0..255 in the order of the archive, because the
        pipeline shuffles: uint8 with integer labels for TensorFlow, float32 with one-hot labels for PyTorch.
        """
        train_inputs = digits.train_images.reshape(-1, PIXELS)
        validation_inputs = digits.validation_images.reshape(-1, PIXELS)
        train_labels, validation_labels = digits.train_labels, digits.validation_labels
        if track is Track.MATCHED:
            order = np.random.default_rng(seed).permutation(len(train_inputs))
            return (
                Samples(
                    inputs=train_inputs[order].astype(np.float32) / 255.0, targets=train_labels[order].astype(np.int64)
                ),
                Samples(
                    inputs=validation_inputs.astype(np.float32) / 255.0, targets=validation_labels.astype(np.int64)
                ),
            )
        if backend == "torch":
            one_hot = np.eye(CLASSES, dtype=np.float32)
            return (
                Samples(inputs=train_inputs.astype(np.float32), targets=one_hot[train_labels]),
                Samples(inputs=validation_inputs.astype(np.float32), targets=one_hot[validation_labels]),
            )
        return (
            Samples(inputs=train_inputs, targets=train_labels),
            Samples(inputs=validation_inputs, targets=validation_labels),
        )

    def build_model(self, *, seed: int) -> Any:
        """Return the Keras model; the output is logits of shape (batch, 10)."""
        import keras  # noqa: PLC0415 - the trial chooses the backend before this runs

        inputs = keras.Input(shape=(PIXELS,), name="digits")
        hidden = keras.layers.Dense(HIDDEN_UNITS, activation="relu")(inputs)
        hidden = keras.layers.Dense(HIDDEN_UNITS, activation="relu")(hidden)
        outputs = keras.layers.Dense(CLASSES, name="predictions")(hidden)
        model = keras.Model(inputs=inputs, outputs=outputs)
        model.set_weights(glorot_uniform([weight.shape for weight in model.weights], seed=seed))
        return model

    def build_loss(self, *, one_hot: bool) -> Any:
        """Return cross-entropy from logits, averaged over the batch."""
        import keras  # noqa: PLC0415

        if one_hot:
            return keras.losses.CategoricalCrossentropy(from_logits=True)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def build_metric(self, *, one_hot: bool) -> Any:
        """Return the share of samples whose largest logit is the right class."""
        import keras  # noqa: PLC0415

        if one_hot:
            return keras.metrics.CategoricalAccuracy(name="accuracy")
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
