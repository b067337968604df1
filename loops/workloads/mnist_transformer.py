"""A transformer that classifies digits from patches of 4 x 4 pixels, trained by AdamW.

49 patches of width 64 through two blocks of attention and two dense layers each: 23 million multiplications and
additions a sample, in many small products. Written as a user's file is.
Source: Dosovitskiy et al., "An image is worth 16x16 words", ICLR 2021; what goes into a block is normalised first, as
in Xiong et al., "On layer normalization in the transformer architecture", ICML 2020.
"""

from typing import Any

import keras
from keras import layers

from loops.contract import Digits
from loops.workloads.images import SIDE, pixels_and_labels

CLASSES = 10
PATCH = 4
PATCHES = (SIDE // PATCH) ** 2
WIDTH, HEADS, BLOCKS = 64, 4, 2


class Places(layers.Layer):
    """Adds to each token what is learned of its place; attention alone would not tell one from another."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make a row of numbers for each place."""
        self.places = self.add_weight(shape=shape[1:], initializer=keras.initializers.RandomNormal(stddev=0.02))

    def call(self, tokens: Any) -> Any:
        """Return tokens [batch, places, width] of the same shape."""
        return tokens + self.places


def model() -> Any:
    """Return the compiled model: images (batch, 28, 28) of bytes to logits (batch, 10)."""
    images = keras.Input((SIDE, SIDE), dtype="uint8", name="digits")
    tokens = _patches(layers.Rescaling(1.0 / 255.0)(images))
    tokens = layers.Dense(WIDTH)(tokens)
    tokens = Places()(tokens)
    for _ in range(BLOCKS):
        seen = layers.LayerNormalization()(tokens)
        tokens = layers.Add()([tokens, layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(seen, seen)])
        seen = layers.LayerNormalization()(tokens)
        seen = layers.Dense(2 * WIDTH, activation="gelu")(seen)
        tokens = layers.Add()([tokens, layers.Dense(WIDTH)(seen)])
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(tokens))
    network = keras.Model(images, layers.Dense(CLASSES, name="predictions")(pooled))
    network.compile(
        optimizer=keras.optimizers.AdamW(1e-3, weight_decay=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return network


def data(digits: Digits) -> Any:
    """Return images and labels of the run's digits, for training and validation."""
    return pixels_and_labels(digits)


def _patches(images: Any) -> Any:
    """Return images [batch, 28, 28] cut into patches [batch, 49, 16], row by row."""
    across = SIDE // PATCH
    grid = layers.Reshape((across, PATCH, across, PATCH))(images)
    return layers.Reshape((PATCHES, PATCH * PATCH))(layers.Permute((1, 3, 2, 4))(grid))
