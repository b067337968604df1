"""A model that trains itself: loops that use fit() call its step, others say why they cannot.

bench run tf-fit-stock tf-train-on-batch torch-fit-stock --workload examples/own_training_step.py
"""

import keras
import numpy as np


class Contrastive(keras.Model):
    """Pulls two noisy views of a sample together and pushes those of others apart."""

    def __init__(self):
        super().__init__()
        self.encoder = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(8)])

    def call(self, x):
        return self.encoder(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        likeness = keras.ops.matmul(y_pred, keras.ops.transpose(self.encoder(y)))
        rows = keras.ops.arange(keras.ops.shape(likeness)[0])
        return keras.ops.mean(keras.ops.sparse_categorical_crossentropy(rows, likeness, from_logits=True))


def model():
    m = Contrastive()
    m.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True))
    return m


def data():
    x = np.random.normal(size=(1000, 16))
    return x + 0.1 * np.random.normal(size=x.shape), x + 0.1 * np.random.normal(size=x.shape)
