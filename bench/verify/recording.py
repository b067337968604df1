"""What a loop was given and what it showed, call after call: written by its process, read by that of the reference.

Files, because arrays do not fit through a pipe that speaks in lines; no pickle, so that reading one runs nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.verify.float64 import Batch
from loops.contract import Outcome

LIST, TUPLE, DICT, ARRAY = "list", "tuple", "dict", "array"
"""How nested arrays are described."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What a loop shows after a call: one step, or several where it does not stop in between."""

    upto: int
    """Steps since the beginning."""
    steps: int
    """Updates, as the loop counts them."""
    loss: float
    metrics: dict[str, float]
    weights: list[NDArray[Any]]
    """All of them, in the order of `get_weights`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One training of a loop."""

    training: Batch
    """Every sample, in the order in which they are trained, epoch after epoch."""
    validation: Batch
    batch_size: int
    steps_per_epoch: int
    steps_per_call: int
    """Fewest steps after which the loop shows anything."""
    formula: str
    """Which Adam the loop says that it follows: "keras-adam" or "torch-adam"."""
    precision: str
    """The least precise type that a layer computes in."""
    initial: list[NDArray[Any]]
    """Weights to start from."""
    calls: tuple[Call, ...]
    evaluation: dict[str, float]
    """Metrics over the validation samples, after the last call."""

    def batch(self, step: int) -> Batch:
        """Return what is trained at a step, counted from 0."""
        start = step % self.steps_per_epoch * self.batch_size
        return rows(self.training, slice(start, start + self.batch_size))

    def validation_batches(self) -> Iterator[Batch]:
        """Yield all validation samples in order, the last batch smaller where the size does not divide."""
        count = samples_of(self.validation)
        for start in range(0, count, self.batch_size):
            yield rows(self.validation, slice(start, start + self.batch_size))

    def write(self, folder: Path) -> None:
        """Write everything into a folder that is there."""
        arrays: dict[str, NDArray[Any]] = {}
        batches = {"training": self.training, "validation": self.validation}
        described = {
            name: [_described(part, arrays=arrays) for part in (batch.x, batch.y, batch.weight)]
            for name, batch in batches.items()
        }
        weights = _described([self.initial, [call.weights for call in self.calls]], arrays=arrays)
        calls = [{**asdict(call), "weights": None} for call in self.calls]
        plain = {name: getattr(self, name) for name in PLAIN}
        np.savez(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
        text = json.dumps({**plain, "calls": calls, "batches": described, "weights": weights})
        (folder / "recording.json").write_text(text)

    @classmethod
    def read(cls, folder: Path) -> "Recording":
        """Read what was written."""
        said = json.loads((folder / "recording.json").read_text())
        with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
            batches: dict[str, Any] = {}
            for name, parts in said["batches"].items():
                x, y, weight = (_restored(part, arrays=arrays) for part in parts)
                batches[name] = Batch(x=x, y=y, weight=weight)
            initial, shown = _restored(said["weights"], arrays=arrays)
        return cls(
            **batches,
            **{name: said[name] for name in PLAIN},
            initial=initial,
            calls=tuple(
                Call(**{**call, "weights": weights}) for call, weights in zip(said["calls"], shown, strict=True)
            ),
        )


PLAIN = ("batch_size", "steps_per_epoch", "steps_per_call", "formula", "precision", "evaluation")
"""What JSON can hold as it is."""


def call_of(outcome: Outcome, *, upto: int, metric_name: str, trainable: Sequence[bool]) -> Call:
    """Return what a loop shows, in memory of its own; nothing else reads an outcome.

    Args:
        outcome: What the loop says.
        upto: Steps that it was asked for since the beginning.
        metric_name: What its metric is called, where it has one and no names.
        trainable: Whether each of the model's weights is trained, in the order of `get_weights`.
    """
    metrics = getattr(outcome, "metrics", None)
    state = getattr(outcome, "state", None)
    weights = list(outcome.weights)
    if state is not None and len(weights) < len(trainable):  # told apart: what is trained, and what is not
        trained, others = iter(weights), iter(state)
        weights = [next(trained if moves else others) for moves in trainable]
    return Call(
        upto=upto,
        steps=outcome.steps,
        loss=float(outcome.loss),
        metrics=named(metrics if metrics is not None else outcome.metric, metric_name=metric_name),
        # What a framework hands out may be a view of memory that the next step writes to.
        weights=[np.array(array) for array in weights],
    )


def named(said: Mapping[str, float] | float, *, metric_name: str) -> dict[str, float]:
    """Return metrics by name, from a loop that tells several, or the only one."""
    if isinstance(said, Mapping):
        return {name: float(value) for name, value in said.items()}
    return {metric_name: float(said)}


def rows(batch: Batch, part: slice) -> Batch:
    """Return some of the samples; nothing is copied."""
    return Batch(x=_mapped(batch.x, part), y=_mapped(batch.y, part), weight=_mapped(batch.weight, part))


def samples_of(batch: Batch) -> int:
    """Return how many samples there are."""
    return len(next(_leaves(batch.x)))


def _leaves(tree: Any) -> Iterator[NDArray[Any]]:
    """Yield the arrays of nested dicts, lists and tuples."""
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _leaves(part)
    elif tree is not None:
        yield tree


def _mapped(tree: Any, part: slice) -> Any:
    """Return the same part of every array."""
    if isinstance(tree, Mapping):
        return {name: _mapped(value, part) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_mapped(value, part) for value in tree)
    return None if tree is None else tree[part]


def _described(tree: Any, *, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return nested arrays as JSON can hold them, and put the arrays aside."""
    if isinstance(tree, Mapping):
        return {DICT: [[name, _described(value, arrays=arrays)] for name, value in tree.items()]}
    if isinstance(tree, (list, tuple)):
        kind = LIST if isinstance(tree, list) else TUPLE
        return {kind: [_described(value, arrays=arrays) for value in tree]}
    if tree is None:
        return None
    name = f"a{len(arrays)}"
    arrays[name] = np.asarray(tree)
    return {ARRAY: name}


def _restored(described: Any, *, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return nested arrays as they were."""
    if described is None:
        return None
    ((kind, value),) = described.items()
    if kind == ARRAY:
        return arrays[value]
    if kind == DICT:
        return {name: _restored(part, arrays=arrays) for name, part in value}
    parts = [_restored(part, arrays=arrays) for part in value]
    return parts if kind == LIST else tuple(parts)
