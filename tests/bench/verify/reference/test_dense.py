"""The oracle itself: gradients against finite differences, losses and updates against values worked out by hand."""

from dataclasses import replace
from itertools import pairwise
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.verify.reference.dense import RECIPES, Batch, Formula, Optimizer, Recipe, evaluate, loss_and_gradients, train

LINEAR_CLASSIFIER = Recipe(loss="cross-entropy", optimizer="SGD", learning_rate=0.5, activity_penalties=())
SAMPLES = 7
FEATURES = 6
CLASSES = 3


def network(recipe: Recipe, *, seed: int = 0) -> list[np.ndarray]:
    """Return random weights for a small network with as many hidden layers as the recipe has penalties."""
    generator = np.random.default_rng(seed)
    outputs = CLASSES if recipe.loss == "cross-entropy" else 1
    sizes = [FEATURES, *range(5, 5 - len(recipe.activity_penalties), -1), outputs]
    shapes = [shape for pair in pairwise(sizes) for shape in (pair, pair[1:])]
    return [generator.normal(size=shape) for shape in shapes]


def samples(recipe: Recipe, *, seed: int = 1, weighted: bool = False) -> Batch:
    """Return a batch of random inputs with class indices or numbers to learn."""
    generator = np.random.default_rng(seed)
    classifies = recipe.loss == "cross-entropy"
    return Batch(
        inputs=generator.normal(size=(SAMPLES, FEATURES)),
        targets=generator.integers(0, CLASSES, SAMPLES) if classifies else generator.normal(size=(SAMPLES, 1)),
        weights=generator.uniform(0.5, 1.5, SAMPLES) if weighted else None,
    )


def formula_of(recipe: Recipe) -> Formula:
    """Return a formula of the recipe's optimizer."""
    return Formula.SGD if recipe.optimizer == "SGD" else Formula.KERAS_ADAM


def finite_differences(recipe: Recipe, weights: list[np.ndarray], *, batch: Batch) -> list[np.ndarray]:
    """Return central differences of the loss by every weight."""
    step = 1e-6

    def loss(array: int, index: tuple[int, ...], shift: float) -> float:
        moved = [weight.copy() for weight in weights]
        moved[array][index] += shift
        return loss_and_gradients(recipe, moved, batch=batch)[0]

    gradients = [np.empty_like(weight) for weight in weights]
    for array, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            gradient[index] = (loss(array, index, step) - loss(array, index, -step)) / (2.0 * step)
    return gradients


def linear_batch(*, targets: list[int], weights: list[float] | None = None) -> Batch:
    """Return as many samples with one input of 1.0, so that a kernel of one row is the logits of each."""
    return Batch(
        inputs=np.ones((len(targets), 1)),
        targets=np.array(targets),
        weights=None if weights is None else np.array(weights),
    )


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("workload", RECIPES)
def test_gradients_agree_with_finite_differences(workload, weighted):
    """For every recipe, with and without sample weights."""
    recipe = RECIPES[workload]
    weights, batch = network(recipe), samples(recipe, weighted=weighted)

    _, gradients = loss_and_gradients(recipe, weights, batch=batch)

    for expected, actual in zip(finite_differences(recipe, weights, batch=batch), gradients, strict=True):
        assert pytest.approx(expected, rel=1e-6, abs=1e-8) == actual


def test_gradients_of_two_penalties_agree_with_finite_differences():
    """A model may track any number of losses, here with weights and one-hot targets as well."""
    recipe = replace(RECIPES["mnist-mlp"], activity_penalties=(0.3, 0.7))
    weights, batch = network(recipe), samples(recipe, weighted=True)
    batch = replace(batch, targets=np.eye(CLASSES)[batch.targets])

    _, gradients = loss_and_gradients(recipe, weights, batch=batch)

    for expected, actual in zip(finite_differences(recipe, weights, batch=batch), gradients, strict=True):
        assert pytest.approx(expected, rel=1e-6, abs=1e-8) == actual


def test_uniform_logits_cost_the_logarithm_of_the_number_of_classes():
    """Ten classes, no opinion: ln 10, the well-known first loss of a digit classifier."""
    weights = [np.zeros((784, 64)), np.zeros(64), np.zeros((64, 64)), np.zeros(64), np.zeros((64, 10)), np.zeros(10)]
    batch = Batch(inputs=np.ones((4, 784)), targets=np.array([0, 3, 9, 9]))

    loss, _ = loss_and_gradients(RECIPES["mnist-mlp"], weights, batch=batch)

    assert pytest.approx(2.302585092994046, rel=1e-15) == loss


def test_large_logits_do_not_overflow():
    """Logits of 1e4, far beyond the largest exponent of a double: the wrong class costs their difference."""
    weights = [np.array([[1e4, 0.0, -1e4]]), np.zeros(3)]

    right, _ = loss_and_gradients(LINEAR_CLASSIFIER, weights, batch=linear_batch(targets=[0]))
    wrong, gradients = loss_and_gradients(LINEAR_CLASSIFIER, weights, batch=linear_batch(targets=[2]))

    assert (0.0, 2e4, [1.0, 0.0, -1.0]) == (right, wrong, gradients[1].tolist())


def test_a_weighted_loss_is_divided_by_the_batch_size():
    """Not by the sum of the weights, as torch's `CrossEntropyLoss(weight=...)` does: 1.530 here, not 1.020."""
    weights = [np.array([[0.0, log(3.0)]]), np.zeros(2)]  # probabilities 1/4 and 3/4
    batch = linear_batch(targets=[0, 1], weights=[2.0, 1.0])

    loss, _ = loss_and_gradients(LINEAR_CLASSIFIER, weights, batch=batch)

    assert pytest.approx((2.0 * log(4.0) + log(4.0 / 3.0)) / 2.0) == loss


@given(factor=st.floats(0.01, 100.0))
@settings(max_examples=20, deadline=None)
def test_equal_sample_weights_scale_loss_and_gradients(factor):
    """Twice the weight is twice the loss; a weight of 1 changes nothing."""
    recipe = RECIPES["mnist-mlp"]
    plain = samples(recipe)
    loss, gradients = loss_and_gradients(recipe, network(recipe), batch=plain)

    scaled = replace(plain, weights=np.full(SAMPLES, factor))
    scaled_loss, scaled_gradients = loss_and_gradients(recipe, network(recipe), batch=scaled)

    assert pytest.approx(factor * loss) == scaled_loss
    assert pytest.approx(factor * gradients[0]) == scaled_gradients[0]


def test_a_penalty_is_the_plain_sum_of_activations():
    """Neither the batch size nor sample weights touch it: four samples cost twice what two cost."""
    recipe = replace(LINEAR_CLASSIFIER, activity_penalties=(0.01,))
    weights = [np.array([[3.0, -5.0]]), np.zeros(2), np.zeros((2, 2)), np.zeros(2)]  # rectified: 3 and 0 per sample

    two, _ = loss_and_gradients(recipe, weights, batch=linear_batch(targets=[0, 1]))
    four, _ = loss_and_gradients(recipe, weights, batch=linear_batch(targets=[0, 1, 0, 1], weights=[0.0] * 4))

    assert (pytest.approx(log(2.0) + 0.06), pytest.approx(0.12)) == (two, four)


def test_squared_error_is_averaged_over_the_batch():
    """Predictions 1 and 3 of targets 0 and 1: (1 + 4) / 2, with slopes 2 * error / 2 by the prediction."""
    weights = [np.array([[1.0]]), np.array([0.0])]
    batch = Batch(inputs=np.array([[1.0], [3.0]]), targets=np.array([[0.0], [1.0]]))

    loss, (kernel, bias) = loss_and_gradients(RECIPES["regression"], weights, batch=batch)

    assert (2.5, 7.0, 3.0) == (loss, kernel.item(), bias.item())


@pytest.mark.parametrize("workload", ["regression", "regression-weighted"])
def test_targets_of_one_dimension_are_not_broadcast(workload):
    """(samples,) and (samples, 1) mean the same; subtracting one from the other would make a square."""
    recipe = RECIPES[workload]
    column = samples(recipe, weighted=True)
    row = replace(column, targets=column.targets[:, 0])

    expected, actual = (loss_and_gradients(recipe, network(recipe), batch=batch)[0] for batch in (column, row))

    assert expected == actual


def test_one_hot_targets_and_class_indices_train_alike():
    """To the last bit, over several steps."""
    recipe = RECIPES["mnist-mlp"]
    sparse = samples(recipe)
    one_hot = replace(sparse, targets=np.eye(CLASSES, dtype=np.float32)[sparse.targets])

    expected, actual = (
        train(recipe, network(recipe), batches=[batch] * 3, formula=Formula.TORCH_ADAM) for batch in (sparse, one_hot)
    )

    assert expected.losses.tolist() == actual.losses.tolist()
    assert [weight.tolist() for weight in expected.weights] == [weight.tolist() for weight in actual.weights]


def test_gradient_descent_takes_off_the_rate_times_the_gradient():
    """0.5 * -0.25 and 0.5 * 0.25 for probabilities 3/4 and 1/4 where the first class is right."""
    weights = [np.array([[log(3.0), 0.0]]), np.zeros(2)]

    trace = train(LINEAR_CLASSIFIER, weights, batches=[linear_batch(targets=[0])], formula=Formula.SGD)

    assert pytest.approx(np.array([-0.25, 0.25])) == trace.first_gradients[1]
    assert pytest.approx(np.array([0.125, -0.125])) == trace.weights[1]
    assert pytest.approx(np.array([[log(3.0) + 0.125, -0.125]])) == trace.weights[0]


@pytest.mark.parametrize(
    ("formula", "first", "second"),
    [
        # Moments by hand, gradients 1 then -2: m = 0.1, -0.11; v = 0.001, 0.004999. Corrected: m / 0.1, m / 0.19;
        # v / 0.001, v / 0.001999.
        (
            Formula.KERAS_ADAM,
            0.01 * sqrt(0.001) / 0.1 * 0.1 / (sqrt(0.001) + 1e-7),
            0.01 * sqrt(0.001999) / 0.19 * -0.11 / (sqrt(0.004999) + 1e-7),
        ),
        (
            Formula.TORCH_ADAM,
            0.01 * 1.0 / (1.0 + 1e-8),
            0.01 * (-0.11 / 0.19) / (sqrt(0.004999 / 0.001999) + 1e-8),
        ),
        (Formula.SGD, 0.01, -0.02),
    ],
)
def test_two_updates_agree_with_the_formula_worked_out_by_hand(formula, first, second):
    """The second one needs moments and both bias corrections right."""
    optimizer = Optimizer(formula, learning_rate=0.01)

    after_one = optimizer.updated([np.array([5.0])], gradients=[np.array([1.0])])
    after_two = optimizer.updated(after_one, gradients=[np.array([-2.0])])

    assert pytest.approx(5.0 - first, rel=1e-15) == after_one[0].item()
    assert pytest.approx(5.0 - first - second, rel=1e-15) == after_two[0].item()


@pytest.mark.parametrize(
    ("formula", "effective_epsilon"), [(Formula.KERAS_ADAM, 31.6227766 * 1e-7), (Formula.TORCH_ADAM, 1e-8)]
)
def test_the_first_update_shows_the_effective_epsilon(formula, effective_epsilon):
    """The first change is rate * g / (|g| + epsilon), so small gradients tell: Keras' is 31.6 times its constant."""
    gradient = 1e-7
    optimizer = Optimizer(formula, learning_rate=1e-3)

    (weight,) = optimizer.updated([np.zeros(1)], gradients=[np.array([gradient])])

    assert pytest.approx(-1e-3 * gradient / (gradient + effective_epsilon)) == weight.item()


def test_the_two_formulas_of_adam_agree_on_large_gradients_only():
    """Where epsilon does not matter they are one formula, which is why a first loss cannot tell them apart."""
    changes = {
        (formula, size): Optimizer(formula, learning_rate=1.0)
        .updated([np.zeros(1)], gradients=[np.array([size])])[0]
        .item()
        for formula in (Formula.KERAS_ADAM, Formula.TORCH_ADAM)
        for size in (1e3, 1e-6)
    }

    assert pytest.approx(changes[Formula.TORCH_ADAM, 1e3], rel=1e-8) == changes[Formula.KERAS_ADAM, 1e3]
    assert changes[Formula.TORCH_ADAM, 1e-6] < 4.0 * changes[Formula.KERAS_ADAM, 1e-6] < 0.0


@pytest.mark.parametrize("workload", RECIPES)
def test_training_lowers_the_loss(workload):
    """On one batch seen again and again, every step; from a plain start, as real training begins."""
    recipe = RECIPES[workload]
    weights = [0.3 * weight for weight in network(recipe)]

    trace = train(recipe, weights, batches=[samples(recipe, weighted=True)] * 50, formula=formula_of(recipe))

    assert (50, True) == (len(trace.losses), bool((np.diff(trace.losses) < 0.0).all()))


def test_snapshots_are_the_weights_after_so_many_steps():
    """Counted from 1; a step that was not reached has none."""
    recipe = RECIPES["mnist-mlp"]
    batches = [samples(recipe, seed=seed) for seed in range(4)]
    long = train(recipe, network(recipe), batches=batches, formula=Formula.KERAS_ADAM, snapshots=(2, 9))

    short = train(recipe, network(recipe), batches=batches[:2], formula=Formula.KERAS_ADAM)

    assert [2] == list(long.weights_after)
    assert [weight.tolist() for weight in short.weights] == [weight.tolist() for weight in long.weights_after[2]]


def test_training_works_in_double_precision_and_leaves_its_arguments_alone():
    """Loops hand over float32 weights, uint8 pixels and float32 sample weights, and use them afterwards."""
    recipe = RECIPES["mnist-mlp"]
    weights = [weight.astype(np.float32) for weight in network(recipe)]
    batch = Batch(
        inputs=np.full((2, FEATURES), 200, np.uint8), targets=np.array([0, 2], np.uint8), weights=np.ones(2, np.float32)
    )

    trace = train(recipe, weights, batches=[batch], formula=Formula.KERAS_ADAM, snapshots=(1,))

    arrays = [trace.losses, *trace.first_gradients, *trace.weights, *trace.weights_after[1]]
    assert {np.dtype(np.float64)} == {array.dtype for array in arrays}
    assert [weight.tolist() for weight in weights] == [weight.astype(np.float32).tolist() for weight in network(recipe)]


def test_no_batch_is_no_training():
    """Then there are no losses and no gradients, and the weights are those given."""
    trace = train(LINEAR_CLASSIFIER, [np.ones((1, 2)), np.zeros(2)], batches=[], formula=Formula.SGD)

    assert ([], [], [[1.0, 1.0]]) == (trace.losses.tolist(), trace.first_gradients, trace.weights[0].tolist())


def test_a_formula_of_another_optimizer_is_refused():
    """Comparing a loop with an oracle that trains something else would blame the loop."""
    with pytest.raises(ValueError, match="expected a formula of Adam, got 'sgd'"):
        train(RECIPES["mnist-mlp"], [], batches=[], formula=Formula.SGD)


def test_a_penalty_for_each_hidden_layer_is_required():
    """One too few would silently train another workload."""
    recipe = replace(RECIPES["mnist-mlp"], activity_penalties=(0.0,))

    with pytest.raises(ValueError, match="expected 2 activity penalties, got 1"):
        loss_and_gradients(recipe, network(RECIPES["mnist-mlp"]), batch=samples(recipe))


@pytest.mark.parametrize(("weights", "expected"), [(None, 2.0 / 3.0), ([1.0, 1.0, 6.0], 0.25)])
def test_accuracy_is_the_weighted_share_of_right_predictions(weights, expected):
    """The first two samples are right; the heavy one is not."""
    batch = linear_batch(targets=[1, 1, 0], weights=weights)

    accuracy = evaluate(LINEAR_CLASSIFIER, [np.array([[0.0, 1.0]]), np.zeros(2)], batch=batch)

    assert pytest.approx(expected) == accuracy


def test_accuracy_reads_one_hot_targets():
    """As the guide for torch encodes its labels."""
    batch = replace(linear_batch(targets=[1, 1, 0]), targets=np.array([[0, 1], [0, 1], [1, 0]]))

    accuracy = evaluate(LINEAR_CLASSIFIER, [np.array([[0.0, 1.0]]), np.zeros(2)], batch=batch)

    assert pytest.approx(2.0 / 3.0) == accuracy


@pytest.mark.parametrize(("weights", "expected"), [(None, 1.5), ([3.0, 1.0], 1.25)])
def test_regression_is_judged_by_the_weighted_mean_absolute_error(weights, expected):
    """Predictions 1 and 3 of targets 0 and 5: errors 1 and 2."""
    batch = Batch(
        inputs=np.array([[1.0], [3.0]]),
        targets=np.array([0.0, 5.0]),
        weights=None if weights is None else np.array(weights),
    )

    error = evaluate(RECIPES["regression"], [np.array([[1.0]]), np.zeros(1)], batch=batch)

    assert expected == error
