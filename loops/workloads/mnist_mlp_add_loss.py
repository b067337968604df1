"""The small classifier of handwritten digits with a layer between its hidden ones that adds a loss of its own.

The layer of the Keras guides' sections on losses tracked by the model: it passes its input on and adds 0.01 times its
sum to the loss, over the whole batch and not divided by it.
"""

from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Digits, Samples, Track, Workload
from loops.workloads.digits import (
    HIDDEN_UNITS,
    build_accuracy,
    build_cross_entropy,
    build_mlp,
    digit_samples,
    mlp_weights,
)

RATE = 1e-2
"""Of the tracked loss, as in the guides."""


@final
class MnistMlpAddLoss(Workload):
    """As `mnist-mlp`, with one tracked loss."""

    name: ClassVar[str] = "mnist-mlp-add-loss"
    metric_name: ClassVar[str] = "accuracy"
    training_samples: ClassVar[int] = 50_000
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"
    learning_rate: ClassVar[float] = 1e-3
    torch_loss: ClassVar[str] = "CrossEntropyLoss"
    tracks_losses: ClassVar[bool] = True
    activity_penalty: ClassVar[float] = RATE
    hidden_units: int = HIDDEN_UNITS

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return images and labels as `loops.workloads.digits` lays them out."""
        return digit_samples(digits, track=track, backend=backend, seed=seed)

    def build_model(self, *, seed: int) -> Any:
        """Return the Keras model; `model.losses` holds the tracked loss of the latest call."""
        return build_mlp(units=self.hidden_units, seed=seed, between=_activity_regularization)

    def initial_weights(self, *, seed: int) -> list[NDArray[np.float32]]:
        """Return what the Keras model starts from."""
        return mlp_weights(units=self.hidden_units, seed=seed)

    def build_loss(self, *, one_hot: bool) -> Any:
        """Return cross-entropy from logits, averaged over the batch."""
        return build_cross_entropy(one_hot=one_hot)

    def build_metric(self, *, one_hot: bool) -> Any:
        """Return accuracy."""
        return build_accuracy(one_hot=one_hot)


def _activity_regularization() -> Any:
    """Return the layer; its class is made here because its base is only known once a backend is."""
    import keras  # noqa: PLC0415 - the trial chooses the backend before this runs

    class ActivityRegularization(keras.layers.Layer):
        """Passes its input on and adds 0.01 times the sum of it to the loss."""

        def call(self, inputs: Any) -> Any:
            """Add the loss."""
            self.add_loss(RATE * keras.ops.sum(inputs))
            return inputs

    return ActivityRegularization()
