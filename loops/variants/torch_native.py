"""Train a Keras model with PyTorch's own optimizer and loss, in eager mode.

A Keras model on the torch backend is a `torch.nn.Module`, so everything that PyTorch offers works on it.
The guide tracks no accuracy here; this loop counts correct predictions the PyTorch way, so that it does the same work
as the others. Source: Keras guide "Writing a training loop from scratch in PyTorch", first half.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar, final

import torch

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, training_batches, validation_batches


@final
class TorchNative(Loop):
    """`zero_grad`, `backward`, `step`."""

    backend: ClassVar[str] = "torch"

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss and batches."""
        workload = job.workload
        self.device = device_of(job)
        self.model = workload.build_model(seed=job.seed).to(self.device)
        self.optimizer = getattr(torch.optim, workload.optimizer)(self.model.parameters(), lr=workload.learning_rate)
        self.loss_function = torch.nn.CrossEntropyLoss()  # takes class indices and one-hot rows alike
        self.one_hot = job.training.one_hot
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        # Both counters stay on the device: reading them for every batch would wait for it each time.
        self.correct = torch.zeros((), dtype=torch.int64, device=self.device)
        self.seen = 0

    def epochs(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield batches (x: [batch, features], y: [batch] or [batch, classes]), epoch after epoch, without end."""
        while True:
            self.correct.zero_()
            self.seen = 0
            for x, y in self.training_batches:
                # A batch from a DataLoader comes from the host; `to` does nothing for one that is there already.
                yield x.to(self.device), y.to(self.device)

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for x, y in islice(batches, steps):
                # forward; PyTorch's losses take the prediction first
                logits = self.model(x, training=True)
                loss = self.loss_function(logits, y)
                # backward, from gradients set back to nothing
                self.model.zero_grad()
                loss.backward()
                # update
                self.optimizer.step()
                self.correct += self.count_correct(logits, y)
                self.seen += len(y)
            self.last_loss = loss

    def count_correct(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return how many of a batch have their largest logit at the right class, as a tensor on the device."""
        labels = y.argmax(dim=1) if self.one_hot else y
        return (logits.argmax(dim=1) == labels).sum()

    @torch.no_grad()
    def evaluate(self) -> float:
        """Return the accuracy over the validation samples; no graph is kept for a backward pass."""
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        seen = 0
        for x, y in self.validation_batches:
            logits = self.model(x.to(self.device), training=False)
            correct += self.count_correct(logits, y.to(self.device))
            seen += len(y)
        return int(correct) / seen

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        states = self.optimizer.state.values()
        return Outcome(
            steps=max(int(state["step"]) for state in states),
            loss=self.last_loss.item(),
            metric=int(self.correct) / self.seen,
            weights=self.model.get_weights(),
        )
