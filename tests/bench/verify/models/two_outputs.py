"""Two inputs in a dict and two weighted losses, a layer that adds one, SGD with Nesterov and averaged weights."""

import keras
import numpy as np
from keras import layers

batch_size = 16


def model():
    """Return the compiled model."""
    number, word = keras.Input((6,), name="number"), keras.Input((5,), dtype="int32", name="word")
    embedded = layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2)(layers.Embedding(20, 4)(word))
    hidden = layers.Dense(8, activation="tanh", activity_regularizer=keras.regularizers.L1(1e-3))(number)
    both = layers.concatenate([hidden, embedded])
    made = keras.Model(
        {"number": number, "word": word},
        {"price": layers.Dense(1, name="price")(both), "kind": layers.Dense(3, name="kind")(both)},
    )
    made.compile(
        optimizer=keras.optimizers.SGD(
            0.05, momentum=0.9, nesterov=True, global_clipnorm=1.0, use_ema=True, ema_overwrite_frequency=4
        ),
        loss={"price": "mse", "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True)},
        loss_weights={"price": 0.5, "kind": 2.0},
        metrics={"price": ["mae"], "kind": ["accuracy"]},
    )
    return made


def data():
    """Return samples to train and to validate with."""
    generator = np.random.default_rng(0)
    x = {
        "number": generator.normal(0.0, 1.0, (200, 6)).astype(np.float32),
        "word": generator.integers(0, 20, (200, 5)).astype(np.int32),
    }
    y = {"price": x["number"][:, :1] * 2.0 + 1.0, "kind": x["word"][:, 0] % 3}

    def rows(part):
        return {name: array[part] for name, array in x.items()}, {name: array[part] for name, array in y.items()}

    return rows(slice(136)), rows(slice(136, None))
