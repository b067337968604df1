"""The small classifier of handwritten digits whose samples count differently: `sample_weight` times `class_weight`.

Keras multiplies the two and divides the weighted loss by the batch size, not by the sum of the weights. The idea is
that of the Keras guide "Customizing what happens in `fit()`", the weights are ours.
"""

from dataclasses import replace
from typing import ClassVar, final

import numpy as np

from loops.contract import Digits, Samples, Track
from loops.workloads.digits import CLASSES, digit_samples
from loops.workloads.mnist_mlp import DigitClassifier

CLASS_WEIGHTS = np.linspace(0.5, 1.5, CLASSES)
"""How much each class counts: zeros half, nines one and a half."""


@final
class MnistMlpWeighted(DigitClassifier):
    """As `mnist-mlp`, every batch with weights."""

    name: ClassVar[str] = "mnist-mlp-weighted"
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return images, labels and training weights; validation samples count alike."""
        training, validation = digit_samples(digits, track=track, backend=backend, seed=seed)
        labels = training.targets.argmax(axis=1) if training.one_hot else training.targets
        of_sample = np.random.default_rng(seed + 1).uniform(0.5, 1.5, len(labels))
        weights = (of_sample * CLASS_WEIGHTS[labels]).astype(np.float32)
        return replace(training, weights=weights), validation
