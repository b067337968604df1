"""Train with `train_on_batch`: Keras owns the step, the loop is ours.

What one writes when each batch depends on what the last one led to. Each call resets the metrics, turns its results
into Python numbers, which waits for the device, and looks its arguments over anew.
Source: Keras documentation of `Model.train_on_batch`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import tensorflow as tf

from loops.contract import Job, Loop, Outcome
from loops.data.tensorflow_feed import training_batches, validation_dataset


@final
class TfTrainOnBatch(Loop):
    """One `train_on_batch()` call per step."""

    backend: ClassVar[str] = "tensorflow"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.metric = workload.build_metric(one_hot=job.training.one_hot)
        self.model = workload.build_model(seed=job.seed)
        self.model.compile(
            optimizer=workload.build_optimizer(),
            loss=workload.build_loss(one_hot=job.training.one_hot),
            weighted_metrics=[self.metric],
            jit_compile=False,  # "auto" would switch XLA on for a GPU, which the hand-written loops do not have
        )
        self.training_batches = training_batches(job)
        self.validation_data = validation_dataset(job)
        self.score = self.seen = 0.0
        self.last_loss = nan  # before the first step

    def epochs(self) -> Iterator[tuple[tf.Tensor, ...]]:
        """Yield batches (x: [batch, features], y: [batch], maybe weight: [batch]), epoch after epoch, without end."""
        while True:
            self.score = self.seen = 0.0
            yield from self.training_batches

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for x, y, *weight in islice(batches, steps):
                self.last_loss, score = self.model.train_on_batch(x, y, *weight)
                # The model knows the metric of this batch only; that of the epoch is summed up here.
                seen = float(weight[0].numpy().sum()) if weight else len(x)
                self.score += score * seen
                self.seen += seen

    def evaluate(self) -> float:
        """Return the metric over the validation samples."""
        results: dict[str, float] = self.model.evaluate(self.validation_data, verbose=0, return_dict=True)
        return results[self.metric.name]

    def synchronise(self) -> None:
        """Wait until the device has done what was dispatched."""
        tf.test.experimental.sync_devices()

    def outcome(self) -> Outcome:
        """Read weights back to the host."""
        return Outcome(
            steps=int(self.model.optimizer.iterations),
            loss=float(self.last_loss),
            metric=float(self.score / self.seen),
            weights=self.model.get_weights(),
        )
