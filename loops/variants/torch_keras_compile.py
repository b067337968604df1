"""Train a Keras model on PyTorch with Keras' optimizer, loss and metrics, the whole step compiled by `torch.compile`.

Differs from `torch_keras` in the compilation. Everything that Keras does in a step fits into one graph as long as
`autograd.grad` takes the place of `loss.backward()`, which breaks it: forward and backward pass, update and metric.
The first step takes many seconds, and a C++ compiler on a CPU.
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
from loops.outcomes import named, state_of, steps_of


@final
class TorchKerasCompile(Loop):
    """Differentiation by PyTorch, the rest by Keras, all of it compiled."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "a PyTorch loop with Keras' optimizer under torch.compile"
    change: ClassVar[str] = "copy `train_step` and `train` from loops/variants/torch_keras_compile.py"

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss, metrics and batches."""
        workload = job.workload
        self.device = device_of(job)
        self.model = workload.build_model(seed=job.seed).to(self.device)
        self.tracks_losses = workload.tracks_losses
        self.optimizer = workload.build_optimizer()
        self.optimizer.build(self.model.trainable_weights)
        self.loss_function = workload.build_loss(one_hot=job.training.one_hot)
        self.training_metric = workload.build_metric(one_hot=job.training.one_hot)
        self.validation_metric = workload.build_metric(one_hot=job.validation.one_hot)
        # One graph or an error: a graph in pieces would run eagerly in between, and nobody would know.
        tracing.trace_autograd_ops = True  # without it, `autograd.grad` breaks the graph
        self.compiled_step = torch.compile(self.train_step, fullgraph=True)
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
                loss = self.compiled_step(*batch)
            self.last_loss = loss
        # What `fit()` does in the end: averages of the weights take their place, where the optimizer keeps any.
        self.optimizer.finalize_variable_values(self.model.trainable_weights)

    def train_step(self, x: torch.Tensor, y: torch.Tensor, *weight: torch.Tensor) -> torch.Tensor:
        """Return the loss of one batch after moving the weights against its gradient."""
        sample_weight = weight[0] if weight else None
        # forward; Keras' losses take the truth first
        logits = self.model(x, training=True)
        loss = self.loss_function(y, logits, sample_weight=sample_weight)
        if self.tracks_losses:  # what layers added by `add_loss` in this forward pass
            loss = loss + sum(self.model.losses)
            # A graph may not leave behind what it has differentiated; Keras has no public way to let go of it.
            self.model._clear_losses()  # noqa: SLF001
        # backward
        trainable_weights = self.model.trainable_weights
        scaled = self.optimizer.scale_loss(loss)  # as it is, but for float16, where small gradients would vanish
        tensors = [variable.value for variable in trainable_weights]
        gradients = torch.autograd.grad(scaled, tensors, allow_unused=True)
        with torch.no_grad():
            # The metric of what was predicted, before the weights move: a compiler may compute predictions once more.
            self.training_metric.update_state(y, logits, sample_weight=sample_weight)
            # update
            self.optimizer.apply(gradients, trainable_weights)
        return loss.detach()

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples; no graph is kept for a backward pass."""
        self.validation_metric.reset_state()
        for batch in self.validation_batches:
            x, y, *weight = moved(batch, self.device)
            logits = self.model(x, training=False)
            self.validation_metric.update_state(y, logits, sample_weight=weight[0] if weight else None)
        return named(self.validation_metric)

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=steps_of(self.optimizer),
            loss=self.last_loss.item(),
            metrics=named(self.training_metric),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
