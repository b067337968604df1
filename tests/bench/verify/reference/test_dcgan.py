"""The oracle for adversarial training: convolutions against SciPy, gradients against finite differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import correlate2d

from bench.verify.reference import dcgan
from bench.verify.reference.dcgan import DISCRIMINATOR_ARRAYS, Batch, Training, binary_cross_entropy, generator_loss
from bench.verify.reference.dense import Formula

CHANNELS = 3
LATENTS = 4
SHAPES = (
    [(3, 3, 1, CHANNELS), (CHANNELS,), (3, 3, CHANNELS, CHANNELS), (CHANNELS,), (CHANNELS, 1), (1,)],
    [
        (LATENTS, 49 * CHANNELS),
        (49 * CHANNELS,),
        (4, 4, CHANNELS, CHANNELS),
        (CHANNELS,),
        (4, 4, CHANNELS, CHANNELS),
        (CHANNELS,),
        (7, 7, CHANNELS, 1),
        (1,),
    ],
)


@pytest.fixture
def weights() -> list[np.ndarray]:
    """Return both models in small: three channels everywhere."""
    generator = np.random.default_rng(0)
    return [generator.normal(scale=0.4, size=shape) for shapes in SHAPES for shape in shapes]


@pytest.fixture
def batch() -> Batch:
    """Return two images with noisy labels and latents."""
    generator = np.random.default_rng(1)
    return Batch(
        images=generator.random((2, 28, 28, 1)),
        labels=np.array([1.0, 0.0]) + 0.05 * generator.random((2, 2)),
        latents=generator.normal(size=(2, 2, LATENTS)),
    )


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (7, 1), (4, 2)])
def test_a_convolution_is_that_of_scipy(size, stride):
    """Padded as Keras pads for "same": an odd zero goes after."""
    generator = np.random.default_rng(2)
    image, kernel = generator.random((1, 28, 28, 1)), generator.random((size, size, 1, 1))

    found = dcgan._convolve(image, kernel, stride=stride)

    total = max((28 // stride - 1) * stride + size - 28, 0)
    padded = np.pad(image[0, ..., 0], (total // 2, total - total // 2))
    expected = correlate2d(padded, kernel[..., 0, 0], mode="valid")[::stride, ::stride]
    np.testing.assert_allclose(found[0, ..., 0], expected[: 28 // stride, : 28 // stride])


def test_a_transposed_convolution_is_the_adjoint():
    """``<convolve(x), y> = <x, transposed(y)>`` for any x and y, which is what makes it the gradient."""
    generator = np.random.default_rng(3)
    kernel = generator.normal(size=(4, 4, 2, 5))
    images, outputs = generator.normal(size=(3, 14, 14, 2)), generator.normal(size=(3, 7, 7, 5))

    ahead = (dcgan._convolve(images, kernel, stride=2) * outputs).sum()
    back = (images * dcgan._convolve_transposed(outputs, kernel, stride=2, shape=images.shape)).sum()

    assert ahead == pytest.approx(back)


def test_the_generators_gradients_are_finite_differences(weights, batch):
    """Through the updated discriminator, for some weights of each array."""
    step = Training(Formula.SGD).step(weights, batch=batch)
    judged = [*step.weights[:DISCRIMINATOR_ARRAYS], *weights[DISCRIMINATOR_ARRAYS:]]

    def loss(moved):
        return generator_loss(moved, latents=batch.latents[:, 1])

    assert loss(judged) == pytest.approx(step.generator_loss)
    check_gradients(loss, judged, gradients=step.gradients, arrays=range(DISCRIMINATOR_ARRAYS, len(weights)))


def test_the_discriminators_gradients_are_finite_differences(weights, batch):
    """On generated and real images together, before its update."""
    step = Training(Formula.SGD).step(weights, batch=batch)

    def loss(moved):
        return Training(Formula.SGD).step(moved, batch=batch).discriminator_loss

    check_gradients(loss, weights, gradients=step.gradients, arrays=range(DISCRIMINATOR_ARRAYS))


def check_gradients(loss, weights, *, gradients, arrays):
    """Compare with central differences at three places of each array."""
    generator = np.random.default_rng(4)
    for array in arrays:
        for place in generator.choice(weights[array].size, min(3, weights[array].size), replace=False):
            values = []
            for shift in (1e-6, -1e-6):
                moved = [weight.copy() for weight in weights]
                moved[array].flat[place] += shift
                values.append(loss(moved))
            assert gradients[array].flat[place] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4, abs=1e-9)


def test_the_discriminators_loss_and_dense_layer_are_those_worked_out_by_hand(weights, batch):
    """Cross-entropy from its definition, and one descent of the last layer along ``(sigmoid(z) - y) * feature``."""
    zeroed = [array * 0.0 for array in weights[:4]]
    zeroed[3] = np.array([1.0, 2.0, -5.0])  # the features, whatever the image: 1, 2 and 0.2 * -5
    kernel, bias = np.array([[0.5], [-0.25], [0.125]]), np.array([0.0])
    features = np.array([1.0, 2.0, -1.0])
    logit = 0.5 - 0.5 - 0.125

    step = Training(Formula.SGD).step([*zeroed, kernel, bias, *weights[6:]], batch=batch)

    share = 1.0 / (1.0 + np.exp(-logit))
    labels = batch.labels.T.ravel()
    loss = -(labels * np.log(share) + (1.0 - labels) * np.log(1.0 - share)).mean()
    descent = 3e-4 * (share - labels).mean()
    assert step.discriminator_loss == pytest.approx(loss)
    np.testing.assert_allclose(step.weights[4][:, 0], kernel[:, 0] - descent * features)
    np.testing.assert_allclose(step.weights[5], bias - descent)


def test_a_generator_that_is_taken_for_real_has_a_low_loss(weights):
    """Label 0 is "real": a discriminator that always says so makes the generator's loss small."""
    sure = [array * 0.0 for array in weights[:6]] + weights[6:]
    sure[5] = np.array([-10.0])

    assert generator_loss(sure, latents=np.zeros((1, LATENTS))) == pytest.approx(np.log1p(np.exp(-10.0)))


def test_both_optimizers_remember_their_steps(weights, batch):
    """The second step of Adam is not the first one again."""
    training = Training(Formula.KERAS_ADAM)

    first = training.step(weights, batch=batch).weights
    again = training.step(weights, batch=batch).weights

    assert not np.allclose(first[4], again[4], rtol=0.0, atol=1e-9)
    assert not np.allclose(first[-2], again[-2], rtol=0.0, atol=1e-9)


def test_labels_are_shown_to_generated_and_real_images_in_this_order(weights, batch):
    """Exchanged labels are another loss."""
    exchanged = replace(batch, labels=batch.labels[:, ::-1])

    assert Training(Formula.SGD).step(weights, batch=batch).discriminator_loss != pytest.approx(
        Training(Formula.SGD).step(weights, batch=exchanged).discriminator_loss
    )


def test_cross_entropy_overflows_nowhere():
    """A logit of a thousand costs a thousand when the label is 0."""
    loss, gradient = binary_cross_entropy(np.array([1000.0, -1000.0]), np.array([0.0, 0.0]))

    assert loss == pytest.approx(500.0)
    np.testing.assert_allclose(gradient, [0.5, 0.0])
