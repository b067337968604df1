"""Train a generator against a discriminator with PyTorch's own optimizers and loss, in eager mode.

What `torch_native` is for one model: the same two Keras models as in TensorFlow, a `torch.optim` optimizer for each.
The Keras guides have this training in TensorFlow only; the step follows "Writing a training loop from scratch in
TensorFlow", end-to-end example.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import torch

from loops.contract import AdversarialWorkload, Job, Loop, Outcome
from loops.data.torch_feed import device_of, training_batches, validation_batches
from loops.workloads.torch_updates import updates_done


@final
class TorchNativeDcgan(Loop):
    """`zero_grad`, `backward`, `step`, once for each model."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "a PyTorch loop with PyTorch's optimizer"
    change: ClassVar[str] = "copy `train` from loops/variants/torch_native_dcgan.py"
    adam: ClassVar[str] = "torch-adam"

    def prepare(self, job: Job) -> None:
        """Build both models, an optimizer for each, loss and batches."""
        workload = job.workload
        assert isinstance(workload, AdversarialWorkload)
        self.device = device_of(job)
        self.discriminator = workload.build_model(seed=job.seed).to(self.device)
        self.generator = workload.build_generator(seed=job.seed).to(self.device)
        self.discriminator_optimizer = workload.build_torch_optimizer(self.discriminator.parameters())
        self.generator_optimizer = workload.build_torch_generator_optimizer(self.generator.parameters())
        self.steps = 0
        self.loss_function = workload.build_torch_loss()
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        # stays on the device: reading it for every batch would wait for it each time
        self.loss_sum = torch.zeros((), device=self.device)
        self.batches_seen = 0
        self.last_loss = torch.tensor(nan)  # before the first step

    def epochs(self) -> Iterator[list[torch.Tensor]]:
        """Yield (images [batch, 28, 28, 1], labels [batch, 2], latents [batch, 2, dimensions]) without end."""
        while True:
            self.loss_sum.zero_()
            self.batches_seen = 0
            for batch in self.training_batches:
                # A batch from a DataLoader comes from the host; `to` does nothing for one that is there already.
                yield [tensor.to(self.device) for tensor in batch]

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for images, labels, latents in islice(batches, steps):
                # The discriminator sees generated images, labelled about 1, and real ones, labelled about 0. The
                # generator draws without a graph: nothing of it is updated yet.
                with torch.no_grad():
                    generated = self.generator(latents[:, 0], training=True)
                shown = torch.cat([generated, images])
                shown_labels = torch.cat([labels[:, :1], labels[:, 1:]])
                logits = self.discriminator(shown, training=True)
                discriminator_loss = self.loss_function(logits, shown_labels)
                self.discriminator_optimizer.zero_grad()
                discriminator_loss.backward()
                self.discriminator_optimizer.step()

                # The generator is judged by the updated discriminator and pretends that its images are real. The
                # gradients that this leaves in the discriminator are thrown away by the next `zero_grad`.
                logits = self.discriminator(self.generator(latents[:, 1], training=True), training=True)
                generator_loss = self.loss_function(logits, torch.zeros_like(logits))
                self.generator_optimizer.zero_grad()
                generator_loss.backward()
                self.generator_optimizer.step()
                self.loss_sum += generator_loss.detach()
                self.batches_seen += 1
            self.last_loss = discriminator_loss
            self.steps += steps

    @torch.no_grad()
    def evaluate(self) -> float:
        """Return the generator's loss on the validation latents."""
        loss_sum, seen = torch.zeros((), device=self.device), 0
        for batch in self.validation_batches:
            latents = batch[2].to(self.device)
            logits = self.discriminator(self.generator(latents[:, 1], training=False), training=False)
            loss_sum += self.loss_function(logits, torch.zeros_like(logits)) * len(logits)
            seen += len(logits)
        return loss_sum.item() / seen

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        optimizers = self.discriminator_optimizer, self.generator_optimizer
        return Outcome(
            steps=min(updates_done(one, trained=self.steps) for one in optimizers),
            loss=self.last_loss.item(),
            metric=self.loss_sum.item() / self.batches_seen,
            weights=self.discriminator.get_weights() + self.generator.get_weights(),
        )
