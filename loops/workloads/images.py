"""The digits as images of bytes: what the compiled models on MNIST are trained on."""

from typing import Any

import numpy as np

from loops.contract import Digits

SIDE = 28


def pixels_and_labels(digits: Digits) -> Any:
    """Return ((x, y), (x_val, y_val)) as `fit()` takes them.

    Images stay bytes, shape (samples, 28, 28), 0..255, and the model scales them: a quarter of what floats would take
    on disk and in memory. Labels are int64, shape (samples,).
    """
    return (
        (digits.train_images, digits.train_labels.astype(np.int64)),
        (digits.validation_images, digits.validation_labels.astype(np.int64)),
    )
