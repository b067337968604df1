"""Initial weights drawn by NumPy, so that every backend starts from the same numbers."""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray


def glorot_uniform(shapes: Sequence[tuple[int, ...]], *, seed: int) -> list[NDArray[np.float32]]:
    """Return one array per shape: uniform kernels, zero biases, as Keras' defaults have them.

    A kernel of shape (..., fan_in, fan_out) is uniform in ``± sqrt(6 / (fan_in + fan_out))``, both fans multiplied by
    the leading dimensions of a convolution. Source: Glorot and Bengio, AISTATS 2010, equation 16.

    Args:
        shapes: In the order of Keras' `get_weights`; one dimension or none means a bias.
        seed: Same seed, same weights.
    """
    generator = np.random.default_rng(seed)
    weights = []
    for shape in shapes:
        if len(shape) < 2:  # noqa: PLR2004 - a kernel has at least two dimensions
            weights.append(np.zeros(shape, np.float32))
            continue
        receptive_field = prod(shape[:-2])
        limit = sqrt(6.0 / (receptive_field * (shape[-2] + shape[-1])))
        weights.append(generator.uniform(-limit, limit, shape).astype(np.float32))
    return weights


def start_alike(model: Any, *, seed: int) -> Any:
    """Give a Keras model kernels drawn by NumPy, and return it: the same numbers under every backend.

    What has fewer than two dimensions stays as Keras' initializer made it: biases, scales, moving averages.

    Args:
        model: Any Keras model that is built.
        seed: Same seed, same weights.
    """
    drawn = glorot_uniform([tuple(weight.shape) for weight in model.weights], seed=seed)
    made = model.get_weights()
    model.set_weights([new if new.ndim > 1 else old for new, old in zip(drawn, made, strict=True)])
    return model
