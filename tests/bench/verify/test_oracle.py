"""The float64 reference beside one training, step by step."""

import numpy as np
import pytest

from bench.verify.distance import WEIGHT_TOLERANCE, EffectOnLoss, ShareOfTheWay
from bench.verify.oracle import Adversarial, Supervised, batch_of
from bench.verify.reference import dense
from bench.verify.reference.dense import Formula
from loops.contract import Samples

RECIPE = dense.RECIPES["mnist-mlp"]
RANDOM = np.random.default_rng(2)
WEIGHTS = [
    RANDOM.normal(size=(4, 5), scale=0.5),
    np.zeros(5),
    RANDOM.normal(size=(5, 4), scale=0.5),
    np.zeros(4),
    RANDOM.normal(size=(4, 3), scale=0.5),
    np.zeros(3),
]
SAMPLES = Samples(inputs=RANDOM.normal(size=(6, 4)), targets=np.array([0, 1, 2, 0, 1, 2]))


def oracle(formula=Formula.KERAS_ADAM):
    """Return a fresh one."""
    return Supervised(RECIPE, formula=formula)


@pytest.mark.parametrize("formula", list(Formula))
def test_a_step_is_that_of_the_reference(formula):
    """Loss before the update, gradients, and the weights that its own formula makes of them."""
    step = oracle(formula).step(WEIGHTS, samples=SAMPLES)

    loss, gradients = dense.loss_and_gradients(RECIPE, WEIGHTS, batch=batch_of(SAMPLES))
    meant = dense.Optimizer(formula, learning_rate=RECIPE.learning_rate).updated(WEIGHTS, gradients=gradients)
    assert loss == step.loss
    for expected, found in zip((*gradients, *meant), (*step.gradients, *step.weights), strict=True):
        np.testing.assert_array_equal(expected, found)


def test_a_step_changes_no_weights_that_it_was_given():
    """They are the loop's."""
    before = [array.copy() for array in WEIGHTS]

    oracle().step(WEIGHTS, samples=SAMPLES)

    for expected, found in zip(before, WEIGHTS, strict=True):
        np.testing.assert_array_equal(expected, found)


@pytest.mark.parametrize(("formula", "same"), [(Formula.KERAS_ADAM, False), (Formula.SGD, True)])
def test_the_state_of_the_optimizer_is_kept_and_the_weights_are_not(formula, same):
    """A second step from the same weights is another one with Adam, and the same with SGD."""
    experienced, part = oracle(formula), SAMPLES.rows(slice(0, 2))
    experienced.step(WEIGHTS, samples=SAMPLES)

    second, first = (one.step(WEIGHTS, samples=part).weights[0] for one in (experienced, oracle(formula)))

    assert same == np.array_equal(first, second)


def test_training_lowers_the_loss():
    """Over and over on one batch."""
    one, weights, losses = oracle(), WEIGHTS, []
    for _ in range(30):
        step = one.step(weights, samples=SAMPLES)
        weights = step.weights
        losses.append(step.loss)

    assert losses[-1] < losses[0]


def test_a_batch_counts_by_its_samples_or_their_weights():
    """In the metric of an epoch."""
    weighted = Samples(inputs=SAMPLES.inputs, targets=SAMPLES.targets, weights=np.array([0.5, 0, 0, 1.0, 0, 0.25]))

    assert 6.0 == oracle().step(WEIGHTS, samples=SAMPLES).weight
    assert 1.75 == oracle().step(WEIGHTS, samples=weighted).weight


def test_the_score_of_a_batch_is_its_evaluation():
    """Before the update."""
    one = oracle()

    assert one.evaluate(WEIGHTS, samples=SAMPLES) == one.step(WEIGHTS, samples=SAMPLES).score
    assert one.evaluate(WEIGHTS, samples=SAMPLES) in {number / 6 for number in range(7)}


@pytest.mark.parametrize("formula", list(Formula))
def test_how_far_a_loop_may_be_depends_on_its_formula(formula):
    """And is a share of the way."""
    distance = oracle(formula).distance

    assert isinstance(distance, ShareOfTheWay)
    assert WEIGHT_TOLERANCE[formula] == distance.allowed


def test_two_models_are_held_apart_by_their_effect():
    """And without latent points there is nothing to train."""
    one = Adversarial(Formula.KERAS_ADAM)

    assert isinstance(one.distance, EffectOnLoss)
    with pytest.raises(AssertionError):
        one.step([], samples=SAMPLES)
