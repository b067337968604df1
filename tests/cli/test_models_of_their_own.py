"""Models that train themselves, or keep more than weights, from the outside: as people write them.

Each is held against itself in float64. Loops that cannot train it say why, and are no failure.
"""

import pytest

pytestmark = pytest.mark.slow

HEAD = '''"""Mine."""
import keras
import numpy as np
import tensorflow as tf
'''
DATA = """

def data():
    return np.random.default_rng(0).random((256, 12), dtype="f4")
"""
AUTOENCODER = (
    HEAD
    + '''

class Autoencoder(keras.Model):
    """Variational: trackers with names of their own, noise of a shape that only the graph knows, inputs alone."""

    def __init__(self):
        super().__init__()
        x = keras.Input((12,))
        hidden = keras.layers.Dense(16, activation="relu")(x)
        self.encoder = keras.Model(x, [keras.layers.Dense(2)(hidden), keras.layers.Dense(2)(hidden)])
        self.decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(12, activation="sigmoid")])
        self.total = keras.metrics.Mean(name="total_loss")
        self.divergence = keras.metrics.Mean(name="kl_loss")
        self.seed = keras.random.SeedGenerator(1)

    @property
    def metrics(self):
        return [self.total, self.divergence]

    def train_step(self, data):
        with tf.GradientTape() as tape:
            mean, spread = self.encoder(data)
            drawn = keras.random.normal(tf.shape(mean), seed=self.seed)
            decoded = self.decoder(mean + tf.exp(0.5 * spread) * drawn)
            divergence = -0.5 * tf.reduce_mean(1 + spread - mean**2 - tf.exp(spread))
            loss = tf.reduce_mean((data - decoded) ** 2) + divergence
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        self.total.update_state(loss)
        self.divergence.update_state(divergence)
        return {"loss": self.total.result(), "kl_loss": self.divergence.result()}


def model():
    m = Autoencoder()
    m.compile(optimizer=keras.optimizers.Adam())
    return m
'''
    + DATA
)
TWO_OPTIMIZERS = (
    HEAD
    + '''

class Adversaries(keras.Model):
    """Two networks with an optimizer each, and no loss that is called so."""

    def __init__(self):
        super().__init__()
        self.critic = keras.Sequential([keras.Input((12,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
        self.forger = keras.Sequential([keras.Input((4,)), keras.layers.Dense(12)])
        self.seed = keras.random.SeedGenerator(1)

    def compile(self, critic, forger, loss):
        super().compile()
        self.critics, self.forgers, self.judged = critic, forger, loss
        self.critic_loss, self.forger_loss = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.critic_loss, self.forger_loss]

    def train_step(self, real):
        count = tf.shape(real)[0]
        drawn = keras.random.normal((count, 4), seed=self.seed)
        truth = tf.concat([tf.ones((count, 1)), tf.zeros((count, 1))], 0)
        with tf.GradientTape() as tape:
            critic_loss = self.judged(truth, self.critic(tf.concat([self.forger(drawn), real], 0)))
        weights = self.critic.trainable_weights
        self.critics.apply_gradients(zip(tape.gradient(critic_loss, weights), weights))
        with tf.GradientTape() as tape:
            forger_loss = self.judged(tf.zeros((count, 1)), self.critic(self.forger(drawn)))
        weights = self.forger.trainable_weights
        self.forgers.apply_gradients(zip(tape.gradient(forger_loss, weights), weights))
        self.critic_loss.update_state(critic_loss)
        self.forger_loss.update_state(forger_loss)
        return {"d_loss": self.critic_loss.result(), "g_loss": self.forger_loss.result()}


def model():
    m = Adversaries()
    m.compile(keras.optimizers.Adam(3e-4), keras.optimizers.Adam(3e-4), keras.losses.BinaryCrossentropy(True))
    return m
'''
    + DATA
)
IN_TORCH = '''"""Mine."""
import keras
import numpy as np


class Half(keras.Model):
    """Moves one of two networks only, and returns the loss of a batch, which no metric counts."""

    def __init__(self):
        super().__init__()
        self.first = keras.Sequential([keras.Input((4,)), keras.layers.Dense(12)])
        self.second = keras.Sequential([keras.Input((12,)), keras.layers.Dense(1)])

    def call(self, x):
        return self.second(x)

    def train_step(self, data):
        import torch

        x, y = data
        loss = ((self.second(x) - y) ** 2).mean()
        self.zero_grad()
        loss.backward()
        weights = self.second.trainable_weights
        with torch.no_grad():
            self.optimizer.apply([weight.value.grad for weight in weights], weights)
        return {"loss": loss}


def model():
    m = Half()
    m.compile(optimizer="adam", loss="mse")
    return m


def data():
    x = np.random.default_rng(0).random((256, 12), dtype="f4")
    return x, x[:, :1]
'''
STATEFUL = '''"""Mine."""
import keras
import numpy as np


def model():
    x = keras.Input(batch_shape=(16, 6, 3))
    m = keras.Model(x, keras.layers.Dense(1)(keras.layers.LSTM(8, stateful=True)(x)))
    m.compile("adam", "mse", metrics=["mae"])
    return m


def data():
    draw = np.random.default_rng(0)
    x, y = draw.random((160, 6, 3), dtype="f4"), draw.random((160, 1), dtype="f4")
    return (x, y), (x[:64], y[:64])
'''
STEPS_PER_CALL = '''"""Mine."""
import keras
import numpy as np


def model():
    m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    m.compile("sgd", "mse", steps_per_execution=4)
    return m


def data():
    x = np.random.default_rng(0).normal(size=(200, 4))
    return x, x[:, 0]
'''
BUILT_LATE = (
    HEAD
    + '''

class Late(keras.Model):
    """Layers that nothing has been put through yet, no loss in `compile()`, and trackers of its own."""

    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)
        self.tracker, self.error = keras.metrics.Mean(name="loss"), keras.metrics.MeanAbsoluteError(name="mae")

    def call(self, x):
        return self.second(self.first(x))

    @property
    def metrics(self):
        return [self.tracker, self.error]

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            found = self(x, training=True)
            loss = keras.ops.mean((found - y) ** 2)
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return self.counted(loss, y, found)

    def test_step(self, data):
        x, y = data
        found = self(x, training=False)
        return self.counted(keras.ops.mean((found - y) ** 2), y, found)

    def counted(self, loss, y, found):
        self.tracker.update_state(loss)
        self.error.update_state(y, found)
        return {metric.name: metric.result() for metric in self.metrics}


def model():
    m = Late()
    m.compile(optimizer=keras.optimizers.Adam())
    return m


def data():
    x = np.random.default_rng(0).random((320, 12), dtype="f4")
    return (x[:256], x[:256, :1]), (x[256:], x[256:, :1])
'''
)
LOW_RANK = """
import keras
import numpy as np


def model():
    first = keras.layers.Dense(16)
    m = keras.Sequential([keras.Input((12,)), first, keras.layers.Dense(1)])
    first.enable_lora(2)
    m.compile("adam", "mse", metrics=["mae"])
    return m


def data():
    x = np.random.default_rng(0).random((256, 12), dtype="f4")
    return x, x[:, :1]
"""
WEIGHTS_OF_STEPS = """
import keras
import numpy as np


def model():
    x = keras.Input((10, 4))
    m = keras.Model(x, keras.layers.Dense(3)(keras.layers.SimpleRNN(8, return_sequences=True)(x)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    m.compile("sgd", loss, weighted_metrics=["accuracy"])
    return m


def data():
    draw = np.random.default_rng(0)
    return draw.random((128, 10, 4), dtype="f4"), draw.integers(0, 3, (128, 10)), draw.random((128, 10), dtype="f4")
"""


@pytest.mark.parametrize(
    ("source", "results"),
    [
        (
            AUTOENCODER,
            {
                "tf-fit-stock": "same work",
                "tf-train-on-batch": "to which fit() hands x and train_on_batch() (x, None, None)",
                "torch-fit-stock": "fit() refuses the model: Unable to automatically build the model; set self.built",
            },
        ),
        (TWO_OPTIMIZERS, {"tf-fit-stock": "same work", "jax-fit-stock": "on jax, Keras calls train_step(state, data)"}),
        (
            BUILT_LATE,
            {
                "tf-fit-stock": "same work",
                "torch-fit-stock": "the file calls tensorflow itself, which has no use for tensors of torch",
                "tf-train-on-batch": "to which fit() hands (x, y) and train_on_batch() (x, y, None)",
            },
        ),
        (
            IN_TORCH,
            {
                "torch-fit-stock": "same work",
                "torch-keras": "Half writes its own train_step, which only fit() and train_on_batch() call",
                "tf-fit-stock": "the file calls torch itself, which has no use for tensors of tensorflow",
            },
        ),
        (
            STATEFUL,
            {
                "tf-fit-stock": "same work",
                "tf-function": "same work",
                "torch-keras": "Keras cannot train a stateful LSTM on PyTorch, not even by fit()",
                "jax-jit": "as under fit(): on JAX, Keras forgets after each batch the state",
            },
        ),
        (
            STEPS_PER_CALL,
            {
                "tf-fit-stock": "same work",
                "tf-fit": "same work",
                "tf-train-on-batch": "same work",
                "jax-fit-stock": "same work",
                "jax-jit": "same work",  # without a metric
                "jax-scan": "same work",
                "torch-fit-stock": "fit() refuses the model: `steps_per_execution` must be 1 with the PyTorch backend",
                "torch-keras": "same work",
            },
        ),
        (
            LOW_RANK,
            {"torch-keras": "same work", "torch-native": "lora_kernel_b, which Keras added when PyTorch"},
        ),
        (WEIGHTS_OF_STEPS, {"tf-function": "same work", "torch-native": "same work", "jax-jit": "same work"}),
    ],
    ids=[
        "autoencoder",
        "two optimizers",
        "built late",
        "in PyTorch",
        "stateful",
        "steps per call",
        "low rank",
        "weights of steps",
    ],
)
def test_a_model_is_the_same_work_where_it_can_be_trained_and_has_a_reason_elsewhere(session, source, results):
    """Exit 0: what one framework cannot do is no failure of a loop."""
    (session.folder / "mine.py").write_text(source)

    checked = session.bench("verify", *results, "--workload", "mine.py")

    found = {line.split()[0]: line for line in checked.out.splitlines()[1:] if line}
    assert 0 == checked.code, checked.out + checked.err
    assert results.keys() == found.keys()
    for loop, words in results.items():
        assert words in found[loop]


def test_a_model_that_trains_itself_is_measured(session):
    """The steps that its own optimizers count are those that were asked for."""
    (session.folder / "mine.py").write_text(TWO_OPTIMIZERS)

    done = session.bench("run", "tf-fit-stock", "--workload", "mine.py", "--rounds", "1", "--steps", "40")

    (trial,) = session.run().trials
    assert (0, None) == (done.code, trial.failure), done.err
    assert trial.last_loss > 0
