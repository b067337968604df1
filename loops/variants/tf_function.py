"""Train with one compiled step: `tf.function` traces the step once into a graph, which then runs without Python.

Differs from `tf_eager` in one line, the decorator, on each of the two steps; the loop around them stays Python.
Source: Keras guide "Writing a training loop from scratch in TensorFlow".
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import keras
import tensorflow as tf

from loops.contract import Job, Loop, Outcome
from loops.data.tensorflow_feed import training_batches, validation_dataset
from loops.outcomes import named, state_of, steps_of


@final
class TfFunction(Loop):
    """The eager steps, compiled into graphs."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "a step under tf.function"
    change: ClassVar[str] = "copy `train_step` with its decorator from loops/variants/tf_function.py"
    caution: ClassVar[str] = "callbacks, checkpoints, validation are yours"

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
        self.training_batches = training_batches(job)
        self.validation_batches = validation_dataset(job)
        self.last_loss = tf.constant(nan)  # before the first step

    def epochs(self) -> Iterator[tuple[tf.Tensor, ...]]:
        """Yield batches (x: [batch, features], y: [batch], maybe weight: [batch]), epoch after epoch, without end."""
        while True:
            self.training_metric.reset_state()
            yield from self.training_batches

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        train_step = self.train_step  # looked up once: each look-up of a compiled method binds it anew
        for steps in blocks:
            for batch in islice(batches, steps):
                loss = train_step(*batch)
            self.last_loss = loss
        # What `fit()` does in the end: averages of the weights take their place, where the optimizer keeps any.
        self.optimizer.finalize_variable_values(self.model.trainable_weights)

    @tf.function
    def train_step(self, *batch: tf.Tensor) -> tf.Tensor:
        """Return the loss of one batch after moving the weights against its gradient.

        Traced at the first call, and again for every new shape of its arguments: whole batches only, or pay twice.
        Its arguments are sorted out at every call: a default such as `weight=None` would add a fifth to that.
        """
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
