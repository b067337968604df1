"""What came back from a user's `model()` and `data()`, looked over once before anything is trained.

Whatever is wrong is said in one sentence, with the file, the value and the way out, in the words of the user's file and
not in those of a framework in the middle of a step.
"""

from dataclasses import dataclass
from types import GeneratorType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loops.contract import Samples
from loops.drain import MOST_BYTES, as_array, drain, is_pipeline, kind_of
from loops.errors import InvalidWorkload
from loops.nested import Nested, is_nested, leaves, map_leaves, named_leaves

WITH_WEIGHTS = 3
"""Parts of (x, y, weight)."""

RETURN = "return (x, y), or (x, y), (x_val, y_val)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What `data()` returned, in the form that loops take."""

    training: Samples
    validation: Samples
    """Of no rows where there are none."""
    pipeline: str | None = None
    """Kind of the pipeline that the training samples come from, see `loops.drain`; None for arrays."""
    pipeline_batch_size: int | None = None
    """Samples in each of its batches; None where they differ."""


def read(returned: Any, *, path: str, inputs: int | None, most_bytes: int = MOST_BYTES) -> Given:
    """Return training and validation samples from what `data()` returned; none for validation where there are none.

    Args:
        returned: Arrays as `fit()` takes them, a pipeline, or a pair of either.
        path: Of the user's file, for messages.
        inputs: How many the model takes, where it says so: two tuples of two arrays may be read in two ways.
        most_bytes: That a pipeline may hold.

    Raises:
        InvalidWorkload: If it is nothing that can be trained on.
    """
    _refuse_generator(returned, path=path)
    if returned is None:
        raise InvalidWorkload(f"{path}: data() returned nothing; {RETURN}")
    first, second = parts_of(returned, inputs=inputs)
    name = "data()" if first is returned else "training"
    kind, size = kind_of(first), None
    if kind is not None:
        first, size = drain(first, name=f"{path}: {name}", most_bytes=most_bytes)
    if is_pipeline(second):
        second, _ = drain(second, name=f"{path}: validation", most_bytes=most_bytes)
    validation = None if second is None else _samples(second, "validation", path=path)
    training, validation = _checked(_samples(first, name, path=path), validation, path=path)
    return Given(training=training, validation=validation, pipeline=kind, pipeline_batch_size=size)


def parts_of(returned: Any, *, inputs: int | None) -> tuple[Any, Any]:
    """Return what is for training and what is for validation; None where there is nothing.

    Args:
        returned: By `data()`.
        inputs: As for `read`.
    """
    both = isinstance(returned, list | tuple) and len(returned) == 2 and _is_pair(returned, inputs=inputs)  # noqa: PLR2004
    return (returned[0], returned[1]) if both else (returned, None)


def _refuse_generator(returned: Any, *, path: str) -> None:
    """Refuse what can be read only once."""
    if isinstance(returned, GeneratorType) or (hasattr(returned, "__next__") and not hasattr(returned, "shape")):
        raise InvalidWorkload(
            f"{path}: data() returned a generator, which can be read only once; return arrays, a PyDataset, a "
            "tf.data.Dataset or a DataLoader"
        )


def look_over(returned: Any, *, path: str) -> tuple[Samples, Samples]:
    """Return what the `samples` of a user's class returned, looked over likewise.

    Raises:
        InvalidWorkload: If it is nothing that can be trained on.
    """
    if isinstance(returned, Samples):
        raise InvalidWorkload(
            f"{path}: samples() returned one Samples; return two, for training and for validation, or "
            "'return training, None' where there is nothing to validate with"
        )
    if not (isinstance(returned, tuple | list) and len(returned) == 2 and isinstance(returned[0], Samples)):  # noqa: PLR2004
        kinds = type(returned).__name__
        if isinstance(returned, tuple | list):
            kinds = " and ".join(type(part).__name__ for part in returned) or "nothing"
        raise InvalidWorkload(
            f"{path}: samples() returned {kinds}; return two loops.contract.Samples made of arrays, for training and "
            "for validation"
        )
    return _checked(returned[0], returned[1], path=path)


def _is_pair(returned: Any, *, inputs: int | None) -> bool:
    """Whether two things are training and validation, rather than inputs and targets."""
    first, second = returned
    if is_pipeline(first) or is_pipeline(second) or (isinstance(first, tuple | Samples) and second is None):
        return True
    if isinstance(first, Samples):
        return isinstance(second, Samples)
    if not (isinstance(first, tuple) and isinstance(second, tuple) and 1 < len(first) <= WITH_WEIGHTS):
        return False
    # Two tuples of arrays, all of one length: so may be two inputs and two targets, if the model takes that many.
    lengths = {len(leaf) for leaf in leaves(returned) if hasattr(leaf, "__len__")}
    return not (inputs == len(first) > 1 and len(lengths) == 1)


def _samples(part: Any, name: str, *, path: str) -> Samples:
    """Return (x,), (x, y), (x, y, weight) or x alone as samples."""
    if isinstance(part, Samples):
        return part
    parts = part if isinstance(part, tuple) else (part,)
    if not 1 <= len(parts) <= WITH_WEIGHTS:
        raise InvalidWorkload(f"{path}: {name} has {len(parts)} parts; {RETURN}, each with weights if need be")
    x, y, weight = (*parts, None, None)[:WITH_WEIGHTS]
    return Samples(inputs=x, targets=y, weights=weight)


def _checked(training: Samples, validation: Samples | None, *, path: str) -> tuple[Samples, Samples]:
    """Return both as native arrays that lie in one piece.

    Raises:
        InvalidWorkload: If they cannot be made such, or do not belong together.
    """
    training = _native(training, "", path=path)
    none = training.rows(slice(0, 0))
    validation = none if validation is None else _native(validation, "_val", path=path)
    for samples, suffix in ((training, ""), (validation, "_val")):
        _check_lengths(samples, suffix, path=path)
    if training.count == 0:
        raise InvalidWorkload(f"{path}: x has no rows; there is nothing to train on")
    if training.targets is None and training.weights is not None:
        raise InvalidWorkload(f"{path}: there are weights and no y that they could weigh")
    if validation.count and _structure(validation.inputs) != _structure(training.inputs):
        raise InvalidWorkload(
            f"{path}: x_val is {_told(validation.inputs)} and x is {_told(training.inputs)}; give both the same form"
        )
    return training, validation


def _native(samples: Samples, suffix: str, *, path: str) -> Samples:
    """Return samples made of arrays of this machine's byte order, in one piece each."""
    parts = {"x": samples.inputs, "y": samples.targets, "weight": samples.weights}
    made = {name: _map_named(nested, f"{name}{suffix}", path=path, text=name == "x") for name, nested in parts.items()}
    return Samples(inputs=made["x"], targets=made["y"], weights=made["weight"], latents=samples.latents)


def _map_named(nested: Nested, name: str, *, path: str, text: bool) -> Nested:
    """Return a structure with each leaf made an array, told by its place where it cannot be."""
    if isinstance(nested, list) and not any(hasattr(item, "shape") or isinstance(item, dict) for item in nested):
        nested = _from_list(nested, name, path=path)
    if isinstance(nested, dict):
        return {key: _map_named(value, f"{name}.{key}", path=path, text=text) for key, value in nested.items()}
    if isinstance(nested, tuple | list):
        return tuple(_map_named(value, f"{name}.{index}", path=path, text=text) for index, value in enumerate(nested))
    return None if nested is None else _array(nested, name, path=path, text=text)


def _from_list(rows: list[Any], name: str, *, path: str) -> NDArray[Any]:
    """Return a list of rows as an array; numbers with a point as float32, as models compute."""
    try:
        array = np.asarray(rows)
    except ValueError:
        raise _ragged(name, path=path) from None
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _array(value: Any, name: str, *, path: str, text: bool) -> NDArray[Any]:
    """Return one array, native and in one piece.

    Raises:
        InvalidWorkload: If it is none, holds no numbers, or numbers that are none.
    """
    array = as_array(value)
    if array.ndim == 0:
        raise InvalidWorkload(
            f"{path}: {name} is {type(value).__name__}, which is no array; return arrays whose first axis is the sample"
        )
    if array.dtype.kind == "O":
        array = _from_objects(array, name, path=path)
    if array.dtype.kind in "US" and not text:
        raise InvalidWorkload(
            f"{path}: {name} holds text, such as {str(array.flat[0])!r}; number the classes, for example by "
            f"np.unique({name}, return_inverse=True)[1]"
        )
    if array.dtype.kind not in "biufUS":
        raise InvalidWorkload(f"{path}: {name} holds {array.dtype}, which no framework trains on; make numbers of it")
    if array.dtype.kind == "f" and array.dtype.itemsize > np.dtype(np.float64).itemsize:
        array = array.astype(np.float64)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        count = int((~np.isfinite(array)).sum())
        raise InvalidWorkload(
            f"{path}: {name} holds {count:,} values that are NaN or infinite, the first in row {row}; replace them or "
            "leave those rows out"
        )
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))


def _from_objects(array: NDArray[Any], name: str, *, path: str) -> NDArray[Any]:
    """Return what an array of Python objects holds, where that is all text or all numbers."""
    items = list(array.flat)
    if all(isinstance(item, str) for item in items):
        return array.astype(np.str_)
    if any(isinstance(item, list | tuple | np.ndarray) for item in items):
        raise _ragged(name, path=path)
    try:
        return array.astype(np.float32)
    except (TypeError, ValueError):
        kind = next(type(item).__name__ for item in items if not isinstance(item, int | float))
        raise InvalidWorkload(
            f"{path}: {name} holds objects of Python such as {kind}; return arrays of numbers"
        ) from None


def _ragged(name: str, *, path: str) -> InvalidWorkload:
    """Return what is said of rows of different lengths."""
    return InvalidWorkload(
        f"{path}: the rows of {name} have different lengths; make them equal, for example by keras.utils.pad_sequences"
    )


def _check_lengths(samples: Samples, suffix: str, *, path: str) -> None:
    """Refuse arrays that do not have one row per sample each.

    Raises:
        InvalidWorkload: If they have not.
    """
    named = [
        named
        for name, nested in (("x", samples.inputs), ("y", samples.targets), ("weight", samples.weights))
        for named in named_leaves(nested, f"{name}{suffix}")
    ]
    if len({len(array) for _, array in named}) > 1:
        told = ", ".join(f"{name} has {len(array):,}" for name, array in named)
        raise InvalidWorkload(f"{path}: not one row per sample: {told}")


def _structure(nested: Nested) -> Nested:
    """Return what has to be alike in training and validation: names and shapes of a sample."""
    return map_leaves(lambda array: array.shape[1:], nested)


def _told(nested: Nested) -> str:
    """Return a structure in words."""
    if not is_nested(nested):
        return f"of shape {nested.shape}"
    return ", ".join(f"{name.lstrip('.')}: {array.shape}" for name, array in named_leaves(nested))


def check_labels(samples: Samples, *, classes: int, path: str) -> None:
    """Refuse class numbers that the model has no output for.

    Args:
        samples: With one array of class numbers.
        classes: How many outputs there are.
        path: Of the user's file.

    Raises:
        InvalidWorkload: If there is one below 0 or above the last class.
    """
    low, high = int(samples.targets.min()), int(samples.targets.max())
    if low < 0 or high >= classes:
        found = f"{low} to {high}"
        hint = "; count them from 0: y - 1" if (low, high) == (1, classes) else ""
        raise InvalidWorkload(
            f"{path}: y holds classes {found}, and the model has {classes} outputs, for classes 0 to {classes - 1}"
            f"{hint or '; make the last layer larger or the numbers smaller'}"
        )
