"""A model with a training step of its own: loops that use fit() call it, all others say why they cannot.

bench run tf-fit-stock torch-fit-stock jax-fit-stock --workload examples/own_training_step.py
"""

import keras
import numpy as np


class Mixup(keras.Model):
    """Trains on mixtures of each sample with its neighbour."""

    def train_step(self, *arguments):
        *state, (x, y) = arguments  # only JAX hands over a state
        x, y = (0.7 * part + 0.3 * keras.ops.roll(part, 1, axis=0) for part in (x, y))
        return super().train_step(*state, (x, y))


def model():
    inputs = keras.Input((16,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(32, activation="gelu")(inputs))
    m = Mixup(inputs, keras.layers.Dense(1)(hidden))
    m.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), loss="mse", metrics=["mae"])
    return m


def data():
    x = np.random.normal(size=(1200, 16))
    y = np.sin(x.sum(axis=1, keepdims=True))
    return (x[:1000], y[:1000]), (x[1000:], y[1000:])
