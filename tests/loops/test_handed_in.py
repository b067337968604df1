"""A model and arrays in memory, written down and made anew: what a fresh process gets is what was handed in."""

import json
import os
import re
import time

import numpy as np
import pytest

from loops import handed_in, user_file
from loops.contract import Samples
from loops.errors import InvalidWorkload

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation", "ignore:`build..` was called on layer")
"""Keras' own, on PyTorch, and of layers that have no `build`, as people write them."""

X, Y = np.arange(24, dtype=np.float32).reshape(8, 3), np.arange(8, dtype=np.float32).reshape(8, 1)


def compiled(keras, *layers, **options):
    """Return a small model that is compiled."""
    model = keras.Sequential([keras.Input((3,)), *(layers or [keras.layers.Dense(1)])])
    model.compile(**{"optimizer": "adam", "loss": "mse"} | options)
    return model


def hand_in(model, cache, *, x=X, y=Y, weights=None, validation=None, batch_size=None, name=None):
    """Write a model and arrays down."""
    training = Samples(inputs=x, targets=y, weights=weights)
    return handed_in.hand_in(
        model, training, validation, batch_size=batch_size, name=name, cache=cache, most_bytes=1 << 20
    )


def test_a_model_comes_back_with_its_weights_and_arrays(keras, tmp_path):
    """In a file that is a workload like any that a user writes."""
    model = compiled(keras)

    file = hand_in(model, tmp_path, validation=Samples(inputs=X[:2], targets=Y[:2]), batch_size=4, name="mine")

    found = user_file.read(str(file))
    assert ("workload", "mine", 4, True) == (found.kind, found.name, found.batch_size, found.says_batch_size)
    again, (training, validation) = handed_in.model(file.parent), handed_in.data(file.parent)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    assert again.compiled
    assert np.array_equal(X, training.inputs)
    assert np.array_equal(Y[:2], validation.targets)


@pytest.mark.parametrize(
    ("x", "y", "weights"),
    [
        ({"a": X, "b": X[:, :1]}, Y, None),
        ([X, X], Y, None),
        (X, (Y, Y), np.ones(8)),
        (X, None, None),
    ],
)
def test_arrays_come_back_in_whatever_form_fit_takes_them(keras, tmp_path, x, y, weights):
    """Dicts, lists, tuples, weights and no targets; a validation of none has no rows."""
    file = hand_in(compiled(keras), tmp_path, x=x, y=y, weights=weights)

    training, validation = handed_in.data(file.parent)
    assert (8, 0) == (training.count, validation.count)
    assert (y is None, weights is None) == (training.targets is None, training.weights is None)
    if isinstance(x, dict):
        assert {"a", "b"} == set(training.inputs)


def test_the_same_model_and_arrays_are_the_same_workload(keras, tmp_path):
    """Measuring again costs no second copy; other weights, arrays or sizes are others."""
    model = compiled(keras)
    first = hand_in(model, tmp_path)

    assert first == hand_in(model, tmp_path)
    others = {hand_in(model, tmp_path, batch_size=4), hand_in(model, tmp_path, x=X + 1)}
    model.set_weights([weight + 1.0 for weight in model.get_weights()])
    others.add(hand_in(model, tmp_path))
    assert 4 == len({first, *others})


def test_what_nobody_has_handed_in_for_a_month_is_forgotten(keras, tmp_path):
    """A gigabyte for each model would fill a disk; what was handed in again counts from then on."""
    model = compiled(keras)
    old, again = (hand_in(model, tmp_path, name=name).parent for name in ("old", "again"))
    for folder in (old, again):
        os.utime(folder, (0.0, time.time() - handed_in.KEPT_SECONDS - 1.0))

    hand_in(model, tmp_path, name="again")

    assert [again] == list(tmp_path.glob(f"{handed_in.FOLDER}*"))


def test_classes_and_functions_of_a_notebook_are_handed_in(keras, tmp_path):
    """A layer with its own initializer, a model whose `__init__` takes no `name`, a loss, a metric and a lambda."""
    ops = keras.ops

    def ones(shape, dtype=None):
        return ops.ones(shape, dtype=dtype)

    class Scale(keras.layers.Layer):
        def build(self, shape):
            self.factor = self.add_weight(shape=(shape[-1],), initializer=ones)

        def call(self, inputs):
            return half(inputs) * self.factor

    def half(inputs):
        return inputs * 0.5

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.scale, self.dense = Scale(), keras.layers.Dense(3, activation=half)

        def call(self, inputs):
            return self.dense(self.scale(inputs))

    def loss(y, prediction):
        return ops.mean(ops.square(y - prediction))

    class Mine(keras.metrics.MeanAbsoluteError):
        pass

    model = Net()
    nameless = lambda y, prediction: ops.mean(ops.abs(y - prediction))  # noqa: E731 - what a notebook has
    model.compile(optimizer="adam", loss=loss, metrics=[Mine(name="mine"), nameless])
    model(X)

    file = hand_in(model, tmp_path)

    assert {"Net", "Scale", "Mine", "loss", "half", "lambda_0"} == set(handed_in.own_objects(model))
    assert "<lambda>" == nameless.__name__
    again = handed_in.model(file.parent)
    assert np.allclose(model(X).detach().numpy(), again(X).detach().numpy())


def test_a_function_may_build_the_model(keras, tmp_path):
    """For what Keras cannot save."""

    def make_model():
        return compiled(keras)

    file = hand_in(make_model, tmp_path)

    assert "make_model" == user_file.read(str(file)).name
    assert handed_in.model(file.parent).compiled


def test_a_pipeline_is_drained_and_its_batch_size_is_taken(keras, tmp_path):
    """As `fit()` takes it."""

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            rows = slice(4 * index, 4 * index + 4)
            return X[rows], Y[rows]

    file = hand_in(compiled(keras), tmp_path, x=Batches(), y=None)

    assert 4 == user_file.read(str(file)).batch_size
    assert np.array_equal(X, handed_in.data(file.parent)[0].inputs)
    with pytest.raises(InvalidWorkload, match="x is a pipeline, which holds y and weights itself"):
        hand_in(compiled(keras), tmp_path, x=Batches(), y=Y)


def test_what_cannot_be_trained_is_refused_where_it_was_handed_in(keras, tmp_path):
    """In one sentence, before any process is started."""
    uncompiled = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])

    with pytest.raises(InvalidWorkload, match=re.escape('not compiled; call compile(optimizer="adam"')):
        hand_in(uncompiled, tmp_path)
    with pytest.raises(InvalidWorkload, match="a dict is no model of Keras 3"):
        hand_in({}, tmp_path)
    with pytest.raises(InvalidWorkload, match=r"bench\.measure: not one row per sample: x has 8, y has 7"):
        hand_in(compiled(keras), tmp_path, y=Y[:7])
    assert [] == list(tmp_path.iterdir())


def test_what_keras_forgets_of_a_model_is_refused(keras, tmp_path):
    """It would make one with the defaults, and say nothing; a layer's arguments it notes."""

    class Wide(keras.layers.Layer):
        def __init__(self, units=1):
            super().__init__()
            self.dense = keras.layers.Dense(units)

        def call(self, inputs):
            return self.dense(inputs)

    class Net(keras.Model):
        def __init__(self, units=2):
            super().__init__()
            self.dense = Wide(units)

        def call(self, inputs):
            return self.dense(inputs)

    class Noted(Net):
        def get_config(self):
            return {"units": 5}

    def of(model):
        model.compile(optimizer="adam", loss="mse")
        model(X)
        return model

    said = r"class Net takes units, which Keras does not note of models; write get_config\(\) in it, or give a function"
    with pytest.raises(InvalidWorkload, match=said):
        hand_in(of(Net(units=5)), tmp_path)
    assert 5 == handed_in.model(hand_in(of(Noted(units=5)), tmp_path).parent).dense.dense.units
    again = handed_in.model(hand_in(compiled(keras, Wide(units=4)), tmp_path).parent)
    assert 4 == again.layers[0].dense.units


def test_what_keras_cannot_save_says_what_to_do_instead(keras, tmp_path):
    """It notes arguments of layers that it can write down, and no others."""

    class Held(keras.layers.Layer):
        def __init__(self, thing):
            super().__init__()
            self.thing = thing

        def call(self, inputs):
            return inputs

    with pytest.raises(InvalidWorkload, match=r"Keras cannot save this model: .*; give a function that builds"):
        hand_in(compiled(keras, Held(object())), tmp_path)


def test_modules_beside_a_notebook_are_found_in_another_process(keras, tmp_path, monkeypatch):
    """Its folders are handed over; those of the installation are not, which another interpreter has itself."""
    beside = tmp_path / "beside"
    beside.mkdir()
    monkeypatch.syspath_prepend(str(beside))

    def make_model():
        return compiled(keras)

    file = hand_in(make_model, tmp_path)

    folders = json.loads((file.parent / handed_in.MODULES).read_text())
    assert str(beside) in folders
    assert not any("site-packages" in folder for folder in folders)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("my_net", "my_net"),
        ("functional 1", "functional-1"),
        ("../x", "x"),
        ("äß", "model"),
        ("mnist-mlp", "my-mnist-mlp"),
    ],
)
def test_any_name_becomes_one_that_a_file_can_have(keras, tmp_path, given, name):
    """And that is none of ours."""
    assert name == user_file.read(str(hand_in(compiled(keras), tmp_path, name=given))).name
