"""Train a generator against a discriminator through `fit()`: a model of two models, compiled with two optimizers.

What one writes to keep callbacks and metrics for training that has more than one loss and optimizer. The guide adds a
callback that draws images after each epoch; here that is left out of the clock (`bench run --samples`).
Source: Keras guide "Customizing what happens in `fit()` with TensorFlow", end-to-end example.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar, final

import keras
import tensorflow as tf

from loops.contract import AdversarialWorkload, Job, Loop, Outcome
from loops.data.tensorflow_feed import training_dataset, validation_dataset
from loops.hand_over import UNTIL_STOPPED, HandOver, TrainingDone


class Gan(keras.Model):
    """Two models that train each other; `fit` and `evaluate` call the steps."""

    def __init__(self, discriminator: Any, generator: Any, *, generator_metric: Any) -> None:
        """Take both models, and the metric for the generator's loss."""
        super().__init__()
        self.discriminator = discriminator
        self.generator = generator
        self.discriminator_metric = keras.metrics.Mean(name="discriminator_loss")
        self.generator_metric = generator_metric

    def compile(self, *, discriminator_optimizer: Any, generator_optimizer: Any, loss: Any) -> None:
        """Take an optimizer for each; Keras' own `compile` has room for one."""
        super().compile(jit_compile=False)  # "auto" would switch XLA on for a GPU, which hand-written loops lack
        self.discriminator_optimizer = discriminator_optimizer
        self.generator_optimizer = generator_optimizer
        self.loss_function = loss

    @property
    def metrics(self) -> list[Any]:
        """Metrics that `fit` resets at the start of each epoch."""
        return [self.discriminator_metric, self.generator_metric]

    def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, Any]:
        """Update the discriminator, then the generator, on one batch."""
        images, labels, latents = data
        # Generated images are labelled about 1, real ones about 0; outside the tape, so that the generator is left out.
        generated = self.generator(latents[:, 0], training=True)
        shown = tf.concat([generated, images], axis=0)
        shown_labels = tf.concat([labels[:, :1], labels[:, 1:]], axis=0)
        with tf.GradientTape() as tape:
            logits = self.discriminator(shown, training=True)
            discriminator_loss = self.loss_function(shown_labels, logits)
        gradients = tape.gradient(discriminator_loss, self.discriminator.trainable_weights)
        self.discriminator_optimizer.apply(gradients, self.discriminator.trainable_weights)

        # The generator pretends that its images are real, and only its own weights are updated.
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generator(latents[:, 1], training=True), training=True)
            generator_loss = self.loss_function(tf.zeros_like(labels[:, :1]), logits)
        gradients = tape.gradient(generator_loss, self.generator.trainable_weights)
        self.generator_optimizer.apply(gradients, self.generator.trainable_weights)

        self.discriminator_metric.update_state(discriminator_loss)
        self.generator_metric.update_state(generator_loss)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, Any]:
        """Add one batch of validation latents to the generator's metric."""
        _, labels, latents = data
        logits = self.discriminator(self.generator(latents[:, 1], training=False), training=False)
        self.generator_metric.update_state(self.loss_function(tf.zeros_like(labels[:, :1]), logits))
        return {self.generator_metric.name: self.generator_metric.result()}


@final
class TfFitDcgan(Loop):
    """One `fit()` call for the whole trial."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "fit() with an own train_step on TensorFlow"
    change: ClassVar[str] = "copy `train_step` of `Gan` in loops/variants/tf_fit_dcgan.py"

    def prepare(self, job: Job) -> None:
        """Build and compile the model of models, and lay out the data."""
        workload = job.workload
        assert isinstance(workload, AdversarialWorkload)
        self.model = Gan(
            workload.build_model(seed=job.seed),
            workload.build_generator(seed=job.seed),
            generator_metric=workload.build_metric(one_hot=False),
        )
        self.model.compile(
            discriminator_optimizer=workload.build_optimizer(),
            generator_optimizer=workload.build_generator_optimizer(),
            loss=workload.build_loss(one_hot=False),
        )
        self.training_data = training_dataset(job)
        self.validation_data = validation_dataset(job)

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        with suppress(TrainingDone):
            self.model.fit(self.training_data, epochs=UNTIL_STOPPED, verbose=0, callbacks=[HandOver(blocks)])

    def evaluate(self) -> float:
        """Return the generator's loss on the validation latents."""
        results: dict[str, float] = self.model.evaluate(self.validation_data, verbose=0, return_dict=True)
        return results[self.model.generator_metric.name]

    def synchronise(self) -> None:
        """Wait until the device has done what was dispatched."""
        tf.test.experimental.sync_devices()

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        model = self.model
        return Outcome(
            steps=min(int(model.discriminator_optimizer.iterations), int(model.generator_optimizer.iterations)),
            loss=float(model.discriminator_metric.result()),
            metric=float(model.generator_metric.result()),
            weights=model.discriminator.get_weights() + model.generator.get_weights(),
        )
