"""Arrays in dicts and tuples, as models with several inputs or outputs take them.

Keras has `keras.tree` for the same; this is what is needed where Keras is not imported. A list counts as a tuple:
tf.data would make one tensor of it.
"""

from collections.abc import Callable, Iterator
from typing import Any

Nested = Any
"""A leaf, or a dict or a tuple of nested ones; None is nothing."""


def map_leaves(function: Callable[..., Any], first: Nested, *others: Nested) -> Nested:
    """Return the same structure with what a function makes of each leaf, and of the leaves of others in its place."""
    if first is None:
        return None
    if isinstance(first, dict):
        return {key: map_leaves(function, value, *(other[key] for other in others)) for key, value in first.items()}
    if isinstance(first, tuple | list):
        return tuple(map_leaves(function, *values) for values in zip(first, *others, strict=True))
    return function(first, *others)


def named_leaves(nested: Nested, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each leaf with its place, such as "x", "x.left" or "x.0"."""
    if nested is None:
        return
    if isinstance(nested, dict):
        for key, value in nested.items():
            yield from named_leaves(value, f"{name}.{key}")
    elif isinstance(nested, tuple | list):
        for index, value in enumerate(nested):
            yield from named_leaves(value, f"{name}.{index}")
    else:
        yield name, nested


def leaves(nested: Nested) -> list[Any]:
    """Return all leaves, in order."""
    return [leaf for _, leaf in named_leaves(nested)]


def is_nested(value: Any) -> bool:
    """Whether something is a structure rather than a leaf."""
    return isinstance(value, dict | tuple | list)
