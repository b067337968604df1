"""Batches that a user's pipeline makes, drained once into arrays: a PyDataset, a `tf.data.Dataset` or a `DataLoader`.

None of their libraries is imported here: whoever returned one has done so.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from loops.errors import InvalidWorkload
from loops.nested import Nested, leaves, map_leaves

MOST_BYTES = 2 << 30
"""Unless the user allows more: they lie in memory while they are drained, and on the disk afterwards."""

WAY_OUT = "let it hold fewer samples, or allow more with --data-limit"


TF_DATA: Final = "tf.data.Dataset"
DATA_LOADER: Final = "DataLoader"
PY_DATASET: Final = "PyDataset"
"""Kinds of pipelines: TensorFlow's, PyTorch's and Keras'."""


class Drained(NamedTuple):
    """What one pass over a pipeline yields."""

    arrays: tuple[Nested, ...]
    """All batches in one piece: (x,), (x, y) or (x, y, weight)."""
    batch_size: int | None
    """Of all batches but the last, which may be smaller; None where they differ."""


def is_pipeline(value: Any) -> bool:
    """Whether something makes batches, over and over, and is none of the arrays itself."""
    return kind_of(value) is not None


def kind_of(value: Any) -> str | None:
    """Return which kind of pipeline something is; None where it is none."""
    if _is(value, "tensorflow", "data", "Dataset"):
        return TF_DATA
    if _is(value, "torch.utils.data", "DataLoader"):
        return DATA_LOADER
    return PY_DATASET if _is_py(value) else None


def drain(pipeline: Any, *, name: str, most_bytes: int) -> Drained:
    """Return all batches of one pass in one piece.

    Args:
        pipeline: Something that `is_pipeline`.
        name: What the user calls it, for messages.
        most_bytes: More is refused.

    Raises:
        InvalidWorkload: If it has no end, is too large, or has no batches.
    """
    batches: list[tuple[Nested, ...]] = []
    held = 0
    for batch in _batches(pipeline, name=name):
        arrays = map_leaves(as_array, batch if isinstance(batch, tuple | list) else (batch,))
        held += sum(leaf.nbytes for leaf in leaves(arrays))
        if held > most_bytes:
            raise InvalidWorkload(f"{name} holds more than {most_bytes >> 20:,} MiB; {WAY_OUT}")
        batches.append(arrays)
    if not batches:
        raise InvalidWorkload(f"{name} has no batches")
    if any(leaf.ndim == 0 for leaf in leaves(batches[0])):
        raise InvalidWorkload(f"{name} yields single samples; let it make batches, as fit() asks for: .batch(32)")
    whole: tuple[Nested, ...] = map_leaves(lambda *parts: np.concatenate(parts), batches[0], *batches[1:])
    first, *others = [len(leaves(batch)[0]) for batch in batches]
    alike = all(size == first for size in others[:-1]) and all(size <= first for size in others[-1:])
    return Drained(whole, batch_size=first if alike else None)


def as_array(tensor: Any) -> Any:
    """Return what a framework calls a tensor as an array of NumPy; anything else as it is."""
    if hasattr(tensor, "detach"):  # PyTorch
        tensor = tensor.detach().cpu()
    if hasattr(tensor, "to_numpy") and not isinstance(tensor, np.ndarray):  # pandas
        return tensor.to_numpy()
    if hasattr(tensor, "toarray"):  # scipy.sparse
        return tensor.toarray()
    return np.asarray(tensor)


def _batches(pipeline: Any, *, name: str) -> Iterable[Any]:
    """Return one pass.

    Raises:
        InvalidWorkload: If it has no end.
    """
    if _is_py(pipeline):
        return _indexed(pipeline, name=name)
    if hasattr(pipeline, "cardinality") and int(pipeline.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
        raise InvalidWorkload(f"{name} has no end; leave out .repeat(): epochs are counted by the loops")
    batches: Iterator[Any] = iter(pipeline)
    return batches


def _indexed(pipeline: Any, *, name: str) -> Iterator[Any]:
    """Yield the batches of a PyDataset, which are asked for by number."""
    count = pipeline.num_batches
    if count is None:
        raise InvalidWorkload(f"{name} does not say how many batches it has; give it a __len__")
    for index in range(count):
        yield pipeline[index]


def _is_py(value: Any) -> bool:
    """Whether it is a PyDataset, or a `Sequence`, as it was called once."""
    return _is(value, "keras", "utils", "PyDataset")


def _is(value: Any, module: str, *path: str) -> bool:
    """Whether something is an instance of a class in a module, which cannot be unless that is imported."""
    found: Any = sys.modules.get(module)
    for name in path:
        found = getattr(found, name, None)
    return isinstance(found, type) and isinstance(value, found)
