"""Train a generator against a discriminator on PyTorch with Keras' optimizers, loss and metrics.

Differs from `torch_native_dcgan` in who computes the loss, applies the gradients and counts.
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


@final
class TorchKerasDcgan(Loop):
    """`backward` by PyTorch, the rest by Keras, once for each model."""

    backend: ClassVar[str] = "torch"
    title: ClassVar[str] = "a PyTorch loop with Keras' optimizer"
    change: ClassVar[str] = "copy `train` from loops/variants/torch_keras_dcgan.py"

    def prepare(self, job: Job) -> None:
        """Build both models, an optimizer for each, loss and batches."""
        workload = job.workload
        assert isinstance(workload, AdversarialWorkload)
        self.device = device_of(job)
        self.discriminator = workload.build_model(seed=job.seed).to(self.device)
        self.generator = workload.build_generator(seed=job.seed).to(self.device)
        self.discriminator_optimizer = workload.build_optimizer()
        self.generator_optimizer = workload.build_generator_optimizer()
        self.discriminator_optimizer.build(self.discriminator.trainable_weights)
        self.generator_optimizer.build(self.generator.trainable_weights)
        self.loss_function = workload.build_loss(one_hot=False)
        self.generator_metric = workload.build_metric(one_hot=False)
        self.validation_metric = workload.build_metric(one_hot=False)
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        self.last_loss = torch.tensor(nan)  # before the first step

    def epochs(self) -> Iterator[list[torch.Tensor]]:
        """Yield (images [batch, 28, 28, 1], labels [batch, 2], latents [batch, 2, dimensions]) without end."""
        while True:
            self.generator_metric.reset_state()
            for batch in self.training_batches:
                # A batch from a DataLoader comes from the host; `to` does nothing for one that is there already.
                yield [tensor.to(self.device) for tensor in batch]

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        discriminator_weights = self.discriminator.trainable_weights
        generator_weights = self.generator.trainable_weights
        for steps in blocks:
            for images, labels, latents in islice(batches, steps):
                # The discriminator sees generated images, labelled about 1, and real ones, labelled about 0. The
                # generator draws without a graph: nothing of it is updated yet.
                with torch.no_grad():
                    generated = self.generator(latents[:, 0], training=True)
                shown = torch.cat([generated, images])
                shown_labels = torch.cat([labels[:, :1], labels[:, 1:]])
                logits = self.discriminator(shown, training=True)
                discriminator_loss = self.loss_function(shown_labels, logits)
                self.discriminator.zero_grad()
                discriminator_loss.backward()
                gradients = [variable.value.grad for variable in discriminator_weights]
                with torch.no_grad():
                    self.discriminator_optimizer.apply(gradients, discriminator_weights)

                # The generator is judged by the updated discriminator and pretends that its images are real. The
                # gradients that this leaves in the discriminator are thrown away by the next `zero_grad`.
                logits = self.discriminator(self.generator(latents[:, 1], training=True), training=True)
                generator_loss = self.loss_function(torch.zeros_like(logits), logits)
                self.generator.zero_grad()
                generator_loss.backward()
                gradients = [variable.value.grad for variable in generator_weights]
                with torch.no_grad():
                    self.generator_optimizer.apply(gradients, generator_weights)
                    self.generator_metric.update_state(generator_loss)
            self.last_loss = discriminator_loss

    @torch.no_grad()
    def evaluate(self) -> float:
        """Return the generator's loss on the validation latents."""
        self.validation_metric.reset_state()
        for batch in self.validation_batches:
            latents = batch[2].to(self.device)
            logits = self.discriminator(self.generator(latents[:, 1], training=False), training=False)
            self.validation_metric.update_state(self.loss_function(torch.zeros_like(logits), logits))
        return float(self.validation_metric.result())

    def synchronise(self) -> None:
        """Wait until the device has done what was queued; a CPU has, when the call returns."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        return Outcome(
            steps=min(int(self.discriminator_optimizer.iterations), int(self.generator_optimizer.iterations)),
            loss=self.last_loss.item(),
            metric=float(self.generator_metric.result()),
            weights=self.discriminator.get_weights() + self.generator.get_weights(),
        )
