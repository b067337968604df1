"""Train a Keras model with PyTorch's own optimizer and loss, in eager mode.

A Keras model on the torch backend is a `torch.nn.Module`, so everything that PyTorch offers works on it.
The guide tracks no accuracy here; this loop sums its metric up the PyTorch way, so that it does the same work as the
others. Source: Keras guide "Writing a training loop from scratch in PyTorch", first half.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import torch

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, moved, training_batches, validation_batches
from loops.outcomes import gradients_of, named, state_of
from loops.workloads.torch_updates import updates_done


@final
class TorchNative(Loop):
    """`zero_grad`, `backward`, `step`."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "a PyTorch loop with PyTorch's optimizer"
    change: ClassVar[str] = "copy `train` from loops/variants/torch_native.py"
    caution: ClassVar[str] = "callbacks, checkpoints, validation are yours; Adam of PyTorch places epsilon elsewhere"
    adam: ClassVar[str] = "torch-adam"

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss and batches."""
        workload = job.workload
        self.device = device_of(job)
        self.model = workload.build_model(seed=job.seed).to(self.device)
        self.tracks_losses = workload.tracks_losses
        self.optimizer = workload.build_torch_optimizer(self.model.parameters())
        self.steps = 0
        self.loss_function = workload.build_torch_loss(weighted=job.training.weights is not None)
        self.training_metric = workload.build_torch_metric(device=self.device)
        self.validation_metric = workload.build_torch_metric(device=self.device)
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
            for x, y, *weight in islice(batches, steps):
                # forward; PyTorch's losses take the prediction first
                outputs = self.model(x, training=True)
                loss = self.loss_function(outputs, y, *weight)
                if self.tracks_losses:  # what layers added by `add_loss` in this forward pass
                    loss = loss + sum(self.model.losses)
                # backward, from gradients set back to nothing
                self.model.zero_grad()
                loss.backward()
                # update
                self.optimizer.step()
                self.training_metric.update_state(y, outputs, *weight)
            self.last_loss = loss
            self.steps += steps

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
