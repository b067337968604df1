"""Train with `fit()` on an own `train_step`: Keras runs the loop, the step stays in our hands.

What one writes for a custom algorithm that should keep callbacks, metrics and distribution. The step is a pure function
of the values of all variables, which `fit` compiles with `jax.jit` and carries from step to step.
Source: Keras guide "Customizing what happens in `fit()` with JAX".
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, ClassVar, final

import jax
import keras

from loops.contract import Job, Loop, Outcome
from loops.data.jax_feed import training_arrays, validation_arrays
from loops.hand_over import UNTIL_STOPPED, HandOver, TrainingDone
from loops.outcomes import state_of, steps_of, without_losses
from loops.own_step import with_own_step

Values = list[jax.Array]  # of a group of variables, in their order


class CustomModel(keras.Model):
    """A model with its own training and test step; `compile` supplies loss, optimizer and metrics."""

    def train_step(self, state: tuple[Values, ...], data: tuple[jax.Array, ...]) -> tuple[dict[str, Any], Any]:
        """Return what the progress bar would show, and the next state."""
        trainable, others, optimizer, metrics = state
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        # `compute_loss_and_updates` is Keras' own: forward pass, compiled loss and what layers added by `add_loss`
        differentiate = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, (loss, predictions, others, metrics)), gradients = differentiate(
            trainable, others, metrics, x, y, weight, training=True, optimizer_variables=optimizer
        )
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        logs, metrics = self.update_metrics(metrics, x, y, predictions, loss=loss, weight=weight)
        return logs, (trainable, others, optimizer, metrics)

    def test_step(self, state: tuple[Values, ...], data: tuple[jax.Array, ...]) -> tuple[dict[str, Any], Any]:
        """Evaluate one batch."""
        trainable, others, metrics = state
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        _, (loss, predictions, others, metrics) = self.compute_loss_and_updates(
            trainable, others, metrics, x, y, weight, training=False
        )
        logs, metrics = self.update_metrics(metrics, x, y, predictions, loss=loss, weight=weight)
        return logs, (trainable, others, metrics)

    def update_metrics(
        self, values: Values, x: Any, y: Any, predictions: Any, *, loss: Any, weight: Any
    ) -> tuple[dict[str, Any], Values]:
        """Return results and new values of the loss tracker and the compiled metrics, one batch added."""
        # In this scope, variables have the given values, and what is assigned to them stays in it.
        with keras.StatelessScope(list(zip(self.metrics_variables, values, strict=True))) as scope:
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
            logs = self.compute_metrics(x, y, predictions, sample_weight=weight)
        return logs, [scope.get_current_value(variable) for variable in self.metrics_variables]


@final
class JaxFit(Loop):
    """One `fit()` call for the whole trial."""

    backend: ClassVar[str] = "jax"
    title: ClassVar[str] = "fit() with an own train_step on JAX"
    change: ClassVar[str] = "copy `train_step` of `CustomModel` in loops/variants/jax_fit.py"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.model = with_own_step(workload.build_model(seed=job.seed), CustomModel)
        workload.compile(  # `model.compile` with the optimizer, loss and metrics of the workload
            self.model,
            one_hot=job.training.one_hot,
            jit_compile=True,  # what "auto" means on this backend
        )
        self.training_data = training_arrays(job)
        self.validation_data = validation_arrays(job)
        self.batch_size = job.batch_size
        self.hand_over: HandOver | None = None  # there is nothing to hand over before the first block

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        # `fit` carries the values of all variables itself: they are fetched when somebody asks what they are.
        self.hand_over = HandOver(blocks, fetch_at_edges=False)
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
        results = self.model.get_metrics_result()
        return Outcome(
            steps=steps_of(self.model.optimizer),
            loss=float(results["loss"]),
            metrics=without_losses(results, model=self.model),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
