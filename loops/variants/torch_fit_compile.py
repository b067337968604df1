"""Train with `compile(jit_compile=True)` and `fit()`: Keras has its step compiled by `torch.compile`.

Differs from `torch_fit_stock` in one argument. Keras' own step calls `loss.backward()`, at which the graph breaks, so
it is compiled in pieces with Python between them. The first steps take many seconds, and a C++ compiler on a CPU.
Source: Keras documentation of `Model.compile`, argument `jit_compile`.
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
class TorchFitCompile(Loop):
    """One `fit()` call for the whole trial, its step compiled."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "fit() under torch.compile"
    change: ClassVar[str] = "`compile(jit_compile=True)`"
    caution: ClassVar[str] = "each new batch shape compiles"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.device = device_of(job)
        self.model = workload.build_model(seed=job.seed)
        workload.compile(  # `model.compile` with the optimizer, loss and metrics of the workload
            self.model,
            one_hot=job.training.one_hot,
            jit_compile=True,
        )
        self.training_data = training_loader(job)
        self.validation_data = validation_loader(job)

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
