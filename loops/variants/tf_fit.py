"""Train with `fit()` on an own `train_step`: Keras runs the loop, the step stays in our hands.

What one writes for a custom algorithm that should keep callbacks, metrics and distribution. `fit` compiles the step
with `tf.function` and calls it once per batch.
Source: Keras guide "Customizing what happens in `fit()` with TensorFlow".
"""

from collections.abc import Iterable
from typing import Any, ClassVar, final

import keras
import tensorflow as tf

from loops.contract import Job, Loop, Outcome
from loops.data.tensorflow_feed import training_dataset, validation_dataset

UNTIL_STOPPED = 1_000_000
"""Epochs; `HandOver` ends training when no block is left."""


class CustomModel(keras.Model):
    """A model with its own training and test step; compile() supplies loss, optimizer and metrics."""

    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Train on one batch and return what the progress bar would show."""
        x, y = data
        with tf.GradientTape() as tape:
            predictions = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=predictions)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        return self.update_metrics(y, predictions, loss)

    def test_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Evaluate one batch."""
        x, y = data
        predictions = self(x, training=False)
        loss = self.compute_loss(y=y, y_pred=predictions)
        return self.update_metrics(y, predictions, loss)

    def update_metrics(self, y: tf.Tensor, predictions: tf.Tensor, loss: tf.Tensor) -> dict[str, tf.Tensor]:
        """Add one batch to the loss tracker and to the compiled metrics."""
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, predictions)
        return {metric.name: metric.result() for metric in self.metrics}


class HandOver(keras.callbacks.Callback):
    """Ask for the next block when `fit` has trained the steps of the current one; stop when there is none."""

    def __init__(self, blocks: Iterable[int]) -> None:
        """Take the first block."""
        super().__init__()
        self.blocks = iter(blocks)
        self.steps_left = next(self.blocks)
        self.logs: dict[str, float] = {}

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Count one step."""
        del batch
        self.steps_left -= 1
        if self.steps_left == 0:
            self.logs = dict(logs or {})
            self.model.metrics[0].reset_state()  # the loss tracker: each block reports a mean of its own
            self.steps_left = next(self.blocks, 0)
            self.model.stop_training = self.steps_left == 0


@final
class TfFit(Loop):
    """One `fit()` call for the whole trial."""

    backend: ClassVar[str] = "tensorflow"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        functional = workload.build_model(seed=job.seed)
        self.model = CustomModel(functional.inputs, functional.outputs)
        self.model.compile(
            optimizer=getattr(keras.optimizers, workload.optimizer)(learning_rate=workload.learning_rate),
            loss=workload.build_loss(one_hot=job.training.one_hot),
            metrics=[workload.build_metric(one_hot=job.training.one_hot)],
            jit_compile=False,  # "auto" would switch XLA on for a GPU, which the hand-written loops do not have
        )
        self.training_data = training_dataset(job)
        self.validation_data = validation_dataset(job)

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        self.hand_over = HandOver(blocks)
        self.model.fit(self.training_data, epochs=UNTIL_STOPPED, verbose=0, callbacks=[self.hand_over])

    def evaluate(self) -> float:
        """Return the metric over the validation samples."""
        results: dict[str, Any] = self.model.evaluate(self.validation_data, verbose=0, return_dict=True)
        return float(results["accuracy"])

    def synchronise(self) -> None:
        """Wait until the device has done what was dispatched."""
        tf.test.experimental.sync_devices()

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=int(self.model.optimizer.iterations),
            loss=float(self.hand_over.logs["loss"]),
            metric=float(self.hand_over.logs["accuracy"]),
            weights=self.model.get_weights(),
        )
