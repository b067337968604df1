"""Arrays and initial weights of the workloads, without any framework."""

import numpy as np
import pytest

from loops.contract import Digits, Track
from loops.errors import UnsupportedCell
from loops.workloads.initial_weights import glorot_uniform
from loops.workloads.mnist_dcgan import MnistDcgan
from loops.workloads.mnist_mlp import MnistMlp, MnistMlpSgd
from loops.workloads.mnist_mlp_add_loss import MnistMlpAddLoss
from loops.workloads.mnist_mlp_weighted import MnistMlpWeighted
from loops.workloads.regression import Regression


@pytest.fixture
def digits():
    """Return a handful of random digits."""
    generator = np.random.default_rng(0)

    def images(count):
        return generator.integers(0, 256, (count, 28, 28), np.uint8)

    def labels(count):
        return np.arange(count, dtype=np.uint8) % 10

    return Digits(
        train_images=images(40),
        train_labels=labels(40),
        validation_images=images(20),
        validation_labels=labels(20),
        test_images=images(10),
        test_labels=labels(10),
    )


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_matched_samples_are_scaled_and_the_same_for_every_backend(digits, backend):
    """Float32 in 0..1, class indices, one order."""
    training, _ = MnistMlp().samples(digits, track=Track.MATCHED, backend=backend, seed=1)
    other, _ = MnistMlp().samples(digits, track=Track.MATCHED, backend="jax", seed=1)

    assert (np.float32, np.int64, False) == (training.inputs.dtype, training.targets.dtype, training.one_hot)
    assert (0.0, 1.0) == (training.inputs.min(), training.inputs.max())
    np.testing.assert_array_equal(training.inputs, other.inputs)


def test_matched_samples_are_shuffled_with_their_labels(digits):
    """Each image keeps its label."""
    training, _ = MnistMlp().samples(digits, track=Track.MATCHED, backend="torch", seed=1)

    label_of = {image.tobytes(): label for image, label in zip(digits.train_images, digits.train_labels, strict=True)}
    images = np.rint(training.inputs * 255).astype(np.uint8).reshape(-1, 28, 28)
    assert [label_of[image.tobytes()] for image in images] == training.targets.tolist()
    assert digits.train_labels.tolist() != training.targets.tolist()


def test_another_seed_gives_another_order(digits):
    """And the same seed the same one."""
    orders = [
        MnistMlp().samples(digits, track=Track.MATCHED, backend="torch", seed=seed)[0].targets.tolist()
        for seed in (1, 2, 1)
    ]

    assert (False, True) == (orders[0] == orders[1], orders[0] == orders[2])


@pytest.mark.parametrize(
    ("backend", "dtype", "one_hot"), [("tensorflow", np.uint8, False), ("torch", np.float32, True)]
)
def test_guide_samples_are_what_each_guide_feeds(digits, backend, dtype, one_hot):
    """Raw pixels; one-hot labels for PyTorch only."""
    training, validation = MnistMlp().samples(digits, track=Track.GUIDE, backend=backend, seed=1)

    assert (dtype, one_hot, one_hot) == (training.inputs.dtype, training.one_hot, validation.one_hot)
    assert 255 == training.inputs.max()
    np.testing.assert_array_equal(training.inputs, digits.train_images.reshape(-1, 784))


def test_initial_kernels_are_glorot_uniform_and_biases_zero():
    """Limit sqrt(6 / (784 + 64)), and a standard deviation of limit / sqrt(3)."""
    kernel, bias = glorot_uniform([(784, 64), (64,)], seed=0)

    limit = (6 / (784 + 64)) ** 0.5
    assert np.abs(kernel).max() <= limit
    assert pytest.approx(limit / 3**0.5, rel=0.01) == kernel.std()
    assert [0.0] * 64 == bias.tolist()


@pytest.mark.parametrize("workload", [MnistMlp(), MnistMlpAddLoss(), MnistMlpSgd(), MnistMlpWeighted()])
def test_the_digit_classifiers_come_in_any_width(workload):
    """Both hidden layers get it; the workload that was asked keeps its own."""
    wide = workload.of_width(256)

    assert [(784, 256), (256, 256), (256, 10)] == [kernel.shape for kernel in wide.initial_weights(seed=0)[::2]]
    assert (784, 64) == workload.initial_weights(seed=0)[0].shape


@pytest.mark.parametrize("workload", [Regression(), MnistDcgan()])
def test_a_model_of_fixed_size_refuses_a_width(workload):
    """It has no hidden layers that could be meant."""
    with pytest.raises(UnsupportedCell, match=f"the model of '{workload.name}' has no hidden layers whose width"):
        workload.of_width(256)


def test_fans_of_a_convolution_count_its_receptive_field():
    """A 3x3 kernel from 1 to 64 channels: sqrt(6 / (9 * 65))."""
    (kernel,) = glorot_uniform([(3, 3, 1, 64)], seed=0)

    assert pytest.approx((6 / (9 * 65)) ** 0.5, rel=0.05) == np.abs(kernel).max()


def test_an_adversarial_batch_brings_its_labels_and_latents_along(digits):
    """All digits of the archive; generated images are about 1, real ones about 0."""
    training, validation = MnistDcgan().samples(digits, track=Track.MATCHED, backend="torch", seed=1)

    assert ((70, 28, 28, 1), (70, 2), (70, 2, 128)) == tuple(array.shape for array in training.arrays)
    assert ["float32"] * 3 == [array.dtype.name for array in training.arrays]
    assert (0.0, 1.0) == (training.inputs.min(), training.inputs.max())
    generated, real = training.targets.T
    assert 1.0 <= generated.min() <= generated.max() <= 1.05
    assert 0.0 <= real.min() <= real.max() <= 0.05
    assert len(validation.inputs) == 70


def test_rows_of_samples_are_rows_of_every_array(digits):
    """What belongs together stays together."""
    training, _ = MnistDcgan().samples(digits, track=Track.GUIDE, backend="torch", seed=1)

    some = training.rows(slice(3, 5))

    for part, whole in zip(some.arrays, training.arrays, strict=True):
        np.testing.assert_array_equal(part, whole[3:5])
