"""Train a Keras model with PyTorch's own optimizer and loss, forward and backward pass compiled by `torch.compile`.

Differs from `torch_native` in the compilation. A Keras model fits into one graph as long as `autograd.grad` takes the
place of `loss.backward()`, which breaks it. The update stays outside: `Optimizer.step` asks for a break as well, and
fused it is one operation anyway. The first step takes many seconds, and a C++ compiler on a CPU.
Source: PyTorch tutorial "Introduction to torch.compile".
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar, final

import torch
from torch._dynamo import config as tracing

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, training_batches, validation_batches


@final
class TorchNativeCompile(Loop):
    """A compiled function from batch to gradients, and a fused `step`."""

    backend: ClassVar[str] = "torch"
    adam: ClassVar[str] = "torch-adam"

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss and batches."""
        workload = job.workload
        self.device = device_of(job)
        self.model = workload.build_model(seed=job.seed).to(self.device)
        self.tracks_losses = workload.tracks_losses
        self.parameters = [weight.value for weight in self.model.trainable_weights]
        optimizer = getattr(torch.optim, workload.optimizer)
        self.optimizer = optimizer(self.parameters, lr=workload.learning_rate, fused=True)
        self.optimizer.register_step_post_hook(self.count_step)
        self.steps = 0
        # One loss per sample where samples count differently: PyTorch's own mean knows no sample weights.
        weighted = job.training.weights is not None
        self.loss_function = getattr(torch.nn, workload.torch_loss)(reduction="none" if weighted else "mean")
        # One graph or an error: a graph in pieces would run eagerly in between, and nobody would know.
        tracing.trace_autograd_ops = True  # without it, `autograd.grad` breaks the graph
        self.loss_and_gradients = torch.compile(self.differentiate, fullgraph=True)
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        # These stay on the device: reading them for every batch would wait for it each time.
        self.score = torch.zeros((), device=self.device)
        self.seen = torch.zeros((), device=self.device)

    def count_step(self, *_: object) -> None:
        """Count an update; SGD keeps no count of its own."""
        self.steps += 1

    def epochs(self) -> Iterator[list[torch.Tensor]]:
        """Yield batches (x: [batch, features], y: [batch, ...], maybe weight: [batch]), epoch after epoch, no end."""
        while True:
            self.score.zero_()
            self.seen.zero_()
            for batch in self.training_batches:
                # A batch from a DataLoader comes from the host; `to` does nothing for one that is there already.
                yield [tensor.to(self.device) for tensor in batch]

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

    def differentiate(
        self, x: torch.Tensor, y: torch.Tensor, *weight: torch.Tensor
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return loss and gradients of one batch, and add it to the metric."""
        outputs = self.model(x, training=True)
        loss = self.loss_function(outputs, y)
        scores = self.scores(outputs, y)
        if weight:
            # divided by the batch, as Keras does, and not by the sum of the weights
            loss = (loss.flatten() * weight[0]).mean()
            scores = scores * weight[0]
        if self.tracks_losses:  # what layers added by `add_loss` in this forward pass
            loss = loss + sum(self.model.losses)
            # A graph may not leave behind what it has differentiated; Keras has no public way to let go of it.
            self.model._clear_losses()  # noqa: SLF001
        self.score += scores.sum()
        self.seen += weight[0].sum() if weight else len(y)
        return loss.detach(), torch.autograd.grad(loss, self.parameters)

    @torch.no_grad()
    def scores(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the metric of each sample, shape [batch]: whether the class is right, or the absolute error."""
        if isinstance(self.loss_function, torch.nn.MSELoss):
            return (outputs - y).abs().mean(dim=1)
        labels = y if y.dim() == 1 else y.argmax(dim=1)
        return outputs.argmax(dim=1) == labels

    @torch.no_grad()
    def evaluate(self) -> float:
        """Return the metric over the validation samples; no graph is kept for a backward pass."""
        score, seen = torch.zeros((), device=self.device), 0
        for batch in self.validation_batches:
            x, y = (tensor.to(self.device) for tensor in batch)
            score += self.scores(self.model(x, training=False), y).sum()
            seen += len(y)
        return score.item() / seen

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=self.steps,
            loss=self.last_loss.item(),
            metric=self.score.item() / self.seen.item(),
            weights=self.model.get_weights(),
            gradients=[parameter.grad.cpu().numpy() for parameter in self.parameters],
        )
