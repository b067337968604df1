"""Loops as plain scripts, without contract, blocks or harness: what `fidelity.py` compares with.

    python tools/bare_loops.py LOOP FOLDER SECONDS

Trains on the raw digits in FOLDER, as nobody who trains would do otherwise: alone, and from the first step to the last
without a pause. Warms up, trains for about SECONDS, whole epochs where they are that short, and prints the seconds per
step. The code is what the guides print, a metric kept as the harness' loops keep one, with the last, smaller batch
dropped and nothing logged. `jax-jit` has no guide with a pipeline: it trains on scaled arrays from memory.
"""

import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from time import perf_counter

import numpy as np

BATCH_SIZE = 32
WARM_UP_STEPS, WARM_UP_SECONDS = 100, 1.0
STEPS_PER_EPOCH = 50_000 // BATCH_SIZE
BACKENDS = {"tf": "tensorflow", "torch": "torch", "jax": "jax"}


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return 50 000 flattened images and their labels."""
    images, labels = np.load(folder / "x_train.npy"), np.load(folder / "y_train.npy")
    return images[:50_000].reshape(-1, 784), labels[:50_000]


def build_model():
    """Return the model of the guides."""
    import keras

    inputs = keras.Input(shape=(784,), name="digits")
    x = keras.layers.Dense(64, activation="relu")(inputs)
    x = keras.layers.Dense(64, activation="relu")(x)
    return keras.Model(inputs=inputs, outputs=keras.layers.Dense(10, name="predictions")(x))


def tf_dataset(images, labels):
    """Return the pipeline of the TensorFlow guides."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    return dataset.shuffle(buffer_size=1024).batch(BATCH_SIZE, drop_remainder=True)


def tensorflow_loop(images, labels, *, compiled: bool) -> Iterator[None]:
    """Train one batch per `next`."""
    import keras
    import tensorflow as tf

    model = build_model()
    optimizer = keras.optimizers.Adam(learning_rate=1e-3)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = keras.metrics.SparseCategoricalAccuracy()

    def train_step(x, y):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss_value = loss_function(y, logits)
        grads = tape.gradient(loss_value, model.trainable_weights)
        optimizer.apply(grads, model.trainable_weights)
        metric.update_state(y, logits)
        return loss_value

    if compiled:
        train_step = tf.function(train_step)
    dataset = tf_dataset(images, labels)
    while True:
        metric.reset_state()
        for x_batch, y_batch in dataset:
            train_step(x_batch, y_batch)
            yield


def torch_loop(images, labels, *, native: bool) -> Iterator[None]:
    """Train one batch per `next`."""
    import keras
    import torch

    model = build_model()
    dataset = torch.utils.data.TensorDataset(
        torch.from_numpy(images.astype("float32")), torch.from_numpy(np.eye(10, dtype="float32")[labels])
    )
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    if native:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        loss_function = torch.nn.CrossEntropyLoss()
    else:
        optimizer = keras.optimizers.Adam(learning_rate=1e-3)
        loss_function = keras.losses.CategoricalCrossentropy(from_logits=True)
        metric = keras.metrics.CategoricalAccuracy()
    while True:
        correct = torch.zeros((), dtype=torch.int64)
        if not native:
            metric.reset_state()
        for x, y in loader:
            logits = model(x, training=True)
            if native:
                loss = loss_function(logits, y)
                model.zero_grad()
                loss.backward()
                optimizer.step()
                correct += (logits.argmax(dim=1) == y.argmax(dim=1)).sum()
            else:
                loss = loss_function(y, logits)
                model.zero_grad()
                loss.backward()
                gradients = [v.value.grad for v in model.trainable_weights]
                with torch.no_grad():
                    optimizer.apply(gradients, model.trainable_weights)
                    metric.update_state(y, logits)
            yield


def jax_loop(images, labels) -> Iterator[object]:
    """Train one batch per `next`, and yield what is known when it is done."""
    import jax
    import keras

    model = build_model()
    optimizer = keras.optimizers.Adam(learning_rate=1e-3)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = keras.metrics.SparseCategoricalAccuracy()
    optimizer.build(model.trainable_variables)

    def compute_loss(trainable, others, x, y):
        logits, others = model.stateless_call(trainable, others, x, training=True)
        return loss_function(y, logits), (logits, others)

    def train_step(state, x, y):
        trainable, others, moments, seen = state
        (_, (logits, others)), gradients = jax.value_and_grad(compute_loss, has_aux=True)(trainable, others, x, y)
        trainable, moments = optimizer.stateless_apply(moments, gradients, trainable)
        return trainable, others, moments, metric.stateless_update_state(seen, y, logits)

    train_step = jax.jit(train_step, donate_argnums=0)
    scaled = images.astype("float32") / 255.0
    cuts = (slice(start, start + BATCH_SIZE) for start in range(0, STEPS_PER_EPOCH * BATCH_SIZE, BATCH_SIZE))
    batches = [jax.device_put((scaled[cut], labels[cut])) for cut in cuts]
    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables, metric.variables)
    state = tuple([variable.value for variable in group] for group in groups)
    while True:
        state = (*state[:3], [jax.numpy.zeros_like(value) for value in state[3]])
        for x, y in batches:
            state = train_step(state, x, y)
            yield state


def step_by_step(loop: Callable[..., Iterator[object]], folder: Path, *, seconds: float, **settings: bool) -> None:
    """Time a hand-written loop."""
    trained = loop(*load(folder), **settings)
    wait = import_module("jax").block_until_ready if loop is jax_loop else lambda _: None
    start, warm = perf_counter(), 0
    while warm < WARM_UP_STEPS or perf_counter() - start < WARM_UP_SECONDS:
        wait(next(trained))
        warm += 1
    wanted = seconds / (perf_counter() - start) * warm
    steps = max(1, round(wanted / STEPS_PER_EPOCH)) * STEPS_PER_EPOCH if wanted > STEPS_PER_EPOCH / 2 else int(wanted)
    start = perf_counter()
    for _ in range(steps):
        state = next(trained)
    wait(state)
    print((perf_counter() - start) / steps, flush=True)


def fit(folder: Path, *, seconds: float) -> None:
    """Time `fit()` by its own epochs, as a user would with a callback; the first one warms up."""
    import keras
    import tensorflow as tf

    class CustomModel(keras.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {m.name: m.result() for m in self.metrics}

    class Epochs(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.start = perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            if epoch and perf_counter() - self.start > seconds:
                print((perf_counter() - self.start) / (epoch * STEPS_PER_EPOCH), flush=True)
                os._exit(0)

    functional = build_model()
    model = CustomModel(functional.inputs, functional.outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
        jit_compile=False,
    )
    model.fit(tf_dataset(*load(folder)), epochs=10**6, verbose=0, callbacks=[Epochs()])


def main() -> None:
    """Run one loop."""
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    os.environ["KERAS_BACKEND"] = BACKENDS[name.partition("-")[0]]
    match name:
        case "tf-eager" | "tf-function":
            step_by_step(tensorflow_loop, folder, seconds=seconds, compiled=name == "tf-function")
        case "torch-native" | "torch-keras":
            step_by_step(torch_loop, folder, seconds=seconds, native=name == "torch-native")
        case "jax-jit":
            step_by_step(jax_loop, folder, seconds=seconds)
        case "tf-fit":
            fit(folder, seconds=seconds)


if __name__ == "__main__":
    main()
