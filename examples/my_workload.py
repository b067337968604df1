"""Tell a rising tone from a falling one: a small convolutional model on sounds that are made here."""

import numpy as np

from loops.contract import Samples, Workload
from loops.workloads.initial_weights import start_alike

LENGTH = 256
"""Points of a sound in time."""


class Tones(Workload):
    """Two classes of noisy sounds, 2000 to train on and 500 to validate with."""

    metric_name = "accuracy"
    batch_size = 50
    optimizer = "Adam"  # a class of keras.optimizers; loops with PyTorch's own take the one of that name there
    learning_rate = 1e-3
    torch_loss = "CrossEntropyLoss"  # the class of torch.nn that computes what `build_loss` does

    def samples(self, digits, *, track, backend, seed):
        """Return your own arrays, training and validation; the digits are MNIST's, for those who want them."""
        generator = np.random.default_rng(seed)
        rising = generator.integers(0, 2, 2500)
        time = np.linspace(0.0, 1.0, LENGTH)
        pitch = 10.0 + 10.0 * np.where(rising[:, None] == 1, time, 1.0 - time)
        noise = generator.normal(0.0, 0.3, (2500, LENGTH))
        sounds = np.sin(2.0 * np.pi * pitch * time + generator.uniform(0.0, 6.28, (2500, 1))) + noise
        sounds, labels = sounds.astype(np.float32)[..., None], rising.astype(np.int64)
        return (
            Samples(inputs=sounds[:2000], targets=labels[:2000]),
            Samples(inputs=sounds[2000:], targets=labels[2000:]),
        )

    def build_model(self, *, seed):
        """Return any Keras model, with weights that are the same under every backend."""
        import keras

        model = keras.Sequential(
            [
                keras.Input((LENGTH, 1)),
                keras.layers.Conv1D(8, 9, strides=2, activation="relu"),
                keras.layers.Conv1D(16, 9, strides=2, activation="relu"),
                keras.layers.GlobalMaxPooling1D(),
                keras.layers.Dropout(0.1),
                keras.layers.Dense(2),
            ]
        )
        return start_alike(model, seed=seed)

    def build_loss(self, *, one_hot):
        """Return the Keras loss; one_hot says which form the targets above have."""
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def build_metric(self, *, one_hot):
        """Return a new Keras metric."""
        import keras

        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
