"""Does a loop compute what it claims? Trains it step by step beside the float64 reference and measures the gaps.

Runs in a process with the loop's framework. Two trainings from the same initial weights on the same batches:

- long, on the matched (scaled) samples, over many short epochs, so that whatever a loop does at the end of an epoch
  shows; the model begins with a layer that mirrors its input in training and leaves it alone otherwise, so that a step
  in inference mode, or an evaluation in training mode, shows as well (not so for a loop with a model of its own,
  which knows no such modes);
- short, on raw pixels and the model as it is.

Training is chaotic: once a rectifier switches sides by a rounding error, two correct trainings part for good, on raw
pixels after a few steps. Therefore the reference does not run freely beside the loop. It takes each step from the
weights that the loop has at that point, with an optimizer state of its own, so rounding errors do not grow and every
step is held to the same tolerance, however many there are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bench import reference
from bench.records import Gap
from bench.reference import Batch, Formula, Recipe
from loops.contract import Digits, Job, Loop, Outcome, Samples, Track, Workload

LONG_STEPS, RAW_STEPS = 100, 20
EPOCH_STEPS = 8
"""Of the long training: it ends in the middle of its thirteenth epoch."""

STEPS_PER_CALL = 2
"""At most: the reference joins a loop again after each call, and the fewer steps there are in one, the less rounding
errors can grow."""

CALLS_PER_BLOCK = (1, 1, 1, 1, 3)
"""Over and over. After a single call everything can be compared; the longer ones show a loop that does not move on to
the next batch within a block."""

VALIDATION_SAMPLES = 1000

LOSS_TOLERANCE = 1e-5
"""Relative. A float32 loss of correct loops is within 1e-6 of the float64 one from the same weights."""

GRADIENT_TOLERANCE = 1e-5
"""Relative to the largest gradient of the same array."""

WEIGHT_TOLERANCE = {Formula.KERAS_ADAM: 4e-4, Formula.TORCH_ADAM: 4e-4, Formula.SGD: 1e-3}
"""Root mean square, relative to the distance that the weights have moved. With SGD at a rate of 1e-3 the weights move
so little that their own rounding to float32 is 3e-4 of it after one step. Correct loops with Adam stay below 2e-4, and
AMSGrad in its place, or a learning rate that is off by one in a thousand, are at 7e-4 and more."""

METRIC_TOLERANCE = 1e-5
"""Far below one sample of an epoch: a metric is a count, so it is right or it is not."""


def check(new_loop: Callable[[], Loop], *, workload: Workload, digits: Digits, device: str, seed: int) -> "Parity":
    """Train a loop beside the reference.

    Args:
        new_loop: Makes a fresh loop; called once per training.
        workload: What to train.
        digits: Where its samples come from.
        device: "cpu" or "gpu".
        seed: Of the initial weights and the samples.

    Raises:
        loops.errors.ContractBroken: If the loop does not do the steps that it is asked for.
    """
    recipe = reference.RECIPES[workload.name]
    loop = new_loop()
    formula = Formula(loop.adam) if recipe.optimizer == "Adam" else Formula.SGD
    job = _job(workload, digits=digits, device=device, seed=seed)
    seen, mirror = job.training, workload
    if not loop.own_model:
        seen, mirror = replace(seen, inputs=seen.inputs[:, ::-1]), Mirrored(workload)
    comparison = Comparison(loop, job=replace(job, workload=mirror), steps=LONG_STEPS)
    gaps = comparison.gaps(recipe, samples=seen, formula=formula)
    losses = tuple(outcome.loss for outcome in comparison.outcomes.values())
    if workload.name.startswith("mnist"):
        raw = replace(job.training, inputs=np.rint(job.training.inputs * np.float32(255.0)))
        comparison = Comparison(new_loop(), job=replace(job, training=raw), steps=RAW_STEPS)
        gaps += [
            replace(gap, what=f"{gap.what}, raw pixels")
            for gap in comparison.step_gaps(recipe, samples=raw, formula=formula)
            # Not the weights: raw gradients are large, and so is the rounding error of one that should be zero; Adam
            # makes a whole step of it.
            if gap.what.startswith("loss")
        ]
    return Parity(formula=formula.value, gaps=tuple(gaps), losses=losses)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parity:
    """What `check` found."""

    formula: str
    gaps: tuple[Gap, ...]
    losses: tuple[float, ...]


@final
class Mirrored(Workload):
    """A workload whose model mirrors its input in training mode; the rest is the workload's own."""

    def __init__(self, workload: Workload) -> None:
        """Wrap a workload, whose recipe stays what it is."""
        self._workload = workload
        for name in Workload.__annotations__:
            setattr(self, name, getattr(workload, name))

    def samples(self, digits: Digits, *, track: Track, backend: str, seed: int) -> tuple[Samples, Samples]:
        """Return the wrapped workload's samples."""
        return self._workload.samples(digits, track=track, backend=backend, seed=seed)

    def build_model(self, *, seed: int) -> Any:
        """Return the model behind a mirror."""
        import keras  # noqa: PLC0415 - the process chose the backend before this runs

        class Mirror(keras.layers.Layer):
            """Reverses the features in training, passes them on otherwise."""

            def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: FBT001, FBT002 - Keras' signature
                """Reverse or pass on."""
                return keras.ops.flip(inputs, axis=-1) if training else inputs

        first, *layers = self._workload.build_model(seed=seed).layers
        inputs = keras.Input(shape=first.batch_shape[1:])
        outputs = Mirror()(inputs)
        for layer in layers:
            outputs = layer(outputs)
        return keras.Model(inputs=inputs, outputs=outputs)

    def build_loss(self, *, one_hot: bool) -> Any:
        """Return the wrapped workload's loss."""
        return self._workload.build_loss(one_hot=one_hot)

    def build_metric(self, *, one_hot: bool) -> Any:
        """Return the wrapped workload's metric."""
        return self._workload.build_metric(one_hot=one_hot)


@final
class Comparison:
    """One training of a loop, one call per block, and what the reference says to each call."""

    def __init__(self, loop: Loop, *, job: Job, steps: int) -> None:
        """Train the loop and keep what it has to show after each call.

        Args:
            loop: Fresh.
            job: What to train.
            steps: How long.
        """
        self.job = job
        self.steps = steps
        self.outcomes: dict[int, Outcome] = {}
        self._initial = (
            job.workload.initial_weights(seed=job.seed)
            if loop.own_model
            else job.workload.build_model(seed=job.seed).get_weights()
        )
        # Few, so that an epoch takes several calls; `prepare` may lower it further.
        loop.steps_per_call = min(loop.steps_per_call, STEPS_PER_CALL)
        loop.prepare(job)
        self._per_call = loop.steps_per_call
        loop.train(self._blocks(loop))
        self._final_metric = loop.evaluate()

    def _blocks(self, loop: Loop) -> Iterator[int]:
        """Ask for block after block, and keep a copy of what the loop has to show in between."""
        done = 0
        for calls in cycle(CALLS_PER_BLOCK):
            steps = min(calls, (self.steps - done) // self._per_call) * self._per_call
            if steps == 0:
                return
            yield steps
            done += steps
            outcome = loop.outcome()
            # What a framework hands out may be a view of memory that the next step writes to.
            self.outcomes[done] = replace(
                outcome,
                weights=[array.copy() for array in outcome.weights],
                gradients=None if outcome.gradients is None else [array.copy() for array in outcome.gradients],
            )

    def gaps(self, recipe: Recipe, *, samples: Samples, formula: Formula) -> list[Gap]:
        """Return every gap.

        Args:
            recipe: The reference's own account of the workload.
            samples: What the model sees in training.
            formula: Of the optimizer.
        """
        last = self.outcomes[max(self.outcomes)]
        validation = Batch(inputs=self.job.validation.inputs, targets=self.job.validation.targets)
        evaluated = reference.evaluate(recipe, last.weights, batch=validation)
        return [
            *self.step_gaps(recipe, samples=samples, formula=formula),
            *self._gradient_gaps(recipe, samples=samples),
            Gap(what="evaluation", largest=abs(self._final_metric - evaluated), allowed=METRIC_TOLERANCE),
            Gap(what="steps counted", largest=float(abs(last.steps - self.steps)), allowed=0.5),
        ]

    def step_gaps(self, recipe: Recipe, *, samples: Samples, formula: Formula) -> list[Gap]:
        """Return the largest gap of losses, weights and training metric, and the steps at which they occur."""
        optimizer = reference.Optimizer(formula, learning_rate=recipe.learning_rate)
        weights: list[NDArray[Any]] = list(self._initial)
        moved = [np.zeros(array.shape) for array in weights]
        losses, distances, metrics = {}, {}, {}
        done, scores = 0, _Scores(recipe)
        for upto, outcome in self.outcomes.items():
            stepped: list[NDArray[Any]] = weights
            block: list[float] = []
            for step in range(done, upto):
                batch = self._batch(step, samples)
                scores.add(stepped, batch=batch, new_epoch=step % self.job.steps_per_epoch == 0)
                loss, gradients = reference.loss_and_gradients(recipe, stepped, batch=batch)
                stepped = optimizer.updated(stepped, gradients=gradients)
                block.append(loss)
            moved = [total + new - old for total, new, old in zip(moved, stepped, weights, strict=True)]
            really = [new - first for new, first in zip(outcome.weights, self._initial, strict=True)]
            distances[upto] = _norm([a - b for a, b in zip(really, moved, strict=True)]) / _norm(moved)
            metrics[upto] = abs(outcome.metric - scores.mean)
            if upto - done == self._per_call:
                # That of the last step or, as `fit` reports it, the mean of the block; mostly they are the same one.
                known = block[-1], sum(block) / len(block)
                losses[upto] = min(abs(outcome.loss - loss) / abs(loss) for loss in known)
            done, weights = upto, outcome.weights
        return [
            _worst(f"loss, {self.steps} steps", losses, allowed=LOSS_TOLERANCE),
            _worst(f"weights, {self.steps} steps", distances, allowed=WEIGHT_TOLERANCE[formula]),
            _worst("training metric", metrics, allowed=METRIC_TOLERANCE),
        ]

    def _gradient_gaps(self, recipe: Recipe, *, samples: Samples) -> list[Gap]:
        """Return the gap of the first step's gradients, where the loop keeps them."""
        found = self.outcomes[min(self.outcomes)].gradients
        if found is None or self._per_call > 1:
            return []
        _, expected = reference.loss_and_gradients(recipe, self._initial, batch=self._batch(0, samples))
        largest = max(
            float(np.abs(ours - theirs).max() / np.abs(theirs).max())
            for ours, theirs in zip(found, expected, strict=True)
        )
        return [Gap(what="gradients of the first step", largest=largest, allowed=GRADIENT_TOLERANCE, step=1)]

    def _batch(self, step: int, samples: Samples) -> Batch:
        """Cut the batch that a correct loop trains at a step, counted from 0, epoch after epoch."""
        start = step % self.job.steps_per_epoch * self.job.batch_size
        rows = slice(start, start + self.job.batch_size)
        weights = None if samples.weights is None else samples.weights[rows]
        return Batch(inputs=samples.inputs[rows], targets=samples.targets[rows], weights=weights)


@final
class _Scores:
    """The training metric since the start of an epoch, each batch judged by the weights before its update."""

    def __init__(self, recipe: Recipe) -> None:
        """Nothing is seen yet."""
        self._recipe = recipe
        self._total = self._weight = 0.0

    def add(self, weights: list[NDArray[Any]], *, batch: Batch, new_epoch: bool) -> None:
        """Add one batch."""
        if new_epoch:
            self._total = self._weight = 0.0
        weight = _weight_sum(batch)
        self._total += weight * reference.evaluate(self._recipe, weights, batch=batch)
        self._weight += weight

    @property
    def mean(self) -> float:
        """Return the metric."""
        return self._total / self._weight


def _job(workload: Workload, *, digits: Digits, device: str, seed: int) -> Job:
    """Return a job with short epochs of whole batches and half a batch that is to be dropped."""
    training, validation = workload.samples(digits, track=Track.MATCHED, backend="numpy", seed=seed)
    size = min(workload.batch_size, len(training.inputs) // (EPOCH_STEPS + 1))
    end = EPOCH_STEPS * size + size // 2
    return Job(
        workload=workload,
        training=Samples(
            inputs=training.inputs[:end],
            targets=training.targets[:end],
            weights=None if training.weights is None else training.weights[:end],
        ),
        validation=Samples(
            inputs=validation.inputs[:VALIDATION_SAMPLES], targets=validation.targets[:VALIDATION_SAMPLES]
        ),
        track=Track.MATCHED,
        batch_size=size,
        device=device,
        seed=seed,
    )


def _worst(what: str, gaps: Mapping[int, float], *, allowed: float) -> Gap:
    """Return the largest gap and its step; NaN counts as the largest."""
    worst = max(gaps, key=lambda step: (bool(np.isnan(gaps[step])), gaps[step]))
    return Gap(what=what, largest=float(gaps[worst]), allowed=allowed, step=worst)


def _norm(arrays: Iterable[NDArray[Any]]) -> float:
    """Return the root of the sum of all squares."""
    return sum(float(np.square(array).sum()) for array in arrays) ** 0.5


def _weight_sum(batch: Batch) -> float:
    """Return how much a batch counts in a metric."""
    return float(len(batch.inputs)) if batch.weights is None else float(batch.weights.sum())
