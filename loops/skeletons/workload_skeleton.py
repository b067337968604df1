"""Say in one line what is trained here; 'bench run' and the report show it."""

import keras
import numpy as np

# Samples per step. Write the number out: it is read before anything is imported.
batch_size = 32


def model():
    """Return your compiled model, of any kind. All that compile() is told is used.

    Here: points in a square, inside a circle or outside.
    """
    m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(2)])
    m.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return m


def data():
    """Return what fit() would be given: (x, y) or (x, y, weight), or a pair of these for training and validation.

    x and y are arrays, or dicts and lists of arrays; a PyDataset, tf.data.Dataset or DataLoader may stand for both.
    Here they are drawn; `np.load(Path(__file__).with_name("data.npz"))` reads a file beside this one.
    """
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (5000, 2)).astype("float32")
    inside = (np.square(points).sum(axis=1) < 0.6).astype("int64")
    return (points[:4000], inside[:4000]), (points[4000:], inside[4000:])
