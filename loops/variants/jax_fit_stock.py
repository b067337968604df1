"""Train with `compile` and `fit()` as they come: Keras owns loop and step.

The control for `jax_fit`: what the override costs is the difference between the two.
Source: Keras guide "Training and evaluation with the built-in methods".
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar, final

import jax

from loops.contract import Job, Loop, Outcome
from loops.data.jax_feed import training_arrays
from loops.hand_over import UNTIL_STOPPED, HandOver, TrainingDone


@final
class JaxFitStock(Loop):
    """One `fit()` call for the whole trial, nothing overridden."""

    backend: ClassVar[str] = "jax"

    def prepare(self, job: Job) -> None:
        """Build and compile the model, and lay out the data."""
        workload = job.workload
        self.metric = workload.build_metric(one_hot=job.training.one_hot)
        self.model = workload.build_model(seed=job.seed)
        self.model.compile(
            optimizer=workload.build_optimizer(),
            loss=workload.build_loss(one_hot=job.training.one_hot),
            weighted_metrics=[self.metric],
            jit_compile=True,  # what "auto" means on this backend
        )
        self.training_data = training_arrays(job)
        self.validation_data = job.validation.arrays
        self.batch_size = job.batch_size
        self.hand_over: HandOver | None = None  # there is nothing to hand over before the first block

    def train(self, blocks: Iterable[int]) -> None:
        """Train until the blocks run out; `fit` resets the metrics at each epoch."""
        # `fit` carries the values of all variables itself: they are fetched when somebody asks what they are.
        self.hand_over = HandOver(blocks, fetch_at_edges=False)
        x, y, *weight = self.training_data
        with suppress(TrainingDone):
            self.model.fit(
                x,
                y,
                sample_weight=weight[0] if weight else None,
                batch_size=self.batch_size,
                shuffle=False,
                epochs=UNTIL_STOPPED,
                verbose=0,
                callbacks=[self.hand_over],
            )

    def evaluate(self) -> float:
        """Return the metric over the validation samples."""
        x, y = self.validation_data
        results: dict[str, float] = self.model.evaluate(x, y, batch_size=self.batch_size, verbose=0, return_dict=True)
        return results[self.metric.name]

    def synchronise(self) -> None:
        """Wait for every array there is: while `fit` runs, the model's variables hold none."""
        jax.block_until_ready(jax.live_arrays())

    def outcome(self) -> Outcome:
        """Read results back to the host."""
        if self.hand_over is not None:
            self.hand_over.fetch()
        results = self.model.get_metrics_result()
        return Outcome(
            steps=int(self.model.optimizer.iterations),
            loss=float(results["loss"]),
            metric=float(results[self.metric.name]),
            weights=self.model.get_weights(),
        )
