"""What a loop's timed trial should have learned by the time it was stopped: the float64 reference's own curve.

    expected    train the reference and note its validation metric on the way
    Memory      curves of earlier runs, which depend on nothing that a loop does

`bench.verify.examiner` compares step by step, on a few batches, outside the clock. This holds the very processes that
were timed to account, loosely: their steps are counted elsewhere, and a band cannot be tight, because training parts
from the reference's by rounding errors, and on raw pixels in shuffled order soon goes its own way.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np

from bench.files import SOURCE_TREE
from bench.records.cell import Cell
from bench.records.verification import Expectation
from bench.verify import sealed
from bench.verify.reference import dense
from bench.verify.reference.dense import Batch, Formula
from loops.contract import Digits, Samples, Track, Workload

STEPS, SAMPLES = 4000, 256_000
"""How far the reference is followed, whichever comes first; beyond, a metric only has to be no worse."""

UPDATES = 4000 * 55_050
"""Of single weights: a wider model is followed for fewer steps, so that the reference is never waited for long."""

FIRST_STEPS, GROWTH = 4, 1.25
"""Of the steps at which the metric is noted: each is so many times the one before."""


def has_reference(workload: str) -> bool:
    """Whether there is a curve for this workload."""
    return workload in dense.RECIPES


def expected(
    workload: Workload, *, digits: Digits, track: Track, batch_size: int, width: int | None = None, seed: int
) -> Expectation:
    """Train the reference as a loop would be trained, and note its validation metric.

    Args:
        workload: One of `bench.verify.reference.dense.RECIPES`.
        digits: Where its samples come from.
        track: On `guide` the order is drawn here, because every pipeline shuffles in its own way.
        batch_size: Samples per step.
        width: Units of each hidden layer; None leaves the workload's own.
        seed: Of the initial weights and the order.
    """
    recipe = dense.RECIPES[workload.name]
    workload = workload if width is None else workload.of_width(width)
    training, validation = workload.samples(digits, track=track, backend="numpy", seed=seed)
    weights = workload.initial_weights(seed=seed)
    count = len(training.inputs)
    order = np.arange(count) if track is Track.MATCHED else np.random.default_rng(seed).permutation(count)
    per_epoch = count // batch_size
    most = min(SAMPLES // batch_size, UPDATES // sum(array.size for array in weights))
    last = min(STEPS, max(most, FIRST_STEPS))

    def batches() -> Iterator[Batch]:
        for step in range(last):
            start = step % per_epoch * batch_size
            yield _batch(training, order[start : start + batch_size])

    trace = dense.train(
        recipe,
        weights,
        batches=batches(),
        formula=Formula.SGD if recipe.optimizer == "SGD" else Formula.KERAS_ADAM,
        snapshots=_checkpoints(last),
    )
    everything = _batch(validation, slice(None))
    return Expectation(
        workload=workload.name,
        track=track.value,
        batch_size=batch_size,
        width=width,
        higher_is_better=recipe.loss == "cross-entropy",
        steps=tuple(trace.weights_after),
        metrics=tuple(dense.evaluate(recipe, weights, batch=everything) for weights in trace.weights_after.values()),
    )


def _checkpoints(last: int) -> list[int]:
    """Return the steps at which the metric is noted, the last one included."""
    steps, following = [], float(FIRST_STEPS)
    while following < last:
        steps.append(int(following))
        following = max(following * GROWTH, following + 1.0)
    return [*steps, last]


def _batch(samples: Samples, rows: "np.ndarray[tuple[int], np.dtype[np.int64]] | slice") -> Batch:
    """Return some samples as the reference takes them."""
    weights = None if samples.weights is None else samples.weights[rows]
    return Batch(inputs=samples.inputs[rows], targets=samples.targets[rows], weights=weights)


class Memory:
    """Curves of earlier runs, kept by what they depend on: data, recipe, seed and the reference's own source."""

    def __init__(self, cache: Path, *, data_sha256: str, seed: int) -> None:
        """Keep them in this folder."""
        self._folder = cache / "expected"
        sources = [SOURCE_TREE / "bench" / "verify" / name for name in ("reference/dense.py", "learning_curve.py")]
        sources += sorted((SOURCE_TREE / "loops" / "workloads").glob("*.py"))
        self._key = [data_sha256, str(seed), *(hashlib.sha256(path.read_bytes()).hexdigest() for path in sources)]

    def recall(self, cell: Cell, *, otherwise: Callable[[], Expectation]) -> Expectation:
        """Return the curve for a cell, from an earlier run of this installation or by training the reference."""
        key = json.dumps([*self._key, asdict(cell.training)])
        content = sealed.read(self._folder, purpose="expected", key=key)
        if content is not None:
            try:
                known = msgspec.json.decode(content, type=Expectation)
            except msgspec.DecodeError:
                pass  # written by another version of the tool
            else:
                if known.training == cell.training:
                    return known
        curve = otherwise()
        sealed.write(self._folder, purpose="expected", key=key, content=msgspec.json.encode(curve))
        return curve
