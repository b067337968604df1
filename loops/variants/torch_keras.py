"""Train a Keras model on PyTorch with Keras' optimizer, loss and metrics.

The loop of someone who wants code that reads the same on every backend: PyTorch only differentiates. Differs from
`torch_native` in who computes the loss, applies the gradients and counts.
Source: Keras guide "Writing a training loop from scratch in PyTorch", second half.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import torch

from loops.contract import Job, Loop, Outcome
from loops.data.torch_feed import device_of, moved, training_batches, validation_batches
from loops.outcomes import gradients_of, named, state_of, steps_of


@final
class TorchKeras(Loop):
    """`backward` by PyTorch, the rest by Keras."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "a PyTorch loop with Keras' optimizer"
    change: ClassVar[str] = "copy `train` from loops/variants/torch_keras.py"
    caution: ClassVar[str] = "callbacks, checkpoints, validation are yours"

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
        trainable_weights = self.model.trainable_weights
        for steps in blocks:
            for x, y, *weight in islice(batches, steps):
                sample_weight = weight[0] if weight else None
                # forward; Keras' losses take the truth first
                logits = self.model(x, training=True)
                loss = self.loss_function(y, logits, sample_weight=sample_weight)
                if self.tracks_losses:  # what layers added by `add_loss` in this forward pass
                    loss += sum(self.model.losses)
                # backward, from gradients set back to nothing
                self.model.zero_grad()
                self.optimizer.scale_loss(
                    loss
                ).backward()  # as it is, but for float16, where small gradients would vanish
                # update: PyTorch has left each gradient at its variable's tensor
                gradients = [variable.value.grad for variable in trainable_weights]
                with torch.no_grad():
                    self.optimizer.apply(gradients, trainable_weights)
                    self.training_metric.update_state(y, logits, sample_weight=sample_weight)
            self.last_loss = loss
        # What `fit()` does in the end: averages of the weights take their place, where the optimizer keeps any.
        self.optimizer.finalize_variable_values(self.model.trainable_weights)

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
            gradients=gradients_of(self.model),
        )
