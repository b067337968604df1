"""Train a Keras model with PyTorch's own optimizer and loss, forward and backward pass compiled by `torch.compile`.

Differs from `torch_native` in the compilation. A Keras model fits into one graph as long as `autograd.grad` takes the
place of `loss.backward()`, which breaks it. The update stays outside: `Optimizer.step` asks for a break as well, and
fused it is one operation anyway. The first step takes many seconds, and a C++ compiler on a CPU.
Source: PyTorch tutorial "Introduction to torch.compile".
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import torch
from torch._dynamo import config as tracing

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, moved, training_batches, validation_batches
from loops.outcomes import gradients_of, named, state_of
from loops.workloads.torch_updates import updates_done


@final
class TorchNativeCompile(Loop):
    """A compiled function from batch to gradients, and a fused `step`."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "a PyTorch loop with PyTorch's optimizer under torch.compile"
    change: ClassVar[str] = "copy `differentiate` and `train` from loops/variants/torch_native_compile.py"
    caution: ClassVar[str] = "callbacks, checkpoints, validation are yours; each new batch shape compiles"
    adam: ClassVar[str] = "torch-adam"

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss and batches."""
        workload = job.workload
        self.device = device_of(job)
        self.model = workload.build_model(seed=job.seed).to(self.device)
        self.tracks_losses = workload.tracks_losses
        self.parameters = [variable.value for variable in self.model.trainable_weights]
        self.optimizer = workload.build_torch_optimizer(self.parameters, fused=True)
        self.steps = 0
        self.loss_function = workload.build_torch_loss(weighted=job.training.weights is not None)
        self.training_metric = workload.build_torch_metric(device=self.device)
        self.validation_metric = workload.build_torch_metric(device=self.device)
        # One graph or an error: a graph in pieces would run eagerly in between, and nobody would know.
        tracing.trace_autograd_ops = True  # without it, `autograd.grad` breaks the graph
        self.loss_and_gradients = torch.compile(self.differentiate, fullgraph=True)
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        self.last_loss = torch.tensor(nan)  # before the first step

    def epochs(self) -> Iterator[list[torch.Tensor]]:
        """Yield batches (x: [batch, features], y: [batch, ...], maybe weight: [batch]), epoch after epoch, no end."""
        while True:
            self.training_metric.reset_state()
            for batch in self.training_batches:
                # A batch from a DataLoader comes from the host; nothing is done to one that is there already.
                yield moved(batch, self.device)

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for batch in islice(batches, steps):
                # forward and backward
                loss, gradients = self.loss_and_gradients(*batch)
                # update; the optimizer looks for each gradient at its parameter
                for parameter, gradient in zip(self.parameters, gradients, strict=True):
                    parameter.grad = gradient
                self.optimizer.step()
            self.last_loss = loss
            self.steps += steps

    def differentiate(
        self, x: torch.Tensor, y: torch.Tensor, *weight: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return loss and gradients of one batch, and add it to the metric."""
        outputs = self.model(x, training=True)
        loss = self.loss_function(outputs, y, *weight)
        if self.tracks_losses:  # what layers added by `add_loss` in this forward pass
            loss = loss + sum(self.model.losses)
            # A graph may not leave behind what it has differentiated; Keras has no public way to let go of it.
            self.model._clear_losses()  # noqa: SLF001
        self.training_metric.update_state(y, outputs, *weight)
        return loss.detach(), torch.autograd.grad(loss, self.parameters, allow_unused=True)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples; no graph is kept for a backward pass."""
        self.validation_metric.reset_state()
        for batch in self.validation_batches:
            x, y, *weight = moved(batch, self.device)
            self.validation_metric.update_state(y, self.model(x, training=False), *weight)
        return named(self.validation_metric)

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=updates_done(self.optimizer, trained=self.steps),
            loss=self.last_loss.item(),
            metrics=named(self.training_metric),
            weights=self.model.get_weights(),
            state=state_of(self.model),
            gradients=gradients_of(self.model),
        )
