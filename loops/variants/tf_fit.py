"""Train with `fit()` on an own `train_step`: Keras runs the loop, the step stays in our hands.

What one writes for a custom algorithm that should keep callbacks, metrics and distribution. `fit` compiles the step
with `tf.function` and calls it once per batch.
Source: Keras guide "Customizing what happens in `fit()` with TensorFlow", high level.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar, final

import keras
import tensorflow as tf

from loops.contract import Job, Loop, Outcome
from loops.data.tensorflow_feed import training_dataset, validation_dataset
from loops.hand_over import UNTIL_STOPPED, HandOver, TrainingDone
from loops.outcomes import state_of, steps_of, without_losses
from loops.own_step import with_own_step


class CustomModel(keras.Model):
    """A model with its own training and test step; `compile` supplies loss, optimizer and metrics."""

    def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, Any]:
        """Train on one batch and return what the progress bar would show."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predictions = self(x, training=True)
            # adds the losses that layers track
            loss = self.compute_loss(x=x, y=y, y_pred=predictions, sample_weight=weight)
            scaled = self.optimizer.scale_loss(loss)  # as it is, but for float16, where small gradients would vanish
        gradients = tape.gradient(scaled, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        return self.update_metrics(x, y, predictions, loss=loss, weight=weight)

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, Any]:
        """Evaluate one batch."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        predictions = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=predictions, sample_weight=weight, training=False)
        return self.update_metrics(x, y, predictions, loss=loss, weight=weight)

    def update_metrics(self, x: Any, y: Any, predictions: Any, *, loss: Any, weight: Any) -> dict[str, Any]:
        """Add one batch to the loss tracker and to the compiled metrics, and return all results."""
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
        return self.compute_metrics(x, y, predictions, sample_weight=weight)


@final
class TfFit(Loop):
    """One `fit()` call for the whole trial."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "fit() with an own train_step on TensorFlow"
    change: ClassVar[str] = "copy `train_step` of `CustomModel` in loops/variants/tf_fit.py"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.model = with_own_step(workload.build_model(seed=job.seed), CustomModel)
        workload.compile(  # `model.compile` with the optimizer, loss and metrics of the workload
            self.model,
            one_hot=job.training.one_hot,
            jit_compile=False,  # "auto" would switch XLA on for a GPU, which the hand-written loops do not have
        )
        self.training_data = training_dataset(job)
        self.validation_data = validation_dataset(job)

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        with suppress(TrainingDone):
            self.model.fit(self.training_data, epochs=UNTIL_STOPPED, verbose=0, callbacks=[HandOver(blocks)])
        # Left by `TrainingDone`, `fit` does not come to this: averages of the weights take their place, where kept.
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)

    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples."""
        results = self.model.evaluate(self.validation_data, verbose=0, return_dict=True)
        return without_losses(results, model=self.model)

    def synchronise(self) -> None:
        """Wait until the device has done what was dispatched."""
        tf.test.experimental.sync_devices()

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        results = self.model.get_metrics_result()
        return Outcome(
            steps=steps_of(self.model.optimizer),
            loss=float(results["loss"]),
            metrics=without_losses(results, model=self.model),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
