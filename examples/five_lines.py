"""A compiled Keras model and its arrays, as `fit()` takes them: bench run --workload examples/five_lines.py"""

import keras
import numpy as np


def model():
    m = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
    m.compile(optimizer=keras.optimizers.AdamW(1e-3), loss="mse", metrics=["mae"])
    return m


def data():
    x = np.random.normal(size=(1000, 8))
    return x, x.sum(axis=1)
