"""Two inputs, two outputs, weights of losses and of samples: bench run --workload examples/two_inputs.py"""

import keras
import numpy as np

batch_size = 50


def model():
    """A film and somebody's age: is it liked, and how much?"""
    film = keras.Input((1,), dtype="int32", name="film")
    age = keras.Input((1,), name="age")
    known = keras.layers.Flatten()(keras.layers.Embedding(100, 8)(film))
    both = keras.layers.Dense(32, activation="relu")(keras.layers.Concatenate()([known, age]))
    liked = keras.layers.Dense(1, activation="sigmoid", name="liked")(both)
    stars = keras.layers.Dense(1, name="stars", kernel_regularizer="l2")(both)
    m = keras.Model({"film": film, "age": age}, {"liked": liked, "stars": stars})
    m.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 500), clipnorm=1.0),
        loss={"liked": "binary_crossentropy", "stars": "mse"},
        loss_weights={"liked": 1.0, "stars": 0.2},
        metrics={"liked": ["accuracy", keras.metrics.AUC(name="auc")]},
        weighted_metrics={"stars": ["mae"]},
    )
    return m


def data():
    """Return training and validation samples; in training, some count more."""
    draw = np.random.default_rng(7)
    x = {"film": draw.integers(0, 100, (2000, 1)), "age": draw.normal(size=(2000, 1))}
    stars = x["film"] / 50 + x["age"]
    y = {"liked": stars > 1, "stars": stars}
    weight = draw.uniform(0.5, 1.5, 2000)

    def rows(arrays, some):
        return {name: array[some] for name, array in arrays.items()}

    train, valid = slice(1600), slice(1600, None)
    return (rows(x, train), rows(y, train), weight[train]), (rows(x, valid), rows(y, valid))
