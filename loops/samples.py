"""What loops are fed: the digits of the shared fixture, and samples of any nesting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loops.nested import Nested, is_nested, leaves, map_leaves


@dataclass(frozen=True, kw_only=True, slots=True)
class Digits:
    """A fixture with the shapes of MNIST. The last 10 000 of 60 000 training samples are for validation."""

    train_images: NDArray[np.uint8]
    """Shape (50000, 28, 28), values 0..255."""
    train_labels: NDArray[np.uint8]
    """Shape (50000,), values 0..9."""
    validation_images: NDArray[np.uint8]
    """Shape (10000, 28, 28)."""
    validation_labels: NDArray[np.uint8]
    """Shape (10000,)."""
    test_images: NDArray[np.uint8]
    """Shape (10000, 28, 28)."""
    test_labels: NDArray[np.uint8]
    """Shape (10000,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Inputs and targets, first axis = sample."""

    inputs: Nested
    """Array of shape (samples, features...), or a dict or tuple of such where a model takes several."""
    targets: Nested
    """Array of shape (samples,) for class indices; (samples, classes) when one-hot; (samples, 1) for regression; or a
    dict or tuple of such where a model has several outputs. None where the model itself adds all losses."""
    weights: Nested = None
    """Array of shape (samples,), or one for each output: how much each sample counts in loss and metric; None when all
    count alike."""
    latents: NDArray[np.float32] | None = None
    """Shape (samples, 2, dimensions): random points that a generator makes images of; None but in adversarial ones."""

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(leaves(self.inputs)[0])

    @property
    def one_hot(self) -> bool:
        """Whether the targets are one-hot rows rather than class indices or numbers."""
        if self.targets is None or is_nested(self.targets):
            return False
        return bool(self.targets.ndim > 1 and self.targets.shape[1] > 1)

    @property
    def arrays(self) -> tuple[Nested, ...]:
        """Inputs, targets and, where there are any, weights or latents: what a batch is cut from."""
        optional = (arrays for arrays in (self.weights, self.latents) if arrays is not None)
        return (self.inputs, *(() if self.targets is None else (self.targets,)), *optional)

    @property
    def for_fit(self) -> Nested:
        """The same as `fit()` hands it to a training step: of inputs alone, these and no tuple around them."""
        alone = len(self.arrays) == 1 and not isinstance(self.inputs, tuple | list)
        return self.inputs if alone else self.arrays

    def rows(self, rows: slice) -> "Samples":
        """Return some of the samples; nothing is copied."""
        return self.map(lambda array: array[rows])

    def map(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> "Samples":
        """Return samples with what a function makes of each array."""
        return Samples(
            inputs=map_leaves(function, self.inputs),
            targets=map_leaves(function, self.targets),
            weights=map_leaves(function, self.weights),
            latents=map_leaves(function, self.latents),
        )
