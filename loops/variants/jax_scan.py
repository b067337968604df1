"""Train with JAX, many steps per call: `jax.lax.scan` carries the state through a stack of batches.

Differs from `jax_jit` in the loop, which is compiled with the step, so that Python is asked once for many steps. The
batches have to lie on the device, and there is nothing to see between two steps of a call.
Source: https://docs.jax.dev/en/latest/_autosummary/jax.lax.scan.html; the step is that of the Keras guide "Writing a
training loop from scratch in JAX".
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import jax
import keras
import numpy as np

from loops.contract import Job, Loop, Outcome
from loops.data.jax_feed import stacked_batches, validation_batches
from loops.jax_state import State, Values, Variables
from loops.outcomes import named, state_of, steps_of


@final
class JaxScan(Loop):
    """`jax.jit` around a `scan` over steps."""

    backend: ClassVar[str] = "jax"
    title: ClassVar[str] = "many steps under jax.lax.scan"
    change: ClassVar[str] = "copy `train_steps` and what it calls from loops/variants/jax_scan.py"
    caution: ClassVar[str] = "callbacks, checkpoints, validation are yours; nothing can be done between 100 steps"
    steps_per_call: int = 100

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss, metrics and batches."""
        workload = job.workload
        self.model = workload.build_model(seed=job.seed)
        self.optimizer = workload.build_optimizer()
        self.optimizer.build(self.model.trainable_variables)
        self.loss_function = workload.build_loss(one_hot=job.training.one_hot)
        self.training_metric = workload.build_metric(one_hot=job.training.one_hot)
        self.validation_metric = workload.build_metric(one_hot=job.validation.one_hot)
        # A call stays within an epoch, and all are of one length: another one would be compiled anew.
        self.steps_per_call = job.steps_per_call(at_most=self.steps_per_call)
        self.training_stacks = stacked_batches(job, steps=self.steps_per_call)
        self.validation_batches = validation_batches(job)
        self.variables = Variables(self.model, optimizer=self.optimizer, metric=self.training_metric)
        self.state = self.variables.values()
        self.no_metric = [np.asarray(value) for value in self.training_metric.stateless_reset_state()]
        # The old state is given away: the new one is written into its memory, so each state is good for one call.
        self.compiled_steps = jax.jit(self.train_steps, donate_argnums=0)
        self.compiled_test_step = jax.jit(self.test_step)
        self.last_loss = jax.numpy.array(nan)  # before the first step

    def epochs(self) -> Iterator[tuple[jax.Array, ...]]:
        """Yield stacks of batches (x: [steps, batch, features], y: [steps, batch], maybe weight), without end."""
        while True:
            self.state = self.state._replace(metric=[jax.numpy.array(value) for value in self.no_metric])
            yield from self.training_stacks

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block; a call returns before its steps are done, and the next one queues behind it."""
        stacks = self.epochs()
        for steps in blocks:
            for stack in islice(stacks, steps // self.steps_per_call):
                self.state, losses = self.compiled_steps(self.state, stack)
            self.last_loss = losses[-1]
        self.state = self.variables.close(self.state, optimizer=self.optimizer)

    def train_steps(self, state: State, stack: tuple[jax.Array, ...]) -> tuple[State, jax.Array]:
        """Return the state after the last step and the losses of all of them."""
        return jax.lax.scan(self.train_step, state, stack)  # takes the stack apart along its first axis

    def train_step(self, state: State, batch: tuple[jax.Array, ...]) -> tuple[State, jax.Array]:
        """Return the next state and the loss of one batch."""
        trainable, _, optimizer, metric = state
        _, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
        differentiate = jax.value_and_grad(self.loss_and_updates, has_aux=True)
        (_, (loss, logits, others)), gradients = differentiate(trainable, state, batch)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        metric = self.training_metric.stateless_update_state(metric, y, logits, sample_weight=weight)
        return State(trainable, others, optimizer, metric), loss

    def loss_and_updates(
        self, trainable: Values, state: State, batch: tuple[jax.Array, ...]
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array, Values]]:
        """Return what is differentiated by the first argument, and the loss and what else the forward pass leads to."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
        logits, others, tracked = self.model.stateless_call(
            trainable, state.others, x, training=True, return_losses=True
        )
        loss = self.loss_function(y, logits, sample_weight=weight) + sum(tracked)  # by layers, with `add_loss`
        # As it is, but for float16, where small gradients would vanish; the scale is part of the optimizer's state.
        with keras.StatelessScope(list(zip(self.optimizer.variables, state.optimizer, strict=True))):
            scaled = self.optimizer.scale_loss(loss)
        return scaled, (loss, logits, others)

    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples, dropout and the like switched off."""
        self.validation_metric.reset_state()
        metric = [variable.value for variable in self.validation_metric.variables]
        for batch in self.validation_batches:
            metric = self.compiled_test_step(self.state.trainable, self.state.others, metric, batch)
        return named(self.validation_metric, self.validation_metric.stateless_result(metric))

    def test_step(self, trainable: Values, others: Values, metric: Values, batch: tuple[jax.Array, ...]) -> Values:
        """Return the validation metric's state with one batch added."""
        x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
        logits, _ = self.model.stateless_call(trainable, others, x, training=False)
        return self.validation_metric.stateless_update_state(metric, y, logits, sample_weight=weight)

    def synchronise(self) -> None:
        """Wait for the whole state, not for the loss alone, which is known before the update."""
        jax.block_until_ready(self.state)

    def outcome(self) -> Outcome:
        """Write the state back into Keras' variables and read results from there."""
        self.variables.assign(self.state)
        return Outcome(
            steps=steps_of(self.optimizer),
            loss=float(self.last_loss),
            metrics=named(self.training_metric),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
