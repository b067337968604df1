"""Train with `train_on_batch`: Keras owns the step, the loop is ours.

What one writes when each batch depends on what the last one led to. Each call resets the metrics, turns its results
into Python numbers, which waits for the device, and looks its arguments over anew.
Source: Keras documentation of `Model.train_on_batch`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from math import nan
from typing import ClassVar, final

import keras
import tensorflow as tf

from loops.contract import Job, Loop, Outcome
from loops.data.tensorflow_feed import training_batches, validation_dataset
from loops.outcomes import named_metrics, state_of, steps_trained, with_loss, without_losses
from loops.workloads.refused import refuse_parts_of_none


@final
class TfTrainOnBatch(Loop):
    """One `train_on_batch()` call per step."""

    backend: ClassVar[str] = "tensorflow"
    title: ClassVar[str] = "train_on_batch in a Python loop"
    change: ClassVar[str] = "`model.train_on_batch(x, y)` for each batch, as in loops/variants/tf_train_on_batch.py"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.model = workload.build_model(seed=job.seed)
        refuse_parts_of_none(self.model, job.training)
        workload.compile(  # `model.compile` with the optimizer, loss and metrics of the workload
            self.model,
            one_hot=job.training.one_hot,
            jit_compile=False,  # "auto" would switch XLA on for a GPU, which the hand-written loops do not have
        )
        self.training_batches = training_batches(job)
        self.validation_data = validation_dataset(job)
        self.scores: dict[str, float] = defaultdict(float)
        self.seen = 0.0
        self.last_loss = nan  # before the first step

    def epochs(self) -> Iterator[tuple[tf.Tensor, ...]]:
        """Yield batches (x: [batch, features], y: [batch], maybe weight: [batch]), epoch after epoch, without end."""
        while True:
            self.scores, self.seen = defaultdict(float), 0.0
            yield from self.training_batches

    def train(self, blocks: Iterable[int]) -> None:
        """Train block after block."""
        batches = self.epochs()
        for steps in blocks:
            for x, *others in islice(batches, steps):
                results = with_loss(self.model.train_on_batch(x, *others, return_dict=True))
                self.last_loss = results.pop("loss")
                # The model knows the metrics of this batch only; those of the epoch are summed up here.
                weight = others[1:]  # behind the targets
                seen = float(weight[0].numpy().sum()) if weight else 1.0  # whole batches: each counts alike
                for name, score in results.items():
                    self.scores[name] += score * seen
                self.seen += seen
        # What `fit` ends with: averages of the weights take their place, where the optimizer keeps some.
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)

    def evaluate(self) -> dict[str, float]:
        """Return the metrics over the validation samples."""
        results = self.model.evaluate(self.validation_data, verbose=0, return_dict=True)
        return without_losses(results, model=self.model)

    def synchronise(self) -> None:
        """Wait until the device has done what was dispatched."""
        tf.test.experimental.sync_devices()

    def means(self) -> dict[str, float]:
        """Return the metrics of the epoch; of some, such as AUC, the mean over its batches is another number: none."""
        kinds = {name: isinstance(metric, keras.metrics.Mean) for name, metric in named_metrics(self.model).items()}
        seen = self.seen or 1.0
        return {name: float(total / seen) for name, total in self.scores.items() if kinds.get(name)}

    def outcome(self) -> Outcome:
        """Read weights back to the host."""
        return Outcome(
            steps=steps_trained(self.model),
            loss=float(self.last_loss),
            metrics=self.means(),
            weights=self.model.get_weights(),
            state=state_of(self.model),
        )
