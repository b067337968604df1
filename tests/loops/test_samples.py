"""Samples of any nesting: how many, which rows, and what a batch is cut from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loops.nested import leaves
from loops.samples import Samples

X, Y, W = np.arange(12.0).reshape(6, 2), np.arange(6), np.linspace(0.0, 1.0, 6)
NESTED = Samples(inputs={"a": X, "b": (Y, W)}, targets=(Y, {"left": X}), weights=(W, W))


@pytest.mark.parametrize("inputs", [X, {"a": X, "b": Y}, (X, Y), {"deep": ((X,), Y)}])
def test_samples_are_counted_by_their_first_array(inputs):
    """However they are nested."""
    assert 6 == Samples(inputs=inputs, targets=Y).count


def test_no_rows_are_no_samples():
    """That is how a workload says that it validates nothing."""
    assert 0 == Samples(inputs=X, targets=Y).rows(slice(0, 0)).count


@pytest.mark.parametrize(
    ("targets", "one_hot"),
    [
        (Y, False),
        (np.zeros((6, 1)), False),
        (np.zeros((6, 2)), True),
        (np.zeros((6, 4, 3)), True),
        ((np.zeros((6, 2)), Y), False),
        ({"a": np.zeros((6, 2))}, False),
        (None, False),
    ],
)
def test_rows_of_classes_are_told_from_numbers(targets, one_hot):
    """A column is a regression; of several outputs, and of none, nothing is said."""
    assert one_hot is Samples(inputs=X, targets=targets).one_hot


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"targets": Y}, ("inputs", "targets")),
        ({"targets": None}, ("inputs",)),
        ({"targets": Y, "weights": W}, ("inputs", "targets", "weights")),
        ({"targets": None, "weights": W}, ("inputs", "weights")),
        ({"targets": Y, "latents": X}, ("inputs", "targets", "latents")),
        ({"targets": Y, "weights": W, "latents": X}, ("inputs", "targets", "weights", "latents")),
    ],
)
def test_a_batch_is_cut_from_what_there_is(fields, names):
    """In the order in which loops take it."""
    samples = Samples(inputs=X, **fields)

    assert [id(getattr(samples, name)) for name in names] == [id(array) for array in samples.arrays]


@given(st.integers(min_value=-8, max_value=8), st.integers(min_value=-8, max_value=8))
def test_rows_are_those_of_every_array_and_nothing_is_copied(start, stop):
    """As Python cuts a list."""
    part = NESTED.rows(slice(start, stop))

    for whole, cut in zip(_leaves(NESTED), _leaves(part), strict=True):
        np.testing.assert_array_equal(whole[start:stop], cut)
        assert not len(cut) or np.shares_memory(whole, cut)
    assert len(range(6)[start:stop]) == part.count


def test_rows_of_rows_are_rows():
    """Cut twice, it is what it is cut from once."""
    np.testing.assert_array_equal(X[2:4], NESTED.rows(slice(1, 5)).rows(slice(1, 3)).inputs["a"])


def test_a_function_is_applied_to_every_array_and_the_nesting_stays():
    """Lists become tuples, as tf.data wants them; what is not there stays away."""
    found = Samples(inputs=[X, Y], targets=None, latents=X).map(lambda array: array + 1)

    assert (None, None, tuple) == (found.targets, found.weights, type(found.inputs))
    np.testing.assert_array_equal(X + 1, found.inputs[0])
    np.testing.assert_array_equal(Y + 1, found.inputs[1])
    np.testing.assert_array_equal(X + 1, found.latents)


def test_names_of_several_inputs_stay():
    """They are what the model knows them by."""
    assert ["a", "b"] == list(NESTED.map(lambda array: array).inputs)


def _leaves(samples):
    """Return all arrays, in order."""
    return [leaf for part in samples.arrays for leaf in leaves(part)]


@pytest.mark.parametrize(
    ("samples", "handed"),
    [
        (Samples(inputs=X, targets=None), X),
        (Samples(inputs=(X, Y), targets=None), ((X, Y),)),
        (Samples(inputs=X, targets=Y), (X, Y)),
        (Samples(inputs=X, targets=Y, weights=W), (X, Y, W)),
    ],
    ids=["one input", "two inputs", "targets", "weights"],
)
def test_a_training_step_gets_inputs_alone_without_a_tuple_around_them(samples, handed):
    """As Keras packs what `fit()` was given."""
    assert handed is samples.for_fit or len(handed) == len(samples.for_fit)
    assert all(one is other for one, other in zip(leaves(handed), leaves(samples.for_fit), strict=True))
