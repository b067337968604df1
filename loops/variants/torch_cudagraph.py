"""Train with PyTorch and nothing else, the whole step recorded once as a CUDA graph and replayed: for GPUs only.

Differs from `torch_plain_fused` in who launches the kernels: eager PyTorch has Python launch each of them, which takes
longer than a small model computes; a replay launches all of them at once. In return nothing may move: a graph reads
from and writes to the memory that it was recorded with, and Python is not asked any more.
Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#whole-network-capture.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, final

import torch

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, training_batches, validation_batches
from loops.errors import UnsupportedCell
from loops.workloads.torch_dense import Dense, as_keras
from loops.workloads.torch_updates import updates_done


@final
class TorchCudagraph(Loop):
    """A few eager steps, then one graph for all that follow."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "plain PyTorch as a CUDA graph"
    change: ClassVar[str] = "an `nn.Module`; copy `train` and `train_step` from loops/variants/torch_cudagraph.py"
    adam: ClassVar[str] = "torch-adam"
    own_model: ClassVar[bool] = True
    needs_gpu: ClassVar[bool] = True
    eager_steps: ClassVar[int] = 3  # in which libraries set themselves up, and that cannot be recorded

    def prepare(self, job: Job) -> None:
        """Build model, optimizer, loss and batches."""
        if job.device != "gpu":
            raise UnsupportedCell("a CUDA graph needs a GPU; on a CPU, see torch-compile")
        workload, self.device = job.workload, device_of(job)
        self.model = Dense(workload.initial_weights(seed=job.seed)).to(self.device)
        self.activity_penalty = workload.activity_penalty
        # `capturable` keeps Adam's count of steps on the device; SGD has none.
        recordable = {"capturable": True} if workload.optimizer == "Adam" else {}
        self.optimizer = workload.build_torch_optimizer(self.model.parameters(), fused=True, **recordable)
        if "initial_lr" in self.optimizer.param_groups[0]:  # a scheduler's mark
            raise UnsupportedCell("a CUDA graph repeats the learning rate it was recorded with; see torch-plain-fused")
        self.steps = 0
        self.loss_function = workload.build_torch_loss(weighted=job.training.weights is not None)
        self.scores = workload.build_torch_scores()
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        # where the graph finds its batch, and where it leaves loss and metric
        self.batch = [tensor.to(self.device, copy=True) for tensor in next(iter(self.training_batches))]
        self.last_loss, self.score, self.seen = (torch.zeros((), device=self.device) for _ in range(3))
        self.graph, self.stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()

    def epochs(self) -> Iterator[Sequence[torch.Tensor]]:
        """Yield batches (x: [batch, features], y: [batch, ...], maybe weight: [batch]), epoch after epoch, no end."""
        while True:
            self.score.zero_()
            self.seen.zero_()
            yield from self.training_batches

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        self.model.train()
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):  # on the usual one nothing can be recorded
            for steps in blocks:
                for batch in islice(batches, steps):
                    for place, tensor in zip(self.batch, batch, strict=True):
                        place.copy_(tensor)
                    if self.steps == self.eager_steps:
                        with torch.cuda.graph(self.graph, stream=self.stream):
                            self.train_step(*self.batch)  # is recorded, not done
                    if self.steps < self.eager_steps:
                        self.train_step(*self.batch)
                    else:
                        self.graph.replay()
                    self.steps += 1

    def train_step(self, x: torch.Tensor, y: torch.Tensor, *weight: torch.Tensor) -> None:
        """Train on one batch; nothing here may wait for the device."""
        # forward
        outputs, hidden = self.model(x)
        loss = self.loss_function(outputs, y, *weight)
        if self.activity_penalty:
            loss = loss + self.activity_penalty * hidden.sum()
        # backward, from no gradients at all: a graph then writes over its own instead of adding to them
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        # update
        self.optimizer.step()
        self.score += self.scores(outputs, y, *weight).sum()
        self.seen += weight[0].sum() if weight else len(y)
        self.last_loss.copy_(loss.detach())

    @torch.no_grad()
    def evaluate(self) -> float:
        """Return the metric over the validation samples; no graph is kept for a backward pass."""
        self.model.eval()
        score, seen = torch.zeros((), device=self.device), 0
        for x, y in ([tensor.to(self.device) for tensor in batch] for batch in self.validation_batches):
            score += self.scores(self.model(x)[0], y).sum()
            seen += len(y)
        return score.item() / seen

    def synchronise(self) -> None:
        """Wait until the device has done what was queued."""
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
