"""A small classifier of handwritten digits: 784 -> 64 -> 64 -> 10, sparse categorical cross-entropy, Adam or SGD.

The model of the Keras guides "Writing a training loop from scratch" in TensorFlow and in PyTorch.
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


class DigitClassifier(Workload):
    """Digits in, ten logits out; what an optimizer makes of it is left open."""

    metric_name: ClassVar[str] = "accuracy"
    training_samples: ClassVar[int] = 50_000
    learning_rate: ClassVar[float] = 1e-3
    torch_loss: ClassVar[str] = "CrossEntropyLoss"
    hidden_units: int = HIDDEN_UNITS

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return images and labels as `loops.workloads.digits` lays them out."""
        return digit_samples(digits, track=track, backend=backend, seed=seed)

    def build_model(self, *, seed: int) -> Any:
        """Return the Keras model; the output is logits of shape (batch, 10)."""
        return build_mlp(units=self.hidden_units, seed=seed)

    def initial_weights(self, *, seed: int) -> list[NDArray[np.float32]]:
        """Return what the Keras model starts from."""
        return mlp_weights(units=self.hidden_units, seed=seed)

    def build_loss(self, *, one_hot: bool) -> Any:
        """Return cross-entropy from logits, averaged over the batch."""
        return build_cross_entropy(one_hot=one_hot)

    def build_metric(self, *, one_hot: bool) -> Any:
        """Return accuracy."""
        return build_accuracy(one_hot=one_hot)


@final
class MnistMlp(DigitClassifier):
    """The small classifier of handwritten digits, 784 -> 64 -> 64 -> 10, trained by Adam in batches of 32."""

    name: ClassVar[str] = "mnist-mlp"
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"


@final
class MnistMlpSgd(DigitClassifier):
    """The small classifier of handwritten digits, trained by plain gradient descent in batches of 64.

    The recipe of the older edition of the guide in TensorFlow; the optimizer keeps no state.
    """

    name: ClassVar[str] = "mnist-mlp-sgd"
    batch_size: ClassVar[int] = 64
    optimizer: ClassVar[str] = "SGD"
