"""Say in one line what this loop does differently; 'bench run' and the report show it."""

from itertools import islice

import torch

from loops.contract import Loop, Outcome
from loops.data.torch_feed import device_of, training_batches, validation_batches
from loops.errors import UnsupportedCell


class Skeleton(Loop):
    """A plain loop in PyTorch around a Keras model. It passes `bench verify`; change it, and see whether it still does.

    The harness calls `prepare` once, then `train`, then `evaluate` and `outcome`. Only `train` is timed per step.
    """

    # Which framework to import: "tensorflow", "torch", "jax" or "numpy". Write it out: it is read before any import.
    backend = "torch"
    # What the report calls it, and what it says is to be typed in place of plain fit(). Both may be left out.
    title = "my own loop"
    change = "copy `train` from this file"
    # Where the optimizer adds epsilon, which the check has to know: "torch-adam", or "keras-adam" for Keras' own.
    adam = "torch-adam"

    def prepare(self, job):
        """Build model, loss, optimizer and batches: all that `self` holds is made here.

        `loops/contract.py` says what a job and its workload hold.
        """
        if job.training.weights is not None:  # say what you do not carry; the loop is then listed with this reason
            raise UnsupportedCell("this loop knows no sample weights")
        workload = job.workload
        self.tracks_losses = workload.tracks_losses
        self.device = device_of(job)
        self.model = workload.build_model(seed=job.seed).to(self.device)
        self.loss_function = workload.build_torch_loss()
        self.optimizer = workload.build_torch_optimizer(self.model.parameters())
        self.training_metric = workload.build_metric(one_hot=job.training.one_hot)
        self.validation_metric = workload.build_metric(one_hot=job.validation.one_hot)
        self.training_batches = training_batches(job)
        self.validation_batches = validation_batches(job)
        self.steps, self.loss = 0, torch.tensor(torch.nan)  # before the first step

    def epochs(self):
        """Yield batches, epoch after epoch, without end; the training metric is that of the current epoch."""
        while True:
            self.training_metric.reset_state()
            for batch in self.training_batches:
                yield [tensor.to(self.device) for tensor in batch]

    def train(self, blocks):
        """Train as many steps as each block says, and nothing else: no print, no progress bar, no clock.

        Between two blocks the harness waits for the device and reads its clock.
        """
        batches = self.epochs()
        for steps in blocks:
            for x, y in islice(batches, steps):
                logits = self.model(x, training=True)
                self.loss = self.loss_function(logits, y)
                if self.tracks_losses:  # what layers add by `add_loss` or a regularizer
                    self.loss += sum(self.model.losses)
                self.optimizer.zero_grad()
                self.loss.backward()
                self.optimizer.step()
                with torch.no_grad():
                    self.training_metric.update_state(y, logits)
            self.steps += steps

    @torch.no_grad()
    def evaluate(self):
        """Return the metric over all validation samples."""
        self.validation_metric.reset_state()
        for x, y in self.validation_batches:
            self.validation_metric.update_state(y.to(self.device), self.model(x.to(self.device), training=False))
        return float(self.validation_metric.result())

    def synchronise(self):
        """Return when the device has done all that it was given; the clock is read next."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def outcome(self):
        """Return what the steps led to: it is compared with the reference, step by step."""
        return Outcome(
            steps=self.steps,
            loss=self.loss.item(),
            metric=float(self.training_metric.result()),
            weights=self.model.get_weights(),
        )
