"""Say in one line what is trained here; 'bench run' and the report show it."""

import numpy as np

from loops.contract import Samples, Workload
from loops.workloads.initial_weights import start_alike


class Skeleton(Workload):
    """Points in a square, inside a circle or outside, and a small model. Put your own arrays and model in their place.

    Every loop that takes a Keras model can train it; those that write the model themselves say that they cannot.
    """

    # What the metric below is called in tables.
    metric_name = "accuracy"
    # Samples per step. Write the number out: it is read before anything is imported.
    batch_size = 32
    # A class of keras.optimizers and of torch.optim. Their defaults can differ; the check will tell.
    optimizer = "Adam"
    learning_rate = 1e-3
    # The class of torch.nn that computes what `build_loss` computes, for loops with PyTorch's own loss.
    torch_loss = "CrossEntropyLoss"
    # Write tracks_losses = True if layers add losses of their own (regularizers, add_loss).

    def samples(self, digits, *, track, backend, seed):
        """Return training and validation samples: your arrays, the first axis the sample, in the order of training.

        Here they are drawn; `np.load(Path(__file__).with_name("data.npz"))` reads a file beside this one.
        """
        generator = np.random.default_rng(seed)
        points = generator.uniform(-1.0, 1.0, (5000, 2)).astype(np.float32)
        inside = (np.square(points).sum(axis=1) < 0.6).astype(np.int64)
        return (
            Samples(inputs=points[:4000], targets=inside[:4000]),
            Samples(inputs=points[4000:], targets=inside[4000:]),
        )

    def build_model(self, *, seed):
        """Return a Keras model. `start_alike` gives it the same weights under every backend; leave it out for your own.

        Keras is imported here, not above: the process chooses the backend first.
        """
        import keras

        inputs = keras.Input(shape=(2,))
        hidden = keras.layers.Dense(64, activation="relu")(inputs)
        outputs = keras.layers.Dense(2)(hidden)
        return start_alike(keras.Model(inputs=inputs, outputs=outputs), seed=seed)

    def build_loss(self, *, one_hot):
        """Return the Keras loss; one_hot says whether the targets are rows of classes or class numbers, as here."""
        import keras

        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def build_metric(self, *, one_hot):
        """Return a new Keras metric; it is made twice, for training and for validation."""
        import keras

        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")
