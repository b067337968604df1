"""Train with `compile(steps_per_execution=...)` and `fit()` on PyTorch: Keras runs many steps per call.

Differs from `torch_fit_stock` in one argument. Nothing is compiled, so that what is saved is callbacks and logs, which
come once per call. Keras 3.15 refuses the argument on PyTorch; its next release takes it.
Source: Keras documentation of `Model.compile`, argument `steps_per_execution`; https://github.com/keras-team/keras/pull/23234.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar, final

import torch

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, training_loader, validation_loader
from loops.hand_over import UNTIL_STOPPED, HandOver, TrainingDone
from loops.outcomes import gradients_of, results_of, state_of, steps_trained, without_losses


@final
class TorchFitSteps(Loop):
    """One `fit()` call for the whole trial, which asks for callbacks once in many steps."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "fit() with many steps per call on PyTorch"
    change: ClassVar[str] = "`compile(steps_per_execution=100)`"
    requires: ClassVar[str] = "keras>=3.16.dev0"
    steps_per_call: int = 100

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.device = device_of(job)
        # A call stays within an epoch, and all are of one length: the harness counts in calls.
        self.steps_per_call = job.steps_per_call(at_most=self.steps_per_call)
        self.model = workload.build_model(seed=job.seed)
        workload.compile(  # `model.compile` with the optimizer, loss and metrics of the workload
            self.model,
            one_hot=job.training.one_hot,
            steps_per_execution=self.steps_per_call,
            jit_compile=False,  # no `torch.compile`; it is what "auto" means on this backend too
        )
        self.training_data = training_loader(job)
        self.validation_data = validation_loader(job)

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        hand_over = HandOver(blocks, steps_per_call=self.steps_per_call)
        with suppress(TrainingDone):
            self.model.fit(self.training_data, epochs=UNTIL_STOPPED, verbose=0, callbacks=[hand_over])
        # Left by `TrainingDone`, `fit` does not come to this: averages of the weights take their place, where kept.
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)

    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples."""
        results = self.model.evaluate(self.validation_data, verbose=0, return_dict=True)
        return without_losses(results, model=self.model)

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        results = results_of(self.model)
        return Outcome(
            steps=steps_trained(self.model),
            loss=float(results["loss"]),
            metrics=without_losses(results, model=self.model),
            weights=self.model.get_weights(),
            state=state_of(self.model),
            gradients=gradients_of(self.model),
        )
