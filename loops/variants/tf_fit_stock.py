"""Train with `compile` and `fit()` as they come: Keras owns loop and step.

The control for `tf_fit`: what the override costs is the difference between the two.
Source: Keras guide "Training and evaluation with the built-in methods".
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar, final

import tensorflow as tf

from loops.contract import Job, Loop, Outcome
from loops.data.tensorflow_feed import training_dataset, validation_dataset
from loops.hand_over import UNTIL_STOPPED, HandOver, TrainingDone
from loops.outcomes import results_of, state_of, steps_trained, without_losses


@final
class TfFitStock(Loop):
    """One `fit()` call for the whole trial, nothing overridden."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "plain fit() on TensorFlow"
    change: ClassVar[str] = "nothing"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.model = workload.build_model(seed=job.seed)
        # One, unless `compile()` of a user's model says more; a call stays within an epoch.
        self.steps_per_call = job.steps_per_call(at_most=self.model.steps_per_execution)
        workload.compile(  # `model.compile` with the optimizer, loss and metrics of the workload
            self.model,
            one_hot=job.training.one_hot,
            steps_per_execution=self.steps_per_call,
            jit_compile=False,  # "auto" would switch XLA on for a GPU, which the hand-written loops do not have
        )
        self.training_data = training_dataset(job)
        self.validation_data = validation_dataset(job)

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        with suppress(TrainingDone):
            self.model.fit(
                self.training_data,
                epochs=UNTIL_STOPPED,
                verbose=0,
                callbacks=[HandOver(blocks, steps_per_call=self.steps_per_call)],
            )
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
        results = results_of(self.model)
        return Outcome(
            steps=steps_trained(self.model),
            loss=float(results["loss"]),
            metrics=without_losses(results, model=self.model),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
