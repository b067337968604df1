"""A short training of a loop on a model without a reference of its own, written down for the float64 one.

Runs in the loop's process. What is random in the model draws fixed numbers meanwhile, as it does beside it, and a
schedule of the learning rate is hurried along, as it is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bench.verify import comparison
from bench.verify.fixed_random import fixed_random_numbers
from bench.verify.float64 import Batch, hurry
from bench.verify.peers import PEER_STEPS
from bench.verify.recording import Call, Recording, call_of, named
from loops.contract import Job, Loop, Samples, Workload

STEPS_PER_CALL = 2
"""At most: within a call nothing joins loop and reference again."""

LAST_BLOCK_CALLS = 3
"""Of the last block; all others are single calls, after which everything can be compared. It shows a loop that does not
move on to the next batch within a block."""


def record(loop: Loop, *, job: Job) -> Recording:
    """Train a loop for a few steps and return what it showed.

    Args:
        loop: Fresh.
        job: What to train; its workload's optimizer is hurried along from now on.

    Raises:
        loops.errors.LoopError: If the loop cannot carry the workload.
    """
    _hurry(job.workload)
    with fixed_random_numbers():
        start = Start.of(job.workload, seed=job.seed)
        training = _Training(loop, job=job, start=start)
        known = job.validation.count > 0
        evaluation = named(loop.evaluate(), metric_name=start.metric_name) if known else {}
    return Recording(
        training=_batch(job.training),
        validation=_batch(job.validation),
        batch_size=job.batch_size,
        steps_per_epoch=job.steps_per_epoch,
        steps_per_call=loop.steps_per_call,
        formula=loop.adam,
        precision=start.precision,
        initial=start.weights,
        calls=tuple(training.calls),
        evaluation=evaluation,
    )


def _hurry(workload: Workload) -> None:
    """Have the schedule of a workload's optimizer hurried along, whether the workload builds it or has it compiled."""
    build_optimizer, build_model = workload.build_optimizer, workload.build_model

    def hurried_optimizer() -> Any:
        optimizer = build_optimizer()
        hurry(optimizer)
        return optimizer

    def hurried_model(*, seed: int) -> Any:
        model = build_model(seed=seed)
        hurry(getattr(model, "optimizer", None))
        model.steps_per_execution = min(model.steps_per_execution, STEPS_PER_CALL)
        return model

    workload.build_optimizer = hurried_optimizer  # type: ignore[method-assign]
    workload.build_model = hurried_model  # type: ignore[method-assign]


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """What is known of a model before a loop gets it."""

    weights: list[Any]
    trainable: list[bool]
    """Whether each of the weights is trained."""
    precision: str
    """The least precise type that a layer computes in."""
    metric_name: str

    @classmethod
    def of(cls, workload: Workload, *, seed: int) -> "Start":
        """Build a workload's model once, and look at it."""
        model = workload.build_model(seed=seed)
        trained = {id(variable) for variable in model.trainable_weights}
        computed = {layer.compute_dtype for layer in model._flatten_layers()} & comparison.ROUNDING.keys()  # noqa: SLF001 - of layers in layers, Keras has no public list
        metric = workload.build_metric(one_hot=False)
        return cls(
            weights=[np.array(array) for array in model.get_weights()],
            trainable=[id(variable) in trained for variable in model.weights],
            precision=max(computed, key=lambda name: comparison.ROUNDING[name], default="float32"),
            metric_name=getattr(metric, "name", workload.metric_name),
        )


@final
class _Training:
    """One training, and what the loop shows after each block."""

    def __init__(self, loop: Loop, *, job: Job, start: Start) -> None:
        """Train all blocks."""
        self.calls: list[Call] = []
        self._loop = loop
        self._start = start
        loop.steps_per_call = min(loop.steps_per_call, STEPS_PER_CALL)
        loop.prepare(job)
        loop.train(self._blocks())

    def _blocks(self) -> Iterator[int]:
        """Ask for block after block, and note what the loop has to show in between."""
        done, size = 0, self._loop.steps_per_call
        for calls in [*[1] * (PEER_STEPS // size), LAST_BLOCK_CALLS]:
            yield calls * size
            done += calls * size
            outcome = self._loop.outcome()
            self.calls.append(
                call_of(outcome, upto=done, metric_name=self._start.metric_name, trainable=self._start.trainable)
            )


def _batch(samples: Samples) -> Batch:
    """Return samples as `fit()` takes them."""
    return Batch(x=samples.inputs, y=samples.targets, weight=samples.weights)
