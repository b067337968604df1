"""Two convolutional networks against each other: one draws digits, the other learns to tell them from real ones.

The DCGAN of the Keras guides "Writing a training loop from scratch" and "Customizing what happens in `fit()`".
"""

from typing import Any, ClassVar, final

import numpy as np

from loops.contract import AdversarialWorkload, Digits, Samples, Track
from loops.workloads.initial_weights import glorot_uniform

LATENT_DIMENSIONS = 128
LABEL_NOISE = 0.05
"""Labels shown to the discriminator are off by up to this much, which keeps it from becoming too sure."""
VALIDATION_SAMPLES = 256
LEAK = 0.2
"""Slope of the rectifiers below zero."""


@final
class MnistDcgan(AdversarialWorkload):
    """74 625 parameters that judge, 1 339 905 that draw; recipe of the from-scratch guide, on all 70 000 digits."""

    name: ClassVar[str] = "mnist-dcgan"
    kind: ClassVar[str] = "adversarial"
    training_samples: ClassVar[int] = 70_000
    batch_size: ClassVar[int] = 64
    optimizer: ClassVar[str] = "Adam"
    learning_rate: ClassVar[float] = 3e-4
    generator_learning_rate: ClassVar[float] = 4e-4
    torch_loss: ClassVar[str] = "BCEWithLogitsLoss"

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return images of shape (28, 28, 1) scaled to 0..1, with noisy labels and latents.

        On `matched` they come in one random order drawn from ``seed``, on `guide` in the archive's.
        """
        del backend
        generator = np.random.default_rng(seed)
        images = np.concatenate([digits.train_images, digits.validation_images, digits.test_images])
        if track is Track.MATCHED:
            images = images[generator.permutation(len(images))]
        labels = np.array([1.0, 0.0], np.float32)  # generated, real
        noise = LABEL_NOISE * generator.random((len(images), 2), dtype=np.float32)
        training = Samples(
            inputs=images[..., np.newaxis].astype(np.float32) / np.float32(255.0),
            targets=labels + noise,
            latents=generator.standard_normal((len(images), 2, LATENT_DIMENSIONS), dtype=np.float32),
        )
        return training, training.rows(slice(VALIDATION_SAMPLES))

    def build_model(self, *, seed: int) -> Any:
        """Return the discriminator: images of shape (batch, 28, 28, 1) to logits of shape (batch, 1)."""
        import keras  # noqa: PLC0415 - the trial chooses the backend before this runs

        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input(shape=(28, 28, 1)),
                layers.Conv2D(64, 3, strides=2, padding="same"),
                layers.LeakyReLU(negative_slope=LEAK),
                layers.Conv2D(128, 3, strides=2, padding="same"),
                layers.LeakyReLU(negative_slope=LEAK),
                layers.GlobalMaxPooling2D(),
                layers.Dense(1),
            ],
            name="discriminator",
        )
        model.set_weights(glorot_uniform([weight.shape for weight in model.weights], seed=seed))
        return model

    def build_generator(self, *, seed: int) -> Any:
        """Return the generator: latents of shape (batch, 128) to images of shape (batch, 28, 28, 1) in 0..1."""
        import keras  # noqa: PLC0415

        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input(shape=(LATENT_DIMENSIONS,)),
                layers.Dense(7 * 7 * 128),
                layers.LeakyReLU(negative_slope=LEAK),
                layers.Reshape((7, 7, 128)),
                layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
                layers.LeakyReLU(negative_slope=LEAK),
                layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
                layers.LeakyReLU(negative_slope=LEAK),
                layers.Conv2D(1, 7, padding="same", activation="sigmoid"),
            ],
            name="generator",
        )
        model.set_weights(glorot_uniform([weight.shape for weight in model.weights], seed=seed + 1))
        return model

    def build_loss(self, *, one_hot: bool) -> Any:
        """Return binary cross-entropy from logits, averaged over the batch."""
        import keras  # noqa: PLC0415

        del one_hot
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def build_metric(self, *, one_hot: bool) -> Any:
        """Return the mean of the generator's loss."""
        import keras  # noqa: PLC0415

        del one_hot
        return keras.metrics.Mean(name="generator_loss")
