"""Train with PyTorch and nothing else, forward and backward pass compiled into one graph by `torch.compile`.

Differs from `torch_plain_fused` in the compilation. The update stays outside: `Optimizer.step` asks for a break in the
graph, and fused it is one operation anyway. Of a Keras model less can be compiled: see `torch_native_compile`.
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
from loops.data.torch_feed import device_of, training_batches, validation_batches
from loops.workloads.torch_dense import Dense, as_keras
from loops.workloads.torch_updates import updates_done


@final
class TorchCompile(Loop):
    """A compiled function from batch to gradients, and a fused `step`."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "plain PyTorch under torch.compile"
    change: ClassVar[str] = "an `nn.Module`; copy `differentiate` and `train` from loops/variants/torch_compile.py"
    adam: ClassVar[str] = "torch-adam"
    own_model: ClassVar[bool] = True

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss and batches."""
        workload = job.workload
        self.device = device_of(job)
        self.model = Dense(workload.initial_weights(seed=job.seed)).to(self.device)
        self.activity_penalty = workload.activity_penalty
        self.parameters = list(self.model.parameters())
        self.optimizer = workload.build_torch_optimizer(self.parameters, fused=True)
        self.steps = 0
        self.loss_function = workload.build_torch_loss(weighted=job.training.weights is not None)
        self.scores = workload.build_torch_scores()
        # One graph or an error: a graph in pieces would run eagerly in between, and nobody would know.
        tracing.trace_autograd_ops = True  # without it, `autograd.grad` breaks the graph
        self.loss_and_gradients = torch.compile(self.differentiate, fullgraph=True)
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        # These stay on the device: reading them for every batch would wait for it each time.
        self.score = torch.zeros((), device=self.device)
        self.seen = torch.zeros((), device=self.device)
        self.last_loss = torch.tensor(nan)  # before the first step

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
        self.model.train()
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
        outputs, hidden = self.model(x)
        loss = self.loss_function(outputs, y, *weight)
        if self.activity_penalty:
            loss = loss + self.activity_penalty * hidden.sum()
        self.score += self.scores(outputs, y, *weight).sum()
        self.seen += weight[0].sum() if weight else len(y)
        return loss.detach(), torch.autograd.grad(loss, self.parameters)

    @torch.no_grad()
    def evaluate(self) -> float:
        """Return the metric over the validation samples; no graph is kept for a backward pass."""
        self.model.eval()
        score, seen = torch.zeros((), device=self.device), 0
        for batch in self.validation_batches:
            x, y = (tensor.to(self.device) for tensor in batch)
            score += self.scores(self.model(x)[0], y).sum()
            seen += len(y)
        return score.item() / seen

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=updates_done(self.optimizer, trained=self.steps),
            loss=self.last_loss.item(),
            metric=self.score.item() / self.seen.item(),
            weights=as_keras(self.model.parameters()),
            gradients=as_keras(parameter.grad for parameter in self.model.parameters()),
        )
