"""Convolution, batch normalization and dropout, sample weights, a penalty, AdamW with a schedule and clipping."""

import keras
import numpy as np
from keras import layers

batch_size = 16


def model():
    """Return the compiled model."""
    made = keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, kernel_regularizer=keras.regularizers.L2(1e-2)),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.GaussianNoise(0.2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3),
        ]
    )
    made.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(1e-2, 5000), weight_decay=4e-3, clipnorm=0.05
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        weighted_metrics=[keras.metrics.SparseCategoricalCrossentropy(name="entropy", from_logits=True)],
    )
    return made


def data():
    """Return samples to train and to validate with."""
    generator = np.random.default_rng(0)
    x = generator.normal(0.5, 1.0, (200, 8, 8, 2)).astype(np.float32)
    y = generator.integers(0, 3, 200)
    weight = generator.uniform(0.2, 2.0, 200).astype(np.float32)
    return (x[:136], y[:136], weight[:136]), (x[136:], y[136:], weight[136:])
