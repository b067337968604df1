"""Keras' random numbers, replaced by fixed ones: the same under every backend, in every step, in a loop and beside it.

Every random layer draws through the random module of Keras' backend: dropout, noise, augmentation, recurrent dropout,
and whatever a user writes with a `keras.random.SeedGenerator`. So the source is replaced and no layer: each still acts
exactly when it would, in training and not otherwise, and a step or an evaluation in the wrong mode shows.

The numbers depend on their place in the array alone, a Weyl sequence in whole numbers, so that no rounding can tell one
backend's from another's. Initializers keep drawing what they drew: a model that starts from a pattern learns nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

LEVELS = 4096
"""How many different numbers there are; few enough for float16 to tell most of them apart."""
STRIDE = 2531
"""Odd and near to the golden section of the levels: neighbours are far apart, and all levels occur."""
FIRST = 1024
NORMAL_WIDTH = 12**0.5
"""Of a uniform distribution with a variance of one, which stands in for the normal one."""


@contextmanager
def fixed_random_numbers() -> Iterator[None]:
    """Have Keras draw fixed numbers in this context; what is built in it may be called in it only."""
    from keras.src import backend, initializers  # noqa: PLC0415 - the process chose the backend before this runs

    source, original = backend.random, dict(vars(backend.random))
    initializers.random_initializers.random = SimpleNamespace(**original)
    for fixed in REPLACED:
        setattr(source, fixed.__name__, fixed)
    try:
        yield
    finally:
        for fixed in REPLACED:
            setattr(source, fixed.__name__, original[fixed.__name__])
        initializers.random_initializers.random = source


def uniform(shape: Sequence[int], minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Return numbers between two bounds, neither of which occurs."""
    del seed
    levels = _cast(_levels(shape), dtype)
    return minval + (levels + 0.5) * (1.0 / LEVELS) * (maxval - minval)


def normal(shape: Sequence[int], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Return numbers with this mean and this standard deviation, evenly spread, at most 1.8 deviations off."""
    return mean + stddev * uniform(shape, -NORMAL_WIDTH / 2, NORMAL_WIDTH / 2, dtype=dtype, seed=seed)


def truncated_normal(
    shape: Sequence[int], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Return the same as `normal`, none of which is two deviations off."""
    return normal(shape, mean, stddev, dtype=dtype, seed=seed)


def randint(shape: Sequence[int], minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Return whole numbers from the first bound to before the second."""
    return _cast(_ops().floor(uniform(shape, minval, maxval, dtype="float32", seed=seed)), dtype)


def dropout(inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Any = None) -> Any:
    """Return the inputs without a fixed part of them, and the rest larger by as much."""
    del seed
    if rate >= 1.0:
        return _ops().zeros_like(inputs)
    ops = _ops()
    shape = ops.shape(inputs)
    if noise_shape is not None:
        shape = tuple(own if size is None else size for own, size in zip(shape, noise_shape, strict=True))
    kept = _cast(_levels(shape) >= round(rate * LEVELS), inputs.dtype)
    return inputs * kept * (1.0 / (1.0 - rate))


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Return classes, shape (batch, samples), by inverting each row's distribution function."""
    del seed
    ops = _ops()
    below = ops.cumsum(ops.softmax(logits, axis=-1), axis=-1)[:, None, :]
    chosen = uniform((ops.shape(logits)[0], num_samples, 1), dtype=below.dtype)
    classes = ops.sum(_cast(below < chosen, "int32"), axis=-1)
    return _cast(ops.minimum(classes, ops.shape(logits)[-1] - 1), dtype)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """Return the slices along an axis, each one place further."""
    del seed
    return _ops().roll(x, 1, axis=axis)


def gamma(shape: Sequence[int], alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Return numbers around the mean of the distribution."""
    return alpha * uniform(shape, 0.5, 1.5, dtype=dtype, seed=seed)


def beta(shape: Sequence[int], alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Return numbers around the mean of the distribution, all within its bounds."""
    mean = alpha / (alpha + beta)
    return uniform(shape, 0.5, 1.0, dtype=dtype, seed=seed) * mean


def binomial(shape: Sequence[int], counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Return whole numbers, at most the count, around the mean of the distribution."""
    return _ops().floor(counts * probabilities * uniform(shape, 0.5, 1.0, dtype=dtype, seed=seed))


REPLACED: tuple[Callable[..., Any], ...] = (
    uniform,
    normal,
    truncated_normal,
    randint,
    dropout,
    categorical,
    shuffle,
    gamma,
    beta,
    binomial,
)


def _levels(shape: Any) -> Any:
    """Return the whole numbers of an array of this shape, which may be a tensor or be known to the graph only."""
    ops = _ops()
    if hasattr(shape, "shape"):  # as what `tf.shape(x)` returns, over which a graph cannot iterate
        shape = [shape[axis] for axis in range(shape.shape[0])]
    size: Any = 1
    for length in shape:
        size = size * length
    place = ops.arange(size, dtype="int32") % LEVELS
    return ops.reshape((place * STRIDE + FIRST) % LEVELS, shape)


def _cast(values: Any, dtype: Any) -> Any:
    """Return values in a type of number; None is Keras' own."""
    import keras  # noqa: PLC0415

    return keras.ops.cast(values, dtype or keras.config.floatx())


def _ops() -> Any:
    """Return Keras' operations."""
    import keras  # noqa: PLC0415

    return keras.ops
