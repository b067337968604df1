"""Train with `fit()` on a `train_step` that does everything itself: loss, trackers and metrics.

What one writes when `compile` cannot express the loss or the metrics. Differs from `tf_fit` in who owns them.
Source: Keras guide "Customizing what happens in `fit()` with TensorFlow", going lower-level.
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
    """A model that brings its own loss function and metrics; `compile` supplies the optimizer only."""

    loss_function: keras.Loss
    loss_tracker: keras.metrics.Mean
    own_metric: keras.Metric
    tracks_losses: bool

    @property
    def metrics(self) -> list[Any]:
        """What `fit` and `evaluate` reset at the start of each epoch."""
        return [self.loss_tracker, self.own_metric]

    def train_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, Any]:
        """Train on one batch and return what the progress bar would show."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            predictions = self(x, training=True)
            loss = self.loss_function(y, predictions, sample_weight=weight)
            if self.tracks_losses:  # what layers added by `add_loss`
                loss += sum(self.losses)
            scaled = self.optimizer.scale_loss(loss)  # as it is, but for float16, where small gradients would vanish
        gradients = tape.gradient(scaled, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.loss_tracker.update_state(loss)
        self.own_metric.update_state(y, predictions, sample_weight=weight)
        return self.get_metrics_result()

    def test_step(self, data: tuple[tf.Tensor, ...]) -> dict[str, Any]:
        """Evaluate one batch."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        predictions = self(x, training=False)
        self.own_metric.update_state(y, predictions, sample_weight=weight)
        return self.get_metrics_result()


@final
class TfFitLowlevel(Loop):
    """One `fit()` call for the whole trial, own trackers."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "fit() with all of it in an own train_step"
    change: ClassVar[str] = "copy `CustomModel` from loops/variants/tf_fit_lowlevel.py"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        model = workload.build_model(seed=job.seed)
        loss_function = workload.build_loss(one_hot=job.training.one_hot)
        own_metric = workload.build_metric(one_hot=job.training.one_hot)
        self.model = with_own_step(model, CustomModel)
        # Past Keras, which lets nothing be added to a model that is built; `metrics` says what there is to reset.
        vars(self.model).update(
            loss_function=loss_function,
            loss_tracker=keras.metrics.Mean(name="loss"),
            own_metric=own_metric,
            tracks_losses=workload.tracks_losses,
        )
        self.model.compile(
            optimizer=workload.build_optimizer(),
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
