"""A convolutional classifier of digits with batch normalisation and dropout, trained by AdamW on a cosine schedule.

Two convolutions of 3 x 3 and a dense layer: 22 million multiplications and additions a sample, so that a step is
arithmetic and not dispatch. Gradients are clipped by their norm. Written as a user's file is: `model()` and `data()`
are called once for a run, and every loop starts from what they returned.
Source of the layers: Ioffe and Szegedy, "Batch normalization", ICML 2015; of the optimizer: Loshchilov and Hutter,
"SGDR" and "Decoupled weight decay regularization", ICLR 2017 and 2019.
"""

from typing import Any

import keras
from keras import layers

from loops.contract import Digits
from loops.workloads.images import SIDE, pixels_and_labels

CLASSES = 10
DECAY_STEPS = 15_000
"""Until the learning rate has come down to nothing: about ten epochs in batches of 32."""


def model() -> Any:
    """Return the compiled model: images (batch, 28, 28) of bytes to logits (batch, 10)."""
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE), dtype="uint8", name="digits"),
            layers.Rescaling(1.0 / 255.0),
            layers.Reshape((SIDE, SIDE, 1)),
            layers.Conv2D(32, 3, padding="same", use_bias=False),  # normalising takes any bias out again
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(CLASSES, name="predictions"),
        ]
    )
    network.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(1e-3, DECAY_STEPS), weight_decay=1e-3, clipnorm=1.0
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return network


def data(digits: Digits) -> Any:
    """Return images and labels of the run's digits, for training and validation."""
    return pixels_and_labels(digits)
