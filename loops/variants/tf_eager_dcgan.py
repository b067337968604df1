"""Train a generator against a discriminator, op by op: two `GradientTape`s and two optimizers in one step.

What `tf_eager` is for one model. Each batch brings its random numbers along, so that every loop draws the same.
Source: Keras guide "Writing a training loop from scratch in TensorFlow", end-to-end example.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import tensorflow as tf

from loops.contract import AdversarialWorkload, Job, Loop, Outcome
from loops.data.tensorflow_feed import training_batches, validation_dataset


@final
class TfEagerDcgan(Loop):
    """Plain Python: every operation is dispatched on its own."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "a GradientTape step op by op"
    change: ClassVar[str] = "copy `train_step` from loops/variants/tf_eager_dcgan.py"

    def prepare(self, job: Job) -> None:
        """Build both models, an optimizer for each, loss, metrics and batches."""
        workload = job.workload
        assert isinstance(workload, AdversarialWorkload)
        self.discriminator = workload.build_model(seed=job.seed)
        self.generator = workload.build_generator(seed=job.seed)
        self.discriminator_optimizer = workload.build_optimizer()
        self.generator_optimizer = workload.build_generator_optimizer()
        self.loss_function = workload.build_loss(one_hot=False)
        self.generator_metric = workload.build_metric(one_hot=False)
        self.validation_metric = workload.build_metric(one_hot=False)
        self.training_batches = training_batches(job)
        self.validation_batches = validation_dataset(job)
        self.last_loss = tf.constant(nan)  # before the first step

    def epochs(self) -> Iterator[tuple[tf.Tensor, ...]]:
        """Yield (images [batch, 28, 28, 1], labels [batch, 2], latents [batch, 2, dimensions]) without end."""
        while True:
            self.generator_metric.reset_state()
            yield from self.training_batches

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for images, labels, latents in islice(batches, steps):
                discriminator_loss = self.train_step(images, labels, latents)
            self.last_loss = discriminator_loss

    def train_step(self, images: tf.Tensor, labels: tf.Tensor, latents: tf.Tensor) -> tf.Tensor:
        """Return the discriminator's loss after an update of each model."""
        # The discriminator sees generated images, labelled about 1, and real ones, labelled about 0. Its tape opens
        # after the generator has run: nothing of the generator is recorded, because nothing of it is updated yet.
        generated = self.generator(latents[:, 0], training=True)
        shown = tf.concat([generated, images], axis=0)
        shown_labels = tf.concat([labels[:, :1], labels[:, 1:]], axis=0)
        with tf.GradientTape() as tape:
            logits = self.discriminator(shown, training=True)
            discriminator_loss = self.loss_function(shown_labels, logits)
        gradients = tape.gradient(discriminator_loss, self.discriminator.trainable_weights)
        self.discriminator_optimizer.apply(gradients, self.discriminator.trainable_weights)

        # The generator is judged by the updated discriminator and pretends that its images are real. Only its own
        # weights are differentiated and updated, so the discriminator stands still.
        misleading_labels = tf.zeros_like(labels[:, :1])
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generator(latents[:, 1], training=True), training=True)
            generator_loss = self.loss_function(misleading_labels, logits)
        gradients = tape.gradient(generator_loss, self.generator.trainable_weights)
        self.generator_optimizer.apply(gradients, self.generator.trainable_weights)
        self.generator_metric.update_state(generator_loss)
        return discriminator_loss

    def evaluate(self) -> float:
        """Return the generator's loss on the validation latents."""
        self.validation_metric.reset_state()
        for _, labels, latents in self.validation_batches:
            logits = self.discriminator(self.generator(latents[:, 1], training=False), training=False)
            self.validation_metric.update_state(self.loss_function(tf.zeros_like(labels[:, :1]), logits))
        return float(self.validation_metric.result())

    def synchronise(self) -> None:
        """Wait until the device has done what was dispatched."""
        tf.test.experimental.sync_devices()

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=min(int(self.discriminator_optimizer.iterations), int(self.generator_optimizer.iterations)),
            loss=float(self.last_loss),
            metric=float(self.generator_metric.result()),
            weights=self.discriminator.get_weights() + self.generator.get_weights(),
        )
