"""Train with `compile` and `fit()` as they come: Keras owns loop and step.

The control for `jax_fit`: what the override costs is the difference between the two.
Source: Keras guide "Training and evaluation with the built-in methods".
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar, final

import jax

from loops.contract import Job, Loop, Outcome
from loops.data.jax_feed import training_arrays, validation_arrays
from loops.hand_over import UNTIL_STOPPED, HandOver, TrainingDone
from loops.outcomes import results_of, state_of, steps_trained, without_losses


@final
class JaxFitStock(Loop):
    """One `fit()` call for the whole trial, nothing overridden."""

    backend: ClassVar[str] = "jax"
    title: ClassVar[str] = "plain fit() on JAX"
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
            jit_compile=True,  # what "auto" means on this backend
        )
        self.training_data = training_arrays(job)
        self.validation_data = validation_arrays(job)
        self.batch_size = job.batch_size
        self.hand_over: HandOver | None = None  # there is nothing to hand over before the first block

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        # `fit` carries the values of all variables itself: they are fetched when somebody asks what they are.
        self.hand_over = HandOver(blocks, steps_per_call=self.steps_per_call, fetch_at_edges=False)
        with suppress(TrainingDone):
            self.model.fit(
                self.training_data.inputs,
                self.training_data.targets,
                sample_weight=self.training_data.weights,
                batch_size=self.batch_size,
                shuffle=False,
                epochs=UNTIL_STOPPED,
                verbose=0,
                callbacks=[self.hand_over],
            )
        # Left by `TrainingDone`, `fit` does not come to this: averages of the weights take their place, where kept.
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)

    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples."""
        results = self.model.evaluate(
            self.validation_data.inputs,
            self.validation_data.targets,
            sample_weight=self.validation_data.weights,
            batch_size=self.batch_size,
            verbose=0,
            return_dict=True,
        )
        return without_losses(results, model=self.model)

    def synchronise(self) -> None:
        """Wait for every array there is: while `fit` runs, the model's variables hold none."""
        jax.block_until_ready(jax.live_arrays())

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        if self.hand_over is not None:
            self.hand_over.fetch()
        results = results_of(self.model)
        return Outcome(
            steps=steps_trained(self.model),
            loss=float(results["loss"]),
            metrics=without_losses(results, model=self.model),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
