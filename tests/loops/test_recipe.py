"""Losses, metrics and optimizers of Keras in the forms that hand-written loops take them in."""

from types import SimpleNamespace

import numpy as np
import pytest

from loops.contract import Workload
from loops.errors import UnsupportedCell

# NumPy's, about how PyTorch's tensors become arrays in Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Recipe(Workload):
    """As much of a workload as its optimizer needs."""

    name, optimizer, learning_rate = "mine", "SGD", 0.25
    samples = build_model = build_loss = build_metric = None


def said(optimizer="SGD", **attributes):
    """Return a workload whose class says so."""
    return type("Mine", (Recipe,), {"__abstractmethods__": frozenset(), "optimizer": optimizer, **attributes})()


@pytest.fixture(scope="module")
def recipe(keras):
    """Return the module, which imports Keras."""
    from loops import recipe

    return recipe


@pytest.fixture
def model(keras):
    """Return a function that compiles and builds a model of one layer: ``model(loss="mse", outputs=2)``."""

    def make(*, kind=None, outputs=1, units=1, **compiled):
        inputs = keras.Input((3,))
        layers = [keras.layers.Dense(units, name=f"out{number}")(inputs) for number in range(outputs)]
        made = (kind or keras.Model)(inputs, layers if outputs > 1 else layers[0])
        made.compile(optimizer="sgd", **compiled)
        x, y = np.zeros((2, 3), np.float32), np.zeros((2, units), np.float32)
        made._symbolic_build(data_batch=(x, [y] * outputs if outputs > 1 else y, np.ones(2, np.float32)))
        return made

    return make


def test_an_optimizer_is_made_by_its_name_and_rate(recipe):
    """What the class says beside them is used."""
    made = recipe.optimizer_of(said(momentum=0.5, nesterov=True, clipnorm=1.0))

    assert ("SGD", 0.25, 0.5, True, 1.0) == (
        type(made).__name__,
        float(made.learning_rate),
        made.momentum,
        made.nesterov,
        made.clipnorm,
    )


def test_what_any_workload_says_is_no_setting_of_an_optimizer(recipe):
    """Its name is the workload's and not the optimizer's; other attributes are nobody's."""
    made = recipe.optimizer_of(said(favourite_colour="blue", batch_size=3))

    assert "mine" != made.name


@pytest.mark.parametrize("name", ["Sgd", "Adamm", "", "adam"])
def test_an_optimizer_that_keras_has_not_is_refused_by_its_name(recipe, name):
    """As it was written."""
    with pytest.raises(UnsupportedCell, match=f"^keras.optimizers has no '{name}'$"):
        recipe.optimizer_of(said(name))


def test_an_optimizer_that_a_workload_has_is_not_the_one_that_trains(recipe, keras):
    """Each loop gets another one of the same settings, which has done nothing yet."""
    theirs = keras.optimizers.Adam(0.125, beta_1=0.5)
    theirs.build([keras.Variable(np.ones(2, np.float32))])
    theirs.iterations.assign(7)

    made = recipe.optimizer_of(said(theirs))

    assert made is not theirs
    assert (0.125, 0.5, 0) == (float(made.learning_rate), made.beta_1, int(made.iterations))


@pytest.mark.parametrize(("policy", "scales"), [("mixed_float16", True), ("mixed_bfloat16", False), ("float32", False)])
def test_only_float16_needs_a_loss_scale(recipe, keras, policy, scales):
    """As `compile()` does it, and once."""
    plain = keras.optimizers.SGD(0.1)

    made = recipe.scaled(plain, policy=policy)

    assert scales == isinstance(made, keras.optimizers.LossScaleOptimizer)
    assert scales == (made is not plain)
    assert made is recipe.scaled(made, policy=policy)


def test_a_loss_is_had_from_a_name_a_function_or_an_object(recipe, keras):
    """All of them the same numbers."""
    targets, outputs = np.zeros((2, 1), np.float32), np.full((2, 1), 3.0, np.float32)
    forms = ["mse", keras.losses.mean_squared_error, keras.losses.MeanSquaredError()]

    assert [9.0] * 3 == [
        float(np.mean(keras.ops.convert_to_numpy(recipe.as_loss(one)(targets, outputs)))) for one in forms
    ]


@pytest.mark.parametrize(
    ("asked", "count"), [(None, 0), ([], 0), ([None], 0), ("mae", 1), (["mae", "mse"], 2), (("mae",), 1)]
)
def test_metrics_are_a_list_whatever_was_asked_for(recipe, asked, count):
    """One, several, or none; names are left to Keras, which knows the shapes."""
    found = recipe.as_metrics(asked)

    assert count == len(found)
    assert all(isinstance(metric, str) for metric in found)


def test_a_function_becomes_a_metric(recipe, keras):
    """An object of Keras stays the one that it is."""
    own = keras.metrics.MeanAbsoluteError()

    function, same = recipe.as_metrics([keras.metrics.mean_absolute_error, own])

    assert isinstance(function, keras.metrics.Metric)
    assert same is own


def test_without_metrics_nothing_is_counted(recipe):
    """Every call is answered, none does anything."""
    nothing = recipe.metrics_of(None, weighted=False)

    nothing.update_state(1, 2)
    nothing.reset_state()
    assert ({}, (), {}, [3]) == (
        nothing.result(),
        nothing.variables,
        nothing.stateless_result([]),
        nothing.stateless_update_state([3], 1, 2),
    )


def test_one_metric_is_keras_own(recipe, model):
    """Nothing stands between a loop and what it calls."""
    compiled = model(loss="mse", metrics=["mae"])._compile_metrics

    assert compiled.metrics[0] is recipe.metrics_of(compiled, weighted=False)


def test_several_metrics_are_one_object(recipe, model):
    """As are those that pass over the weights that a batch has."""
    two = model(loss="mse", metrics=["mae", "mse"])._compile_metrics
    unweighted = model(loss="mse", metrics=["mae"])._compile_metrics
    weighted = model(loss="mse", weighted_metrics=["mae"])._compile_metrics

    assert two is recipe.metrics_of(two, weighted=False)
    assert unweighted is recipe.metrics_of(unweighted, weighted=True)
    assert weighted.metrics[0] is recipe.metrics_of(weighted, weighted=True)


def test_copied_metrics_count_for_themselves(recipe, keras, model):
    """Of the same names and settings, and built for the shapes of the model."""
    made = model(loss="mse", units=4, metrics=[keras.metrics.TopKCategoricalAccuracy(k=2, name="top"), "mae"])
    batch = (np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32))

    copy = recipe.copied(made._compile_metrics)
    recipe.build_like(copy, model=made, batch=batch)

    assert ["top", "mae"] == [metric.name for metric in copy.metrics]
    assert 2 == copy.metrics[0]._fn_kwargs["k"]
    assert not {id(metric) for metric in copy.metrics} & {id(metric) for metric in made._compile_metrics.metrics}


def test_no_metrics_are_copied_as_none(recipe):
    """There is nothing to count."""
    assert recipe.copied(None) is None


def test_a_metric_that_does_not_tell_its_settings_is_not_copied(recipe, keras, model):
    """One with settings of its own and without `get_config` would count otherwise; with it, it is."""

    class Secret(keras.metrics.Mean):
        def __init__(self, factor=2.0, **options):
            super().__init__(**options)
            self.factor = factor

    class Open(Secret):
        def get_config(self):
            return super().get_config() | {"factor": self.factor}

    secret, known = (
        SimpleNamespace(_user_metrics=[kind(3.0)], _user_weighted_metrics=None, output_names=None)
        for kind in (Secret, Open)
    )

    assert recipe.copied(secret) is recipe.NOT_COPIED
    assert 3.0 == recipe.copied(known)._user_metrics[0].factor


@pytest.mark.parametrize(
    ("outputs", "compiled", "plain"),
    [
        (1, {"loss": "mse"}, True),
        (1, {"loss": "mse", "loss_weights": 0.5}, False),
        (2, {"loss": ["mse", "mae"]}, False),
        (1, {}, False),
    ],
)
def test_a_plain_loss_is_one_loss_of_one_output(recipe, model, outputs, compiled, plain):
    """Without a weight, and not the model's own."""
    assert plain == recipe.is_plain(model(outputs=outputs, **compiled))


def test_a_model_that_computes_its_loss_itself_has_no_plain_one(recipe, keras, model):
    """And one that writes its own step is told apart."""

    class OwnLoss(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **options):
            return keras.ops.mean(x) + keras.ops.mean(y_pred)

    class OwnStep(keras.Model):
        def train_step(self, data):
            return {}

    loss, step, neither = (model(kind=kind, loss="mse") for kind in (OwnLoss, OwnStep, keras.Model))

    assert (False, True, True) == tuple(recipe.is_plain(one) for one in (loss, step, neither))
    assert (True, False, False) == tuple(recipe.computes_own_loss(one) for one in (loss, step, neither))
    assert (False, True, False) == tuple(recipe.trains_itself(one) for one in (loss, step, neither))


def test_the_plain_loss_is_the_one_that_was_asked_for(recipe, keras, model):
    """With its settings."""
    found = recipe.plain_loss(model(loss=keras.losses.Huber(delta=0.5)))

    assert ("Huber", 0.5) == (type(found).__name__, found._fn_kwargs["delta"])


def test_a_loss_of_several_outputs_is_one_number(recipe, model):
    """Weighted by output and by sample, as `fit()` does it."""
    made = model(outputs=2, loss=["mse", "mae"], loss_weights=[1.0, 10.0])
    targets = [np.zeros((2, 1), np.float32)] * 2
    outputs = [np.array([[2.0], [4.0]], np.float32)] * 2

    loss = recipe.ModelLoss(made)

    assert 10.0 + 10.0 * 3.0 == pytest.approx(float(loss(targets, outputs)))
    assert 0.5 * (4.0 + 10.0 * 2.0) == pytest.approx(float(loss(targets, outputs, np.array([1.0, 0.0], np.float32))))


def test_a_loss_of_the_models_own_sees_the_inputs(recipe, keras, model):
    """A loop hands over targets only; the model remembers what it was called with."""

    class OwnLoss(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **options):
            return keras.ops.sum(x) + keras.ops.sum(y)

    made = model(kind=OwnLoss, loss="mse")
    loss = recipe.ModelLoss(made)
    outputs = made(np.ones((2, 3), np.float32))

    assert 6.0 + 4.0 == pytest.approx(float(loss(np.full((2, 1), 2.0, np.float32), outputs)))


def test_a_model_without_a_loss_adds_nought(recipe):
    """To which a loop adds what layers added."""
    assert 0.0 == float(recipe.NoLoss()(None, None))


def test_a_model_without_metrics_has_one_that_every_loop_can_call(recipe):
    """In JAX by its state, of which there is none."""
    metric = recipe.NoMetric()

    state = metric.stateless_update_state(metric.stateless_reset_state(), None, None)

    assert ([], {}, {}) == (state, metric.stateless_result(state), metric.result())
