"""The discriminator's loss and last layer against values worked out by hand and finite differences."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.reference import Formula, Optimizer
from bench.reference_gan import binary_cross_entropy, last_layer_step


def test_a_discriminator_without_an_opinion_loses_the_logarithm_of_two():
    """0.69, with which both losses of the guides begin; a logit of 0 pulls half its share either way."""
    loss, gradient = binary_cross_entropy(np.zeros((2, 1)), np.array([[1.0], [0.0]]))

    assert pytest.approx(0.6931471805599453, rel=1e-15) == loss
    assert [[-0.25], [0.25]] == gradient.tolist()


def test_loss_and_gradient_agree_with_values_worked_out_by_hand():
    """A logit of ln 3 is a probability of 3/4: it costs ln(4/3) where right and ln 4 where wrong."""
    loss, gradient = binary_cross_entropy(np.full((2, 1), log(3.0)), np.array([1.0, 0.0]))

    assert pytest.approx((log(4.0 / 3.0) + log(4.0)) / 2.0) == loss
    assert pytest.approx(np.array([[-0.125], [0.375]])) == gradient


def test_large_logits_do_not_overflow():
    """Right for certain costs nothing; wrong for certain costs the logit."""
    loss, gradient = binary_cross_entropy(np.array([1e4, -1e4, 1e4, -1e4]), np.array([1.0, 0.0, 0.0, 1.0]))

    assert (5e3, [0.0, 0.0, 0.25, -0.25]) == (loss, gradient.tolist())


@given(logit=st.floats(-20.0, 20.0), label=st.floats(0.0, 1.05))
def test_the_stable_form_is_the_textbook_form(logit, label):
    """Labels with noise go beyond 1, and the loss then below 0."""
    probability = 1.0 / (1.0 + exp(-logit))
    expected = -label * log(probability) - (1.0 - label) * log(1.0 / (1.0 + exp(logit)))

    loss, gradient = binary_cross_entropy(np.array([logit]), np.array([label]))

    assert pytest.approx(expected, rel=1e-9, abs=1e-9) == loss
    assert pytest.approx(probability - label, rel=1e-9, abs=1e-9) == gradient.item()


@pytest.mark.parametrize("shape", [(64,), (64, 1)])
def test_gradients_of_the_layer_agree_with_finite_differences(shape):
    """With 128 features and noisy labels, as in the workload; labels in a row or a column."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(64, 128))
    labels = (generator.integers(0, 2, 64) + 0.05 * generator.random(64)).reshape(shape)
    kernel, bias = 0.1 * generator.normal(size=(128, 1)), np.array([0.2])
    shift = 1e-5

    def loss(kernel_shift: np.ndarray, bias_shift: float) -> float:
        return binary_cross_entropy(features @ (kernel + kernel_shift) + bias + bias_shift, labels)[0]

    step = last_layer_step(
        features, labels, kernel=kernel, bias=bias, optimizer=Optimizer(Formula.SGD, learning_rate=0.1)
    )

    by_kernel = [(loss(row, 0.0) - loss(-row, 0.0)) / (2.0 * shift) for row in shift * np.eye(128)[:, :, np.newaxis]]
    assert pytest.approx(np.array(by_kernel)[:, np.newaxis], rel=1e-6, abs=1e-9) == step.kernel_gradient
    no_shift = np.zeros((128, 1))
    assert pytest.approx((loss(no_shift, shift) - loss(no_shift, -shift)) / (2.0 * shift), rel=1e-6) == (
        step.bias_gradient.item()
    )
    assert loss(no_shift, 0.0) == step.loss


def test_gradient_descent_moves_the_layer_by_the_rate_times_the_gradient():
    """Feature 2, label 1, logit 0: gradients -1 and -0.5, so at rate 0.1 the weights grow by 0.1 and 0.05."""
    step = last_layer_step(
        np.array([[2.0]]),
        np.array([1.0]),
        kernel=np.zeros((1, 1)),
        bias=np.zeros(1),
        optimizer=Optimizer(Formula.SGD, learning_rate=0.1),
    )

    assert (-1.0, -0.5) == (step.kernel_gradient.item(), step.bias_gradient.item())
    assert (pytest.approx(0.1), pytest.approx(0.05)) == (step.kernel.item(), step.bias.item())


@pytest.mark.parametrize(("formula", "epsilon"), [(Formula.KERAS_ADAM, 1e-7 / 0.001**0.5), (Formula.TORCH_ADAM, 1e-8)])
def test_adam_moves_the_layer_by_the_formula_that_the_loop_claims(formula, epsilon):
    """The first change is rate * gradient / (|gradient| + epsilon), here of gradients -1 and -0.5."""
    step = last_layer_step(
        np.array([[2.0]], np.float32),
        np.array([[1.0]], np.float32),
        kernel=np.zeros((1, 1), np.float32),
        bias=np.zeros(1, np.float32),
        optimizer=Optimizer(formula, learning_rate=3e-4),
    )

    assert pytest.approx(3e-4 / (1.0 + epsilon), rel=1e-12) == step.kernel.item()
    assert pytest.approx(3e-4 * 0.5 / (0.5 + epsilon), rel=1e-12) == step.bias.item()
