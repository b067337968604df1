"""What the regression workloads have in common: random arrays, a linear model, mean squared error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from loops.contract import Samples
from loops.workloads.initial_weights import glorot_uniform

FEATURES = 32
SAMPLES = 1000
"""For training; as many again for validation."""


def random_samples(*, seed: int, weighted: bool = False) -> tuple[Samples, Samples]:
    """Return training and validation samples: inputs (1000, 32) and targets (1000, 1), float32, uniform in 0..1.

    The guide draws them anew for every system; here both tracks and every backend get the same ones, there being no
    other pipeline to compare.

    Args:
        seed: Same seed, same samples.
        weighted: Whether training samples get random weights in 0..1.
    """
    generator = np.random.default_rng(seed)

    def draw() -> Samples:
        return Samples(
            inputs=generator.random((SAMPLES, FEATURES), np.float32), targets=generator.random((SAMPLES, 1), np.float32)
        )

    training, validation = draw(), draw()
    if not weighted:
        return training, validation
    weights = generator.random(SAMPLES, np.float32)
    return Samples(inputs=training.inputs, targets=training.targets, weights=weights), validation


def build_linear(*, seed: int) -> Any:
    """Return the Keras model 32 -> 1; 33 parameters."""
    import keras  # noqa: PLC0415 - the trial chooses the backend before this runs

    inputs = keras.Input(shape=(FEATURES,))
    model = keras.Model(inputs=inputs, outputs=keras.layers.Dense(1)(inputs))
    model.set_weights(linear_weights(seed=seed))
    return model


def linear_weights(*, seed: int) -> list[NDArray[np.float32]]:
    """Return initial kernel and bias of 32 -> 1."""
    return glorot_uniform([(FEATURES, 1), (1,)], seed=seed)


def build_squared_error() -> Any:
    """Return Keras' mean squared error."""
    import keras  # noqa: PLC0415

    return keras.losses.MeanSquaredError()


def build_absolute_error() -> Any:
    """Return Keras' metric mean absolute error."""
    import keras  # noqa: PLC0415

    return keras.metrics.MeanAbsoluteError(name="mae")
