"""Train with the loop in the graph: one `tf.function` gathers batch after batch and trains on each.

Differs from `tf_function` in the loop, which runs without Python, so that Python is asked once for many steps. The
samples have to lie on the device, and there is nothing to see between two steps of a call.
Source: https://www.tensorflow.org/guide/function, "AutoGraph transformations: loops".
"""

from collections.abc import Iterable
from math import nan
from typing import ClassVar, final

import keras
import tensorflow as tf

from loops.contract import Job, Loop, Outcome
from loops.data.tensorflow_feed import stacked_batches, validation_dataset
from loops.outcomes import named, state_of, steps_of


@final
class TfFunctionEpoch(Loop):
    """As many steps of an epoch as a block asks for, in one call."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "the whole loop under tf.function"
    change: ClassVar[str] = "copy `train_steps` and `train_step` from loops/variants/tf_function_epoch.py"
    caution: ClassVar[str] = "callbacks, checkpoints, validation are yours; the data have to fit into memory"

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss, metrics and batches."""
        workload = job.workload
        self.model = workload.build_model(seed=job.seed)
        self.tracks_losses = workload.tracks_losses
        self.optimizer = workload.build_optimizer()
        # Variables must exist before the step is traced, or it is traced twice.
        self.optimizer.build(self.model.trainable_weights)
        self.loss_function = workload.build_loss(one_hot=job.training.one_hot)
        self.training_metric = workload.build_metric(one_hot=job.training.one_hot)
        self.validation_metric = workload.build_metric(one_hot=job.validation.one_hot)
        self.batches = stacked_batches(job)  # [steps, batch, ...] of inputs, targets and maybe weights
        self.steps_per_epoch = job.steps_per_epoch
        self.steps = 0
        self.validation_batches = validation_dataset(job)
        self.last_loss = tf.constant(nan)  # before the first step

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block, each in as few calls as the ends of epochs allow."""
        for steps in blocks:
            left = steps
            while left > 0:
                first = self.steps % self.steps_per_epoch
                if first == 0:
                    self.training_metric.reset_state()
                end = min(first + left, self.steps_per_epoch)
                self.last_loss = self.train_steps(first, end)
                self.steps += end - first
                left -= end - first
        # What `fit()` does in the end: averages of the weights take their place, where the optimizer keeps any.
        self.optimizer.finalize_variable_values(self.model.trainable_weights)

    @tf.function(input_signature=[tf.TensorSpec((), tf.int32)] * 2)
    def train_steps(self, first: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        """Return the loss of the last of many steps, from one batch of the epoch up to another.

        A `while` over tensors becomes a loop in the graph. Python numbers would be traced anew for each new value.
        """
        loss = tf.zeros((), keras.config.floatx())
        step = first
        while step < end:
            loss = self.train_step(*tf.nest.map_structure(lambda array, step=step: array[step], self.batches))
            step += 1
        return loss

    def train_step(self, *batch: tf.Tensor) -> tf.Tensor:
        """Return the loss of one batch after moving the weights against its gradient; part of the graph above."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
        # Operations inside the tape's scope are recorded for differentiation.
        with tf.GradientTape() as tape:
            logits = self.model(x, training=True)
            loss = self.loss_function(y, logits, sample_weight=weight)
            if self.tracks_losses:  # what layers added by `add_loss` in this forward pass
                loss += sum(self.model.losses)
            scaled = self.optimizer.scale_loss(loss)  # as it is, but for float16, where small gradients would vanish
        gradients = tape.gradient(scaled, self.model.trainable_weights)
        self.optimizer.apply(gradients, self.model.trainable_weights)
        self.training_metric.update_state(y, logits, sample_weight=weight)
        return loss

    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples, dropout and the like switched off."""
        self.validation_metric.reset_state()
        for batch in self.validation_batches:
            self.test_step(*batch)
        return named(self.validation_metric)

    @tf.function
    def test_step(self, *batch: tf.Tensor) -> None:
        """Add one batch to the validation metric."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
        self.validation_metric.update_state(y, self.model(x, training=False), sample_weight=weight)

    def synchronise(self) -> None:
        """Wait until the device has done what was dispatched."""
        tf.test.experimental.sync_devices()

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=steps_of(self.optimizer),
            loss=float(self.last_loss),
            metrics=named(self.training_metric),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
