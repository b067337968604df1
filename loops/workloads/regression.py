"""A linear model on random numbers, so small that a step is nothing but the cost of making one.

The toy of the Keras guide "Customizing what happens in `fit()`", and that of its section on `sample_weight`.
"""

from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from loops.contract import Digits, Samples, Track, Workload
from loops.workloads.initial_weights import glorot_uniform

FEATURES = 32
SAMPLES = 1000
"""For training; as many again for validation."""


class RandomNumbers(Workload):
    """32 random numbers in, one out: mean squared error, Adam."""

    metric_name: ClassVar[str] = "mean absolute error"
    training_samples: ClassVar[int] = SAMPLES
    batch_size: ClassVar[int] = 32
    optimizer: ClassVar[str] = "Adam"
    learning_rate: ClassVar[float] = 1e-3
    torch_loss: ClassVar[str] = "MSELoss"
    weighted: ClassVar[bool]
    """Whether training samples get random weights in 0..1."""

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return inputs (1000, 32) and targets (1000, 1), float32, uniform in 0..1; the digits are not used.

        The guide draws them anew for every system; here both tracks and every backend get the same ones, there being
        no other pipeline to compare.
        """
        del digits, track, backend
        generator = np.random.default_rng(seed)
        training, validation = _draw(generator), _draw(generator)
        if self.weighted:
            training = replace(training, weights=generator.random(SAMPLES, np.float32))
        return training, validation

    def build_model(self, *, seed: int) -> Any:
        """Return the Keras model 32 -> 1, 33 parameters; the output has shape (batch, 1)."""
        import keras  # noqa: PLC0415 - the trial chooses the backend before this runs

        inputs = keras.Input(shape=(FEATURES,))
        model = keras.Model(inputs=inputs, outputs=keras.layers.Dense(1)(inputs))
        model.set_weights(self.initial_weights(seed=seed))
        return model

    def initial_weights(self, *, seed: int) -> list[NDArray[np.float32]]:
        """Return what the Keras model starts from: kernel and bias."""
        return glorot_uniform([(FEATURES, 1), (1,)], seed=seed)

    def build_loss(self, *, one_hot: bool) -> Any:
        """Return mean squared error."""
        import keras  # noqa: PLC0415

        del one_hot
        return keras.losses.MeanSquaredError()

    def build_metric(self, *, one_hot: bool) -> Any:
        """Return mean absolute error."""
        import keras  # noqa: PLC0415

        del one_hot
        return keras.metrics.MeanAbsoluteError(name="mae")


@final
class Regression(RandomNumbers):
    """A linear model on random numbers, so small that a step is nothing but the cost of making one."""

    name: ClassVar[str] = "regression"
    weighted: ClassVar[bool] = False


@final
class RegressionWeighted(RandomNumbers):
    """The linear model on random numbers, each sample with a random weight."""

    name: ClassVar[str] = "regression-weighted"
    weighted: ClassVar[bool] = True


def _draw(generator: np.random.Generator) -> Samples:
    """Return the next samples."""
    return Samples(
        inputs=generator.random((SAMPLES, FEATURES), np.float32), targets=generator.random((SAMPLES, 1), np.float32)
    )
