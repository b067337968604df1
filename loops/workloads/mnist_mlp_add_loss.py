"""The small classifier of handwritten digits with a layer between its hidden ones that adds a loss of its own.

The layer of the Keras guides' sections on losses tracked by the model: it passes its input on and adds 0.01 times its
sum to the loss, over the whole batch and not divided by it.
"""

from typing import Any, ClassVar, final

from loops.workloads.digits import build_mlp
from loops.workloads.mnist_mlp import DigitClassifier

RATE = 1e-2
"""Of the tracked loss, as in the guides."""


@final
class MnistMlpAddLoss(DigitClassifier):
    """As `mnist-mlp`, with one tracked loss."""

    name: ClassVar[str] = "mnist-mlp-add-loss"
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"
    tracks_losses: ClassVar[bool] = True
    activity_penalty: ClassVar[float] = RATE

    def build_model(self, *, seed: int) -> Any:
        """Return the Keras model; `model.losses` holds the tracked loss of the latest call."""
        return build_mlp(units=self.hidden_units, seed=seed, between=_activity_regularization)


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
