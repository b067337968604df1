"""The synthetic digits: what they share with MNIST, and that they are the same everywhere."""

import numpy as np
import pytest
from numpy.typing import NDArray

from loops.data import synthetic
from loops.data.archive import SHAPES, fingerprint

Arrays = dict[str, NDArray[np.uint8]]

SHA256_OF_SEED_0 = "538e671a5aabecc2147f39e4e5d5de7413f3332d3c80e68f9fdbab8c3545f608"
"""As NumPy 1.26, 2.0 and 2.4 draw them, with and without AVX2."""


def test_draw_returns_the_shapes_of_mnist(digits: Arrays) -> None:
    """The arrays have MNIST's names, order, shapes and dtype."""
    found = {key: (array.shape, array.dtype) for key, array in digits.items()}

    assert {key: (shape, np.dtype(np.uint8)) for key, shape in SHAPES.items()} == found


def test_draw_gives_the_same_bytes_on_every_machine(digits: Arrays) -> None:
    """Seed 0 leads to the recorded fingerprint."""
    assert SHA256_OF_SEED_0 == fingerprint(digits)


def test_draw_gives_other_digits_for_another_seed(digits: Arrays) -> None:
    """Both images and labels depend on the seed."""
    other = synthetic.draw(seed=1)

    assert not np.array_equal(digits["x_test"], other["x_test"])
    assert not np.array_equal(digits["y_test"], other["y_test"])


@pytest.mark.parametrize("part", ["train", "test"])
def test_classes_are_balanced(digits: Arrays, part: str) -> None:
    """Each class makes up a tenth of either part."""
    labels = digits[f"y_{part}"]

    assert [len(labels) // 10] * 10 == np.bincount(labels).tolist()


def test_validation_has_every_class(digits: Arrays) -> None:
    """Labels are shuffled, so the last 10 000 hold about as much of each class."""
    counts = np.bincount(digits["y_train"][-10_000:], minlength=10)

    assert counts.min() > 900
    assert counts.max() < 1100


def test_pixels_are_distributed_as_in_mnist(digits: Arrays) -> None:
    """A dark background with about 13 % of the light and 19 % of the pixels inked, up to full white."""
    images = digits["x_train"]

    assert pytest.approx(0.1307, abs=0.01) == images.mean() / 255
    assert pytest.approx(0.1912, abs=0.02) == np.count_nonzero(images) / images.size
    assert (0, 255) == (images.min(), images.max())


def test_digits_are_centred(digits: Arrays) -> None:
    """The mean image has its centre of mass within a pixel of the middle."""
    mean = digits["x_train"].mean(axis=0)
    pixels = np.arange(28) - 13.5
    centre = [float((mean.sum(axis=axis) * pixels).sum() / mean.sum()) for axis in (0, 1)]

    assert pytest.approx([0, 0], abs=1) == centre


def test_no_two_images_are_equal(digits: Arrays) -> None:
    """Every sample has its own look, so validation images were not trained."""
    images = {image.tobytes() for image in digits["x_train"]}

    assert 60_000 == len(images)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "lowest", "highest"), [(1 / 255, 0.95, 0.995), (1.0, 0.90, 0.99)], ids=["scaled", "raw"]
)
def test_one_epoch_learns_most_but_not_all(digits: Arrays, scale: float, lowest: float, highest: float) -> None:
    """The usual small network gets beyond 0.9 within 50 000 samples, with scaled and with raw pixels, but not to 1."""
    inputs = digits["x_train"].reshape(-1, 784).astype(np.float32) * np.float32(scale)
    labels = digits["y_train"]

    weights = train_one_epoch(inputs[:50_000], labels[:50_000], learning_rate=1e-3, batch_size=32)

    predicted = forward(weights, inputs[50_000:])[-1].argmax(axis=1)
    assert lowest < (predicted == labels[50_000:]).mean() < highest


def forward(weights: list[NDArray[np.float32]], inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the inputs and outputs of the layers; all but the last are rectified."""
    activations = [inputs]
    for layer in range(3):
        outputs = activations[-1] @ weights[2 * layer] + weights[2 * layer + 1]
        activations.append(np.maximum(outputs, 0) if layer < 2 else outputs)
    return activations


def backward(
    weights: list[NDArray[np.float32]], activations: list[NDArray[np.float32]], labels: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    """Return the gradients of the mean cross-entropy."""
    exponentials = np.exp(activations[-1] - activations[-1].max(axis=1, keepdims=True))
    slope = exponentials / exponentials.sum(axis=1, keepdims=True)
    slope[np.arange(len(labels)), labels] -= 1
    slope /= len(labels)
    gradients: list[NDArray[np.float32]] = []
    for layer in (2, 1, 0):
        gradients = [activations[layer].T @ slope, slope.sum(axis=0), *gradients]
        slope = (slope @ weights[2 * layer].T) * (activations[layer] > 0)
    return gradients


def train_one_epoch(
    inputs: NDArray[np.float32], labels: NDArray[np.uint8], *, learning_rate: float, batch_size: int
) -> list[NDArray[np.float32]]:
    """Train a 784-64-64-10 network with Adam, as Keras would, and return its weights."""
    generator = np.random.default_rng(0)
    weights: list[NDArray[np.float32]] = []
    for fan_in, fan_out in ((784, 64), (64, 64), (64, 10)):
        limit = np.sqrt(6 / (fan_in + fan_out))
        weights += [
            generator.uniform(-limit, limit, (fan_in, fan_out)).astype(np.float32),
            np.zeros(fan_out, dtype=np.float32),
        ]
    means, squares = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
    for step in range(1, len(inputs) // batch_size + 1):
        batch = slice((step - 1) * batch_size, step * batch_size)
        rate = np.float32(learning_rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step))
        gradients = backward(weights, forward(weights, inputs[batch]), labels[batch])
        for weight, mean, square, gradient in zip(weights, means, squares, gradients, strict=True):
            mean[:] += np.float32(0.1) * (gradient - mean)
            square[:] += np.float32(0.001) * (gradient**2 - square)
            weight[:] -= rate * mean / (np.sqrt(square) + np.float32(1e-7))
    return weights
