"""What `compile()` was given, in PyTorch's own terms: the same numbers, or the reason why not."""

from types import SimpleNamespace

import numpy as np
import pytest

from loops.errors import UnsupportedCell

# NumPy's, about how PyTorch's tensors become arrays in Keras.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WAY_OUT = "; see torch-keras, which trains with Keras' own"
STEPS = 4


@pytest.fixture(scope="module")
def translate(keras):
    """Return the module, which imports both."""
    from loops import keras_to_torch

    return keras_to_torch


@pytest.fixture
def refused(translate, torch):
    """Return a function that has an optimizer refused, and returns why."""

    def refuse(compiled, **options):
        with pytest.raises(UnsupportedCell) as caught:
            translate.optimizer(compiled, [torch.nn.Parameter(torch.ones(2))], **options)
        return str(caught.value)

    return refuse


@pytest.mark.parametrize(
    ("name", "settings", "kind"),
    [
        ("SGD", {}, "SGD"),
        ("SGD", {"momentum": 0.9}, "SGD"),
        ("SGD", {"momentum": 0.9, "nesterov": True}, "SGD"),
        ("SGD", {"nesterov": True}, "SGD"),
        ("SGD", {"weight_decay": 0.01}, "SGD"),
        ("Adam", {}, "Adam"),
        ("Adam", {"beta_1": 0.5, "beta_2": 0.9}, "Adam"),
        ("Adam", {"amsgrad": True}, "Adam"),
        ("Adam", {"weight_decay": 0.01}, "AdamW"),
        ("AdamW", {}, "AdamW"),
        ("Nadam", {}, "NAdam"),
        ("Adamax", {}, "Adamax"),
        ("Adagrad", {}, "Adagrad"),
        ("Adadelta", {}, "Adadelta"),
        ("SGD", {"clipnorm": 0.5}, "SGD"),
        ("SGD", {"clipnorm": 0.5, "momentum": 0.9}, "SGD"),
        ("SGD", {"clipvalue": 0.5}, "SGD"),
        ("AdamW", {"global_clipnorm": 0.5}, "AdamW"),
    ],
)
def test_an_optimizer_takes_the_same_steps(translate, torch, keras, name, settings, kind):
    """On the same gradients, with every setting that was given."""
    compiled = getattr(keras.optimizers, name)(learning_rate=0.05, **settings)
    start = np.array([1.0, -2.0, 0.5], np.float32)
    gradients = np.random.default_rng(3).normal(size=(STEPS, 3)).astype(np.float32)
    variable = keras.Variable(start)
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    made = translate.optimizer(compiled, [parameter])

    for gradient in gradients:
        compiled.apply([torch.from_numpy(gradient)], [variable])
        parameter.grad = torch.from_numpy(gradient)
        made.step()

    assert kind == type(made).__name__
    np.testing.assert_allclose(variable.value.detach().numpy(), parameter.detach().numpy(), rtol=2e-4)


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("Ftrl", {}, "torch.optim has no Ftrl"),
        ("Lion", {}, "torch.optim has no Lion"),
        ("Adam", {"gradient_accumulation_steps": 2}, "torch.optim has no gradient_accumulation_steps"),
        ("Adam", {"loss_scale_factor": 8.0}, "torch.optim has no loss_scale_factor"),
        ("SGD", {"use_ema": True}, "torch.optim keeps no averages of the weights (use_ema)"),
    ],
)
def test_what_pytorch_has_no_word_for_is_refused_by_its_name(refused, keras, name, settings, reason):
    """With the loop that can train it."""
    assert reason + WAY_OUT == refused(getattr(keras.optimizers, name)(0.1, **settings))


@pytest.mark.parametrize(("name", "settings"), [("SGD", {"momentum": 0.9}), ("Nadam", {}), ("Adagrad", {})])
def test_weight_decay_that_is_another_thing_is_refused(refused, keras, name, settings):
    """In torch.optim it would go through the moments."""
    said = refused(getattr(keras.optimizers, name)(0.1, weight_decay=0.01, **settings))

    assert said.startswith(f"weight_decay of {name} is another thing in torch.optim")


@pytest.mark.slow  # Keras imports TensorFlow to write a schedule down
def test_momentum_under_a_schedule_is_another_thing(refused, keras):
    """In Keras, the velocity holds the learning rate of each step; in PyTorch, that of the last one multiplies it."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([5], [0.1, 0.01])

    assert refused(keras.optimizers.SGD(schedule, momentum=0.9)).startswith(
        "momentum under a schedule is another thing"
    )


def test_weights_that_do_not_decay_are_keras_only(refused, keras):
    """They are told by their variables' names."""
    compiled = keras.optimizers.AdamW(0.1)
    compiled.exclude_from_weight_decay(var_names=["bias"])

    assert refused(compiled).startswith("which weights decay and which do not is written for Keras' optimizer only")


def test_a_loss_scale_is_told_in_words(refused, keras):
    """And not by the name of Keras' wrapper."""
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))

    assert "torch.optim has no loss scale, as float16 needs one" + WAY_OUT == refused(scaled)


def test_an_optimizer_of_the_users_own_is_refused_though_its_name_is_known(refused, keras):
    """A class called Adam may do anything."""

    class Adam(keras.optimizers.SGD):
        pass

    assert "torch.optim has no Adam" + WAY_OUT == refused(Adam(0.1))


@pytest.mark.parametrize(("name", "settings"), [("RMSprop", {}), ("Adagrad", {"initial_accumulator_value": 1e-8})])
def test_an_epsilon_that_stands_elsewhere_is_refused(refused, keras, name, settings):
    """Where it counts."""
    assert f"{name} of torch.optim adds epsilon" in refused(getattr(keras.optimizers, name)(0.1, **settings))


def test_an_option_of_the_loop_that_the_optimizer_has_not_is_refused(refused, keras):
    """It is what the loop is about."""
    assert ("Adamax of torch.optim has no 'fused', which this loop is about; see torch-native") == refused(
        keras.optimizers.Adamax(0.1), fused=True
    )


def test_an_option_of_the_loop_reaches_the_optimizer(translate, torch, keras):
    """Beside the settings."""
    made = translate.optimizer(keras.optimizers.SGD(0.25), [torch.nn.Parameter(torch.ones(2))], foreach=True)

    assert (True, 0.25) == (made.defaults["foreach"], made.defaults["lr"])


@pytest.fixture
def compiled(keras):
    """Return a function that compiles and builds a model of one layer with a loss."""

    def make(loss, *, units=3, shape=(4,), **settings):
        model = keras.Sequential([keras.Input(shape), keras.layers.Dense(units)])
        model.compile(optimizer="sgd", loss=loss, **settings)
        sparse = isinstance(loss, keras.losses.SparseCategoricalCrossentropy)
        targets = np.zeros((2, *shape[:-1], *([] if sparse else [units])), np.float32)
        model._symbolic_build(data_batch=(np.zeros((2, *shape), np.float32), targets))
        return model

    return make


def ours(translate, model, *, targets, weighted=False, named=None, masked=False, outputs=2):
    """Return what computes a model's loss in PyTorch."""
    return translate.loss(model, named=named, weighted=weighted, masked=masked, targets=targets, outputs=outputs)


CLASSES = np.array([0, 2, 1, 2], np.int64)
ROWS = np.eye(3, dtype=np.float32)[CLASSES]
NUMBERS = np.array([[0.5, 1.0, 0.0], [0.0, 0.25, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.5]], np.float32)
LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 0.3, -3.0], [1.0, 4.0, -2.0], [0.1, 0.2, 0.3]], np.float32)
SHARES = np.array([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25], [0.0, 1.0, 0.0], [0.2, 0.2, 0.6]], np.float32)
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5], np.float32)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize(
    ("name", "settings", "outputs", "targets"),
    [
        ("SparseCategoricalCrossentropy", {"from_logits": True}, LOGITS, CLASSES),
        ("SparseCategoricalCrossentropy", {}, SHARES, CLASSES),
        ("SparseCategoricalCrossentropy", {}, SHARES, CLASSES[:, None]),
        ("CategoricalCrossentropy", {"from_logits": True}, LOGITS, ROWS),
        ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, LOGITS, ROWS),
        ("CategoricalCrossentropy", {"label_smoothing": 0.1}, SHARES, ROWS),
        ("BinaryCrossentropy", {"from_logits": True}, LOGITS, ROWS),
        ("BinaryCrossentropy", {"label_smoothing": 0.2}, SHARES, ROWS),
        ("MeanSquaredError", {}, LOGITS, NUMBERS),
        ("MeanAbsoluteError", {}, LOGITS, NUMBERS),
        ("Huber", {"delta": 0.75}, LOGITS, NUMBERS),
    ],
)
def test_a_loss_is_the_same_number(
    translate, torch, keras, compiled, name, settings, outputs, targets, reduction, weights
):
    """Of logits and shares, classes and rows, with weights and without, as a mean and as a sum."""
    loss = getattr(keras.losses, name)(reduction=reduction, **settings)
    expected = float(loss(targets, outputs, weights))

    made = ours(translate, compiled(loss), targets=targets, weighted=weights is not None)
    found = made(*(torch.from_numpy(array) for array in (outputs, targets, weights) if array is not None))

    assert expected == pytest.approx(float(found), rel=1e-5)


def test_a_column_of_targets_may_lack_its_axis(translate, torch, compiled):
    """(batch,) beside (batch, 1) is a column and not a matrix, either way round."""
    outputs, targets = np.array([[1.0], [2.0]], np.float32), np.array([0.0, 4.0], np.float32)
    made = ours(translate, compiled("mse", units=1), targets=targets)

    assert 2.5 == float(made(torch.from_numpy(outputs), torch.from_numpy(targets)))
    assert 2.5 == float(made(torch.from_numpy(outputs[:, 0]), torch.from_numpy(targets[:, None])))


def test_weights_of_samples_count_for_each_of_their_steps(translate, torch, compiled):
    """A sequence has a loss a step."""
    outputs, targets = np.ones((2, 5, 3), np.float32), np.zeros((2, 5, 3), np.float32)
    made = ours(translate, compiled("mse", shape=(5, 4)), targets=targets, weighted=True, outputs=3)

    assert 0.5 == float(made(*map(torch.from_numpy, (outputs, targets, np.array([1.0, 0.0], np.float32)))))


@pytest.mark.parametrize(
    ("loss", "targets", "kind"),
    [
        ("sparse", CLASSES, "CrossEntropyLoss"),
        ("sparse", CLASSES.astype(np.uint8), "_Reduced"),
        ("sparse", CLASSES[:, None], "_Reduced"),
        ("rows", ROWS, "CrossEntropyLoss"),
        ("rows", ROWS.astype(np.float64), "_Reduced"),
        ("mse", NUMBERS, "MSELoss"),
        ("mse", NUMBERS[:, 0], "_Reduced"),
        ("mae", NUMBERS, "_Reduced"),
    ],
)
def test_where_the_arrays_allow_it_pytorch_does_it_all(translate, keras, compiled, loss, targets, kind):
    """As its tutorials write it; elsewhere what has to be turned is turned."""
    asked = {
        "sparse": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "rows": keras.losses.CategoricalCrossentropy(from_logits=True),
    }.get(loss, loss)

    assert kind == type(ours(translate, compiled(asked), targets=targets)).__name__
    assert "_Reduced" == type(ours(translate, compiled(asked), targets=targets, weighted=True)).__name__


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("LogCosh", {}, "torch.nn has no log_cosh, and no loss of it is known to compute what the model's does"),
        ("MeanSquaredError", {"reduction": "mean_with_sample_weight"}, "torch.nn has no mean_squared_error, and no"),
        ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "a class that is ignored, or another axis of classes"),
        ("CategoricalCrossentropy", {"axis": 1}, "another axis of classes than the last is Keras' only"),
        ("BinaryCrossentropy", {"axis": 1}, "another axis than the last is Keras' only"),
    ],
)
def test_a_loss_that_pytorch_has_not_is_refused(translate, keras, compiled, name, settings, reason):
    """By its name, with the loop that can train it."""
    model = compiled(getattr(keras.losses, name)(**settings))

    with pytest.raises(UnsupportedCell) as caught:
        ours(translate, model, targets=NUMBERS)

    assert str(caught.value).startswith(reason)
    assert str(caught.value).endswith(WAY_OUT)


def test_a_loss_of_the_users_own_is_refused_though_its_name_is_known(translate, compiled):
    """A function called `huber` may compute anything."""

    def huber(targets, outputs):
        return 0.0 * (targets - outputs)

    with pytest.raises(UnsupportedCell, match=r"torch\.nn has no huber"):
        ours(translate, compiled(huber), targets=NUMBERS)


def test_a_loss_that_the_user_names_is_taken(translate, torch, compiled):
    """And refused by that name where it is none."""
    model = compiled("log_cosh")

    made = ours(translate, model, targets=NUMBERS, named="SmoothL1Loss")
    assert isinstance(made, torch.nn.SmoothL1Loss)
    with pytest.raises(UnsupportedCell, match=r"^torch\.nn has no SmothLoss, and"):
        ours(translate, model, targets=NUMBERS, named="SmothLoss")


def test_masks_and_several_losses_are_keras_only(translate, compiled):
    """PyTorch's losses know neither."""
    with pytest.raises(UnsupportedCell, match=r"^torch\.nn knows no masks"):
        ours(translate, compiled("mse"), targets=NUMBERS, masked=True)
    with pytest.raises(UnsupportedCell, match=r"^torch\.nn has one loss for one output"):
        ours(translate, compiled("mse", loss_weights=0.5), targets=NUMBERS)


def scored(translate, torch, metric, *arrays):
    """Return the scores of samples as a list."""
    return translate.scores(metric)(*map(torch.from_numpy, arrays)).tolist()


def test_a_score_is_that_of_each_sample_times_its_weight(translate, torch, keras):
    """Whether the class is right."""
    metric = keras.metrics.SparseCategoricalAccuracy()

    assert [1.0, 0.0, 1.0, 1.0] == scored(translate, torch, metric, LOGITS, CLASSES)
    assert [1.0, 0.0, 1.0, 1.0] == scored(translate, torch, metric, LOGITS, CLASSES[:, None])
    assert [1.0, 0.0, 2.0, 0.5] == scored(translate, torch, metric, LOGITS, CLASSES, WEIGHTS)


def test_a_score_of_a_column_takes_targets_without_their_axis(translate, torch, keras):
    """A matrix of all with all would be another number."""
    outputs, targets = np.array([[1.0], [2.0]], np.float32), np.array([0.0, 4.0], np.float32)

    assert [1.0, 2.0] == scored(translate, torch, keras.metrics.MeanAbsoluteError(), outputs, targets)


def test_a_score_keeps_the_settings_of_its_metric(translate, torch, keras):
    """Of three classes, the best two."""
    metric = keras.metrics.SparseTopKCategoricalAccuracy(k=2)

    assert [1.0, 0.0, 1.0, 1.0] == scored(translate, torch, metric, LOGITS, CLASSES)


def test_steps_of_a_sequence_make_one_score(translate, torch, keras):
    """Their mean."""
    outputs, targets = np.zeros((2, 2, 1), np.float32), np.array([[[1.0], [3.0]], [[0.0], [0.0]]], np.float32)

    assert [2.0, 0.0] == scored(translate, torch, keras.metrics.MeanAbsoluteError(), outputs, targets)


def test_a_metric_that_is_no_mean_over_samples_is_called_itself(translate, keras):
    """Nor is one that counts in a way of its own, or anything else."""

    class Own(keras.metrics.MeanMetricWrapper):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return None

    own = Own(keras.metrics.mean_absolute_error)
    assert [None] * 3 == [translate.scores(one) for one in (keras.metrics.AUC(), own, SimpleNamespace())]
