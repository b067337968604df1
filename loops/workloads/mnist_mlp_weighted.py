"""The small classifier of handwritten digits whose samples count differently: `sample_weight` times `class_weight`.

Keras multiplies the two and divides the weighted loss by the batch size, not by the sum of the weights. The idea is
that of the Keras guide "Customizing what happens in `fit()`", the weights are ours.
"""

from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Digits, Samples, Track, Workload
from loops.workloads.digits import (
    CLASSES,
    HIDDEN_UNITS,
    build_accuracy,
    build_cross_entropy,
    build_mlp,
    digit_samples,
    mlp_weights,
)

CLASS_WEIGHTS = np.linspace(0.5, 1.5, CLASSES)
"""How much each class counts: zeros half, nines one and a half."""


@final
class MnistMlpWeighted(Workload):
    """As `mnist-mlp`, every batch with weights."""

    name: ClassVar[str] = "mnist-mlp-weighted"
    metric_name: ClassVar[str] = "accuracy"
    training_samples: ClassVar[int] = 50_000
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"
    learning_rate: ClassVar[float] = 1e-3
    torch_loss: ClassVar[str] = "CrossEntropyLoss"
    hidden_units: int = HIDDEN_UNITS

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return images, labels and training weights; validation samples count alike."""
        training, validation = digit_samples(digits, track=track, backend=backend, seed=seed)
        labels = training.targets.argmax(axis=1) if training.one_hot else training.targets
        of_sample = np.random.default_rng(seed + 1).uniform(0.5, 1.5, len(labels))
        weights = (of_sample * CLASS_WEIGHTS[labels]).astype(np.float32)
        return replace(training, weights=weights), validation

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
