"""A recorded training of a loop, trained again in float64 from the loop's own weights before each call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.records.verification import Gap
from bench.verify.comparison import (
    STORED,
    TREMBLING,
    Moved,
    Tolerances,
    check_shapes,
    loss_gap,
    metric_gaps,
    moved_gap,
    not_finite,
    tolerances,
)
from bench.verify.float64 import Step, Training
from bench.verify.recording import Call, Recording

Metrics = Mapping[int, Mapping[str, float]]
"""Steps done -> metric -> value."""

_SHAKEN = "shaken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What came of holding a loop against the reference."""

    gaps: tuple[Gap, ...] = ()
    not_finite: str | None = None
    """Why there are no gaps: a loss was no number."""


def replay(recording: Recording, training: Training, *, shaken: Training) -> Held:
    """Train what a loop trained, and return how far it was off.

    Args:
        recording: What the loop showed.
        training: The same model in float64, at step 0.
        shaken: Another one, whose weights are shaken by float32's rounding before each call: how much that changes
            tells how much it may change a loop.

    Raises:
        ContractBroken: If the loop shows other weights than the model has.
    """
    allowed = tolerances(recording.precision)
    trainable = training.trainable
    weights, trembling = Moved(allowed=allowed.weights), Moved(allowed=allowed.weights)
    generator = np.random.default_rng(0)
    trained = [index for index, moves in enumerate(trainable) if moves]
    states = {
        layer: (Moved(allowed=allowed.state), Moved(allowed=allowed.state_later))
        for layer in _layers_of_state(training)
    }
    losses: dict[int, list[float]] = {}
    metrics: dict[int, dict[str, float]] = {}
    shaken_metrics: dict[int, dict[str, float]] = {}
    before, done, step = recording.initial, 0, None
    for call in recording.calls:
        check_shapes(call.weights, meant=recording.initial)
        steps = _steps(recording, training, start=done, call=call, weights=before)
        step = steps[-1]
        problem = not_finite(call.upto, loop=call.loss, reference=step.loss, weights=call.weights)
        if problem is not None:
            return Held(not_finite=problem)
        if len(steps) == recording.steps_per_call:
            losses[call.upto] = [one.loss for one in steps]
        metrics[call.upto] = step.metrics
        _add(weights, call, before=before, steps=steps, which=trained)
        shaken_before = _shaken(before, generator)
        last = _steps(recording, shaken, start=done, call=call, weights=shaken_before)[-1]
        shaken_metrics[call.upto] = last.metrics
        went = [old + (end - start) for old, end, start in zip(before, last.weights, shaken_before, strict=True)]
        _add(trembling, replace(call, weights=went), before=before, steps=steps, which=trained)
        for layer, (at_once, later) in states.items():
            moved = at_once if len(steps) == 1 else later
            _add(moved, call, before=before, steps=steps, which=_layers_of_state(training)[layer])
        before, done = call.weights, call.upto
    assert step is not None  # there is always a call
    gaps = [
        loss_gap({call.upto: call.loss for call in recording.calls}, losses, allowed=allowed.loss, steps=done),
        *_weight_gaps(weights, trembling, allowed, steps=done),
        *_state_gaps(states),
        *_metric_gaps(recording, metrics, trembling=shaken_metrics, allowed=allowed),
        *_evaluation_gaps(recording, (training, before), (shaken, _shaken(before, generator)), allowed=allowed),
        _count_gap(recording.calls[-1], step),
    ]
    return Held(gaps=tuple(gaps))


def _metric_gaps(recording: Recording, metrics: Metrics, *, trembling: Metrics, allowed: Tolerances) -> Iterable[Gap]:
    """Return how far off the loop's metrics of training were."""
    shown = {call.upto: call.metrics for call in recording.calls}
    room = _room(metrics, trembling, otherwise=allowed.metric)
    return metric_gaps(shown, metrics, what="training metric", allowed=room, otherwise=allowed.metric)


def _evaluation_gaps(
    recording: Recording,
    meant: tuple[Training, list[NDArray[Any]]],
    shaken: tuple[Training, list[NDArray[Any]]],
    *,
    allowed: Tolerances,
) -> Iterable[Gap]:
    """Return how far off its evaluation was, at the weights that it ended with.

    Args:
        recording: What the loop showed.
        meant: The reference, and those weights.
        shaken: Another one, and the weights after they were shaken.
        allowed: How much.
    """
    done = recording.calls[-1].upto
    expected, trembling = (
        {done: training.evaluate(recording.validation_batches(), weights=weights)}
        for training, weights in (meant, shaken)
    )
    room = _room(expected, trembling, otherwise=allowed.metric) | {"loss": allowed.loss}
    return metric_gaps(
        {done: recording.evaluation}, expected, what="evaluation", allowed=room, otherwise=allowed.metric
    )


def _room(expected: Metrics, trembling: Metrics, *, otherwise: float) -> dict[str, float]:
    """Return what is allowed of each metric: more of one that hangs on roundings, as the least of many errors does."""
    moved = metric_gaps(trembling, expected, what=_SHAKEN, allowed={}, otherwise=otherwise)
    return {gap.what.removeprefix(f"{_SHAKEN} "): otherwise + TREMBLING * gap.largest for gap in moved}


def _steps(
    recording: Recording, training: Training, *, start: int, call: Call, weights: list[NDArray[Any]]
) -> list[Step]:
    """Train the steps of one call, from the weights before it."""
    steps: list[Step] = []
    for step in range(start, call.upto):
        if step % recording.steps_per_epoch == 0:
            training.start_epoch()
        steps.append(training.step(recording.batch(step), weights=weights))
        weights = list(steps[-1].weights)
    return steps


def _add(moved: Moved, call: Call, *, before: list[NDArray[Any]], steps: Sequence[Step], which: Sequence[int]) -> None:
    """Add what a call moved of some of the weights."""
    if not which:
        return
    sizes: list[NDArray[Any] | None] = []
    for index in which:
        known = [abs(one) for step in steps if (one := step.gradients[index]) is not None]
        sizes.append(np.sum(known, axis=0) if known else None)
    moved.add(
        call.upto,
        before=[before[index] for index in which],
        loop=[call.weights[index] for index in which],
        expected=[steps[-1].weights[index] for index in which],
        gradients=sizes,
    )


def _layers_of_state(training: Training) -> dict[str, list[int]]:
    """Return the places of what is not trained, layer by layer.

    Together, because one average may stand still where another moves: the mean of what batch normalization has centred.
    """
    layers: dict[str, list[int]] = {}
    for index, (name, moves) in enumerate(zip(training.names, training.trainable, strict=True)):
        if not moves:
            layers.setdefault(name.rpartition("/")[0], []).append(index)
    return layers


def _shaken(weights: Sequence[NDArray[Any]], generator: np.random.Generator) -> list[NDArray[Any]]:
    """Return weights with half of a rounding error of float32 in each that is a fraction."""
    return [
        array * (1.0 + STORED / 2 * generator.standard_normal(array.shape)) if array.dtype.kind == "f" else array
        for array in weights
    ]


def _weight_gaps(weights: Moved, trembling: Moved, allowed: Tolerances, *, steps: int) -> list[Gap]:
    """Return how far the weights are off, by importance and all alike; nothing where there are none."""
    if not weights.shares:
        return []
    alike = {
        step: (share, most - allowed.weights + allowed.weights_alike)
        for step, (share, most) in weights.shares_alike.items()
    }
    return [
        moved_gap(f"weights, {steps} steps", weights.shares, trembling=trembling.shares),
        moved_gap(f"weights, all counted alike, {steps} steps", alike, trembling=trembling.shares_alike),
    ]


def _state_gaps(states: dict[str, tuple[Moved, Moved]]) -> list[Gap]:
    """Return the gap of the layer whose state is furthest off, under its name."""
    gaps = [
        moved_gap(f"state of {layer}", moved.shares_alike)
        for layer, both in states.items()
        for moved in both
        if moved.shares_alike
    ]
    return [max(gaps, key=lambda gap: gap.largest / gap.allowed)] if gaps else []


def _count_gap(call: Call, step: Step) -> Gap:
    """Return by how many the updates are off; where gradients are gathered, steps may be counted in their place."""
    return Gap(
        what="steps counted",
        largest=float(min(np.abs(call.steps - counted) for counted in (step.updates, call.upto))),
        allowed=0.5,
    )
