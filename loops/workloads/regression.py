"""A linear model on random numbers, so small that a step is nothing but the cost of making one.

The toy of the Keras guide "Customizing what happens in `fit()`".
"""

from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Digits, Samples, Track, Workload
from loops.workloads.toy_regression import (
    SAMPLES,
    build_absolute_error,
    build_linear,
    build_squared_error,
    linear_weights,
    random_samples,
)


@final
class Regression(Workload):
    """32 random numbers in, one out."""

    name: ClassVar[str] = "regression"
    metric_name: ClassVar[str] = "mean absolute error"
    training_samples: ClassVar[int] = SAMPLES
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"
    learning_rate: ClassVar[float] = 1e-3
    torch_loss: ClassVar[str] = "MSELoss"

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return random numbers; the digits are not used."""
        del digits, track, backend
        return random_samples(seed=seed)

    def build_model(self, *, seed: int) -> Any:
        """Return the Keras model; the output has shape (batch, 1)."""
        return build_linear(seed=seed)

    def initial_weights(self, *, seed: int) -> list[NDArray[np.float32]]:
        """Return what the Keras model starts from."""
        return linear_weights(seed=seed)

    def build_loss(self, *, one_hot: bool) -> Any:
        """Return mean squared error."""
        del one_hot
        return build_squared_error()

    def build_metric(self, *, one_hot: bool) -> Any:
        """Return mean absolute error."""
        del one_hot
        return build_absolute_error()
