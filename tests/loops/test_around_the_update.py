"""Clipping and schedules of Keras' optimizers around PyTorch's: the same steps, or the reason why not."""

import numpy as np
import pytest

from loops.errors import UnsupportedCell

# NumPy's, about how PyTorch's tensors become arrays in Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def around(torch):
    """Return the module, which imports it."""
    from loops import around_the_update

    return around_the_update


@pytest.fixture
def schedules(keras):
    """Return Keras' schedules."""
    return keras.optimizers.schedules


def translated(keras, torch, compiled, *, weights):
    """Return PyTorch's optimizer of these weights."""
    from loops import keras_to_torch

    return keras_to_torch.optimizer(compiled, [torch.nn.Parameter(torch.tensor(one)) for one in weights])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("CosineDecay", {"decay_steps": 7, "alpha": 0.1}),
        ("CosineDecay", {"decay_steps": 5, "warmup_target": 0.3, "warmup_steps": 4}),
        ("ExponentialDecay", {"decay_steps": 3, "decay_rate": 0.5}),
        ("ExponentialDecay", {"decay_steps": 3, "decay_rate": 0.5, "staircase": True}),
        ("InverseTimeDecay", {"decay_steps": 3, "decay_rate": 0.5}),
        ("InverseTimeDecay", {"decay_steps": 3, "decay_rate": 0.5, "staircase": True}),
        ("PolynomialDecay", {"decay_steps": 4, "end_learning_rate": 0.01, "power": 2.0}),
        ("PolynomialDecay", {"decay_steps": 4, "end_learning_rate": 0.01, "cycle": True}),
    ],
)
def test_a_schedule_gives_every_step_the_rate_that_keras_gives_it(around, schedules, name, settings):
    """Beyond its end, too."""
    schedule = getattr(schedules, name)(initial_learning_rate=0.2, **settings)

    rate = around.rate_of(schedule, way_out="no way")

    assert [pytest.approx(float(schedule(step)), rel=1e-5, abs=1e-8) for step in range(14)] == list(
        map(rate, range(14))
    )


def test_a_boundary_belongs_to_the_steps_before_it(around, schedules):
    """As in Keras."""
    schedule = schedules.PiecewiseConstantDecay([2, 4], [0.3, 0.2, 0.1])

    rate = around.rate_of(schedule, way_out="no way")

    assert [0.3, 0.3, 0.3, 0.2, 0.2, 0.1] == list(map(rate, range(6)))


def test_a_rate_that_grows_without_end_becomes_infinite(around, schedules):
    """As somebody who looks for the best rate lets it grow; no error of arithmetic."""
    schedule = schedules.ExponentialDecay(1e-6, 10, 1.5)

    assert float("inf") == around.rate_of(schedule, way_out="no way")(10_000_000)


def test_a_schedule_that_is_not_known_is_named(around, schedules):
    """It may do anything."""
    schedule = schedules.CosineDecayRestarts(0.1, 10)

    with pytest.raises(UnsupportedCell, match="no schedule that is known to be CosineDecayRestarts; see that one"):
        around.rate_of(schedule, way_out="see that one")


def test_a_users_own_schedule_is_not_taken_for_keras_of_the_same_name(around, schedules):
    """It inherits the settings, and may do anything with them."""

    class CosineDecay(schedules.CosineDecay):
        pass

    with pytest.raises(UnsupportedCell, match="no schedule that is known to be CosineDecay"):
        around.rate_of(CosineDecay(0.1, 10), way_out="no way")


def hurried(keras, schedule):
    """Return a schedule as checks pass through it."""
    from bench.verify.float64 import hurry

    optimizer = keras.optimizers.SGD(schedule)
    hurry(optimizer)
    return optimizer._learning_rate


def test_a_schedule_that_a_check_hurries_along_is_hurried_here_too(around, keras, schedules):
    """Or a loop of PyTorch's would be held against another training."""
    schedule = hurried(keras, schedules.CosineDecay(0.1, 1000))

    rate = around.rate_of(schedule, way_out="no way")

    assert [pytest.approx(float(schedule(step)), rel=1e-5, abs=1e-8) for step in range(14)] == list(
        map(rate, range(14))
    )
    assert rate(7) > 0.099
    assert rate(12) < 0.01


@pytest.mark.parametrize("growth", [1.3, 1e6])
def test_a_schedule_that_grows_is_hurried_no_further_than_training_goes(around, keras, schedules, growth):
    """As somebody who looks for the best rate lets it grow: all loops ended in what is no number."""
    schedule = hurried(keras, schedules.ExponentialDecay(1e-4, 10, growth))

    rate = around.rate_of(schedule, way_out="no way")

    rates = [float(schedule(step)) for step in range(14)]
    assert rates == pytest.approx(list(map(rate, range(14))), rel=1e-4)
    assert rates == sorted(rates)
    assert rates[-1] <= max(1.0, 1e-4 * growth**1.3)


@pytest.mark.slow  # Keras imports TensorFlow to write an optimizer's schedule down
@pytest.mark.parametrize("settings", [{}, {"clipnorm": 0.5}, {"global_clipnorm": 0.5}])
def test_clipping_and_a_schedule_together_take_the_steps_of_keras(keras, torch, schedules, settings):
    """AdamW, whose decay follows the rate; two weights, so that the two norms are two things."""
    schedule = schedules.CosineDecay(0.05, 6)
    compiled = keras.optimizers.AdamW(schedule, weight_decay=0.1, **settings)
    start = [np.array([1.0, -2.0, 0.5], np.float32), np.array([0.2, 3.0], np.float32)]
    variables = [keras.Variable(one) for one in start]
    made = translated(keras, torch, compiled, weights=start)
    random = np.random.default_rng(3)

    for _ in range(8):
        gradients = [torch.from_numpy(random.normal(size=one.shape).astype(np.float32)) for one in start]
        compiled.apply([one.clone() for one in gradients], variables)
        for parameter, gradient in zip(made.param_groups[0]["params"], gradients, strict=True):
            parameter.grad = gradient
        made.step()

    for variable, parameter in zip(variables, made.param_groups[0]["params"], strict=True):
        np.testing.assert_allclose(variable.value.detach().numpy(), parameter.detach().numpy(), rtol=2e-4)


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm"])
def test_a_norm_beside_which_what_pytorch_adds_counts_is_refused(keras, torch, name):
    """It adds 1e-6 to what it divides by."""
    compiled = keras.optimizers.SGD(0.1, **{name: 1e-3})

    with pytest.raises(UnsupportedCell, match=f"adds 1e-6 to the norm, which counts beside {name}=0.001"):
        translated(keras, torch, compiled, weights=[[1.0]])
