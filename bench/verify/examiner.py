"""Does a loop compute what it claims? Trains it step by step beside the float64 reference and measures the gaps.

Runs in a process with the loop's framework. Two trainings from the same initial weights on the same batches:

- long, on the matched (scaled) samples, over many short epochs, so that whatever a loop does at the end of an epoch
  shows; the model begins with a layer that mirrors its input in training and leaves it alone otherwise, so that a step
  in inference mode, or an evaluation in training mode, shows as well (not so for a loop with a model of its own,
  which knows no such modes);
- short, on raw pixels and the model as it is.

Adversarial training of two models is followed for ten steps on a few images: the reference convolves in NumPy.

A user's workload has no reference in NumPy. Its loops are trained for a few steps, and what they show is written down
(`bench.verify.recorder`) for a process that trains the same model in float64 with another framework.

Training is chaotic: once a rectifier switches sides by a rounding error, two correct trainings part for good, on raw
pixels after a few steps. Therefore the reference does not run freely beside the loop. It takes each step from the
weights that the loop has at that point, with an optimizer state of its own, so rounding errors do not grow and every
step is held to the same tolerance, however many there are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from math import isfinite
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bench.records.verification import Gap
from bench.verify.comparison import check_shapes
from bench.verify.distance import share_of, worst
from bench.verify.oracle import Adversarial, Oracle, Supervised, batch_of
from bench.verify.peers import PEER_STEPS, without_reference
from bench.verify.recorder import record
from bench.verify.reference import dense
from bench.verify.reference.dense import Formula, Recipe
from bench.worker.failure import NotFinite
from loops.contract import AdversarialWorkload, Digits, Job, Loop, Outcome, Samples, Track, Workload

LONG_STEPS, RAW_STEPS, ADVERSARIAL_STEPS = 100, 20, 10
ADVERSARIAL_BATCH_SIZE, ADVERSARIAL_VALIDATION_SAMPLES = 4, 32
EPOCH_STEPS = 8
"""Of the long training: it ends in the middle of its thirteenth epoch. The adversarial one sees a second epoch."""

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

METRIC_TOLERANCE = 1e-5
"""Far below one sample of an epoch: a metric is a count, so it is right or it is not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parity:
    """What a check found."""

    formula: str
    gaps: tuple[Gap, ...]
    losses: tuple[float, ...]
    recording: Path | None = None
    """Folder with what the loop showed, where a process with another framework has to judge it."""


@final
class Examiner:
    """Checks loop after loop against the reference.

    Samples and initial weights of a workload are made once. Of the samples each loop gets a copy, so that none can
    spoil them for the next; the weights no loop gets to see.
    """

    def __init__(self, digits: Digits | None, *, device: str, seed: int) -> None:
        """Remember what all checks have in common.

        Args:
            digits: Where samples come from; None where all workloads bring their own.
            device: "cpu" or "gpu".
            seed: Of the initial weights and the samples.
        """
        self._digits = digits
        self._device = device
        self._seed = seed
        self._jobs: dict[str, Job] = {}
        self._initial_weights: dict[tuple[str, bool], list[NDArray[Any]]] = {}

    def check(self, new_loop: Callable[[], Loop], *, workload: Workload, recordings: Path | None = None) -> Parity:
        """Train a loop beside the reference.

        Args:
            new_loop: Makes a fresh loop; called once per training.
            workload: What to train.
            recordings: Folder for what a loop shows that another process has to judge; None judges it by its losses.

        Raises:
            loops.errors.ContractBroken: If the loop does not do the steps that it is asked for.
        """
        loop = new_loop()
        if without_reference(workload.name):
            return self._record(loop, workload=workload, recordings=recordings)
        if workload.kind == "adversarial":
            return self._check_adversarial(loop, workload=workload)
        recipe = dense.RECIPES[workload.name]
        formula = Formula(loop.adam) if recipe.optimizer == "Adam" else Formula.SGD
        job = self._job(workload, batch_size=workload.batch_size)
        seen, mirror = job.training, workload
        if not loop.own_model:
            seen, mirror = replace(seen, inputs=seen.inputs[:, ::-1]), Mirrored(workload)
        initial = self._initial(job, own_model=loop.own_model)
        comparison = Comparison(loop, job=replace(job, workload=mirror), initial=initial, steps=LONG_STEPS)
        gaps = comparison.gaps(Supervised(recipe, formula=formula), samples=seen)
        gaps += _gradient_gaps(comparison, recipe=recipe, samples=seen)
        losses = tuple(outcome.loss for outcome in comparison.outcomes.values())
        if workload.name.startswith("mnist"):
            raw = replace(job.training, inputs=np.rint(job.training.inputs * np.float32(255.0)))
            comparison = Comparison(new_loop(), job=replace(job, training=raw), initial=initial, steps=RAW_STEPS)
            gaps += [
                replace(gap, what=f"{gap.what}, raw pixels")
                for gap in comparison.step_gaps(Supervised(recipe, formula=formula), samples=raw)
                # Not the weights: raw gradients are large, and so is the rounding error of one that should be zero;
                # Adam makes a whole step of it.
                if gap.what.startswith("loss")
            ]
        return Parity(formula=formula.value, gaps=tuple(gaps), losses=losses)

    def _record(self, loop: Loop, *, workload: Workload, recordings: Path | None) -> Parity:
        """Train a loop with nothing beside it, and write down what it shows for whoever holds it against something."""
        recording = record(loop, job=self._job(workload, batch_size=workload.batch_size))
        formula = loop.adam if workload.optimizer == "Adam" else str(workload.optimizer).lower()
        losses = tuple(call.loss for call in recording.calls if call.upto <= PEER_STEPS)
        for step, loss in enumerate(losses, start=1):
            if not isfinite(loss):
                raise NotFinite(f"the loss is {loss} at step {step}")
        if recordings is None:
            return Parity(formula=formula, gaps=(), losses=losses)
        folder = Path(mkdtemp(dir=recordings))
        recording.write(folder)
        return Parity(formula=formula, gaps=(), losses=losses, recording=folder)

    def _check_adversarial(self, loop: Loop, *, workload: Workload) -> Parity:
        """Train two models beside the reference."""
        formula = Formula(loop.adam)
        job = self._job(workload, batch_size=ADVERSARIAL_BATCH_SIZE)
        job = replace(job, validation=job.validation.rows(slice(ADVERSARIAL_VALIDATION_SAMPLES)))
        initial = self._initial(job, own_model=loop.own_model)
        comparison = Comparison(loop, job=job, initial=initial, steps=ADVERSARIAL_STEPS)
        gaps = comparison.gaps(Adversarial(formula), samples=job.training)
        losses = tuple(outcome.loss for outcome in comparison.outcomes.values())
        return Parity(formula=formula.value, gaps=tuple(gaps), losses=losses)

    def _job(self, workload: Workload, *, batch_size: int) -> Job:
        """Return a job with short epochs of whole batches and half a batch that is to be dropped."""
        if workload.name not in self._jobs:
            digits: Any = self._digits
            training, validation = workload.samples(digits, track=Track.MATCHED, backend="numpy", seed=self._seed)
            count = training.count if hasattr(training, "count") else len(training.inputs)  # in an older commit
            size = max(1, min(batch_size, count // (EPOCH_STEPS + 1)))
            if vars(workload).get("fixed_batch_size"):
                size = batch_size
            self._jobs[workload.name] = Job(
                workload=workload,
                training=_copy(training.rows(slice(EPOCH_STEPS * size + size // 2))),  # the rest is let go of
                validation=_copy(validation.rows(slice(VALIDATION_SAMPLES))),
                track=Track.MATCHED,
                batch_size=size,
                device=self._device,
                seed=self._seed,
            )
        job = self._jobs[workload.name]
        return replace(job, workload=workload, training=_copy(job.training), validation=_copy(job.validation))

    def _initial(self, job: Job, *, own_model: bool) -> list[NDArray[Any]]:
        """Return what a loop starts from, in the order of `Outcome.weights`."""
        workload, key = job.workload, (job.workload.name, own_model)
        if key not in self._initial_weights:
            if own_model:
                weights: list[NDArray[Any]] = list(workload.initial_weights(seed=job.seed))
            else:
                weights = workload.build_model(seed=job.seed).get_weights()
                if isinstance(workload, AdversarialWorkload):
                    weights += workload.build_generator(seed=job.seed).get_weights()
            self._initial_weights[key] = [weight.copy() for weight in weights]  # not a view of a model's memory
        return self._initial_weights[key]


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

    def __init__(
        self,
        loop: Loop,
        *,
        job: Job,
        initial: list[NDArray[Any]],
        steps: int,
        calls_per_block: Sequence[int] = CALLS_PER_BLOCK,
    ) -> None:
        """Train the loop and keep what it has to show after each call.

        Args:
            loop: Fresh.
            job: What to train.
            initial: Weights that the loop has to start from.
            steps: How long.
            calls_per_block: Over and over.
        """
        self.job = job
        self.steps = steps
        self._calls_per_block = calls_per_block
        self.outcomes: dict[int, Outcome] = {}
        self.initial = initial
        # Few, so that an epoch takes several calls; `prepare` may lower it further.
        loop.steps_per_call = min(loop.steps_per_call, STEPS_PER_CALL)
        loop.prepare(job)
        self.per_call = loop.steps_per_call
        loop.train(self._blocks(loop))
        self._loop = loop

    def _blocks(self, loop: Loop) -> Iterator[int]:
        """Ask for block after block, and keep a copy of what the loop has to show in between."""
        done = 0
        for calls in cycle(self._calls_per_block):
            steps = min(calls, (self.steps - done) // self.per_call) * self.per_call
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

    def gaps(self, oracle: Oracle, *, samples: Samples) -> list[Gap]:
        """Return every gap that any kind of training can have.

        Args:
            oracle: The reference, at step 0.
            samples: What the model sees in training.
        """
        last = self.outcomes[max(self.outcomes)]
        check_shapes(last.weights, meant=self.initial)
        evaluated = oracle.evaluate(last.weights, samples=self.job.validation)
        return [
            *self.step_gaps(oracle, samples=samples),
            Gap(what="evaluation", largest=abs(_first(self._loop.evaluate()) - evaluated), allowed=METRIC_TOLERANCE),
            Gap(what="steps counted", largest=float(abs(last.steps - self.steps)), allowed=0.5),
        ]

    def step_gaps(self, oracle: Oracle, *, samples: Samples) -> list[Gap]:
        """Return the largest gap of losses, weights and training metric, and the steps at which they occur."""
        weights: list[NDArray[Any]] = list(self.initial)
        losses, distances, metrics = {}, {}, {}
        done, score, counted = 0, 0.0, 0.0
        for upto, outcome in self.outcomes.items():
            stepped = weights
            block: list[float] = []
            for step in range(done, upto):
                if step % self.job.steps_per_epoch == 0:
                    score = counted = 0.0
                found = oracle.step(stepped, samples=self.batch(step, samples))
                stepped = found.weights
                score, counted = score + found.weight * found.score, counted + found.weight
                block.append(found.loss)
            distances[upto] = oracle.distance.add(weights, loop=outcome.weights, expected=stepped, step=found)
            metrics[upto] = abs(outcome.metric - score / counted)
            if upto - done == self.per_call:
                # That of the last step or, as `fit` reports it, the mean of the block; mostly they are the same one.
                known = block[-1], sum(block) / len(block)
                losses[upto] = min(share_of(abs(outcome.loss - loss), abs(loss)) for loss in known)
            done, weights = upto, outcome.weights
        return [
            worst(f"loss, {self.steps} steps", losses, allowed=LOSS_TOLERANCE),
            worst(f"weights, {self.steps} steps", distances, allowed=oracle.distance.allowed),
            worst("training metric", metrics, allowed=METRIC_TOLERANCE),
        ]

    def batch(self, step: int, samples: Samples) -> Samples:
        """Cut the batch that a correct loop trains at a step, counted from 0, epoch after epoch."""
        start = step % self.job.steps_per_epoch * self.job.batch_size
        return samples.rows(slice(start, start + self.job.batch_size))


def _gradient_gaps(comparison: Comparison, *, recipe: Recipe, samples: Samples) -> list[Gap]:
    """Return the gap of the first step's gradients, where the loop keeps them."""
    found = comparison.outcomes[min(comparison.outcomes)].gradients
    if found is None or comparison.per_call > 1:
        return []
    batch = batch_of(comparison.batch(0, samples))
    _, expected = dense.loss_and_gradients(recipe, comparison.initial, batch=batch)
    largest = max(
        share_of(float(np.abs(ours - theirs).max()), float(np.abs(theirs).max()))
        for ours, theirs in zip(found, expected, strict=True)
    )
    return [Gap(what="gradients of the first step", largest=largest, allowed=GRADIENT_TOLERANCE, step=1)]


def _first(metrics: float | dict[str, float]) -> float:
    """Return the metric, or the first of several."""
    return next(iter(metrics.values())) if isinstance(metrics, dict) else metrics


def _copy(samples: Samples) -> Samples:
    """Return the same samples in memory of their own."""
    if hasattr(samples, "map"):
        return samples.map(np.copy)
    arrays = {name: getattr(samples, name) for name in ("inputs", "targets", "weights", "latents")}
    return replace(samples, **{name: array.copy() for name, array in arrays.items() if array is not None})
