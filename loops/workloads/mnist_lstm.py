"""A recurrent classifier of digits that reads an image row by row, trained by Adam.

An LSTM of 128 units over 28 rows of 28 pixels: 13 million multiplications and additions a sample, one row after the
other, which a framework may run in a compiled loop or from Python. Written as a user's file is.
Source: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997; rows as time: Le, Jaitly
and Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
"""

from typing import Any

import keras
from keras import layers

from loops.contract import Digits
from loops.workloads.images import SIDE, pixels_and_labels

CLASSES = 10
UNITS = 128


def model() -> Any:
    """Return the compiled model: images (batch, 28, 28) of bytes to logits (batch, 10)."""
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE), dtype="uint8", name="digits"),
            layers.Rescaling(1.0 / 255.0),  # a row is a step of time: [batch, rows, pixels]
            layers.LSTM(UNITS),
            layers.Dense(CLASSES, name="predictions"),
        ]
    )
    network.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return network


def data(digits: Digits) -> Any:
    """Return images and labels of the run's digits, for training and validation."""
    return pixels_and_labels(digits)
