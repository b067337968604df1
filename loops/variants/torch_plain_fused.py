"""Train with PyTorch and nothing else, in eager mode, its optimizer as one fused operation.

Differs from `torch_plain` in one word: by default PyTorch updates each parameter by a dozen small operations (on a
GPU, all parameters at once by each of them), fused it does the whole update of all of them in one.
Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html, argument `fused`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import torch

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, training_batches, validation_batches
from loops.workloads.torch_dense import Dense, as_keras
from loops.workloads.torch_updates import updates_done


@final
class TorchPlainFused(Loop):
    """`zero_grad`, `backward` and a fused `step` on a plain `torch.nn.Module`."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "plain PyTorch with a fused optimizer"
    change: ClassVar[str] = "an `nn.Module`; copy `train` and `fused=True` from loops/variants/torch_plain_fused.py"
    adam: ClassVar[str] = "torch-adam"
    own_model: ClassVar[bool] = True

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss and batches."""
        workload = job.workload
        self.device = device_of(job)
        self.model = Dense(workload.initial_weights(seed=job.seed)).to(self.device)
        self.activity_penalty = workload.activity_penalty
        self.optimizer = workload.build_torch_optimizer(self.model.parameters(), fused=True)
        self.steps = 0
        self.loss_function = workload.build_torch_loss(weighted=job.training.weights is not None)
        self.scores = workload.build_torch_scores()
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
            for x, y, *weight in islice(batches, steps):
                # forward
                outputs, hidden = self.model(x)
                loss = self.loss_function(outputs, y, *weight)
                if self.activity_penalty:
                    loss = loss + self.activity_penalty * hidden.sum()
                # backward, from gradients set back to nothing
                self.optimizer.zero_grad()
                loss.backward()
                # update
                self.optimizer.step()
                self.score += self.scores(outputs, y, *weight).sum()
                self.seen += weight[0].sum() if weight else len(y)
            self.last_loss = loss
            self.steps += steps

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
