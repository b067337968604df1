"""The five loops of the guides as plain scripts, without contract, blocks or harness: what `fidelity.py` compares with.

    python tools/bare_loops.py LOOP FOLDER STEPS

Trains on the raw digits in FOLDER. Warms up, then for every line on stdin trains STEPS steps and prints the seconds.
The code is what the guides print, with the last, smaller batch dropped and nothing logged.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import numpy as np

BATCH_SIZE = 32
WARM_UP_STEPS = 100
BACKENDS = {"tf": "tensorflow", "torch": "torch"}


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


def step_by_step(loop: Callable[..., Iterator[None]], folder: Path, *, steps: int, **settings: bool) -> None:
    """Time a hand-written loop."""
    trained = loop(*load(folder), **settings)
    for _ in range(WARM_UP_STEPS):
        next(trained)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = perf_counter()
        for _ in range(steps):
            next(trained)
        print(perf_counter() - start, flush=True)


def fit(folder: Path, *, steps: int) -> None:
    """Time `fit()` by its own epochs, as a user would with a callback."""
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
            if epoch:
                if epoch == 1:
                    print("ready", flush=True)
                if not sys.stdin.readline():
                    os._exit(0)
                self.start = perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            if epoch:
                print(perf_counter() - self.start, flush=True)

    functional = build_model()
    model = CustomModel(functional.inputs, functional.outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
        jit_compile=False,
    )
    dataset = tf_dataset(*load(folder)).repeat()
    model.fit(dataset, steps_per_epoch=steps, epochs=10**6, verbose=0, callbacks=[Epochs()])


def main() -> None:
    """Run one loop."""
    name, folder, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    os.environ["KERAS_BACKEND"] = BACKENDS[name.partition("-")[0]]
    match name:
        case "tf-eager" | "tf-function":
            step_by_step(tensorflow_loop, folder, steps=steps, compiled=name == "tf-function")
        case "torch-native" | "torch-keras":
            step_by_step(torch_loop, folder, steps=steps, native=name == "torch-native")
        case "tf-fit":
            fit(folder, steps=steps)


if __name__ == "__main__":
    main()
