"""A subclassed model with a loss and random numbers of its own, whose gradients are gathered over three steps."""

import keras
import numpy as np
from keras import layers

batch_size = 16


class Net(keras.Model):
    """Two layers with noise between them."""

    def __init__(self):
        super().__init__()
        self.hidden, self.last = layers.Dense(8, activation="relu"), layers.Dense(1)
        self.seeds = keras.random.SeedGenerator(3)

    def call(self, x, training=False):  # noqa: FBT002 - Keras' signature
        """Return predictions."""
        hidden = self.hidden(x)
        if training:
            hidden = hidden + keras.random.normal(keras.ops.shape(hidden), stddev=0.1, seed=self.seeds)
        return self.last(hidden)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: FBT002
        """Return the compiled loss and a penalty on large predictions."""
        error = super().compute_loss(x, y, y_pred, sample_weight, training)
        return error + 0.1 * keras.ops.mean(keras.ops.square(y_pred))


def model():
    """Return the compiled model."""
    made = Net()
    made.compile(
        optimizer=keras.optimizers.Adam(1e-2, clipvalue=0.5, gradient_accumulation_steps=3), loss="mse", metrics=["mae"]
    )
    return made


def data():
    """Return samples to train and to validate with."""
    generator = np.random.default_rng(0)
    x = generator.normal(0.0, 1.0, (200, 6)).astype(np.float32)
    y = (x[:, :1] - 2.0 * x[:, 1:2]).astype(np.float32)
    return (x[:136], y[:136]), (x[136:], y[136:])
