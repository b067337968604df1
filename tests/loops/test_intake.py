"""What a user's `data()` returned, read as arrays or refused in one sentence."""

import numpy as np
import pytest

from loops import intake
from loops.contract import Samples
from loops.errors import InvalidWorkload

X, Y = np.arange(12, dtype=np.float32).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
TWO = np.zeros((6, 1), np.float32)


def read(returned, *, inputs=None):
    """Read what `data()` returned."""
    given = intake.read(returned, path="mine.py", inputs=inputs)
    return given.training, given.validation


@pytest.mark.parametrize(
    ("returned", "counts", "weighted"),
    [
        ((X, Y), (6, 0), False),
        ((X, Y, np.ones(6)), (6, 0), True),
        (((X, Y), (X[:2], Y[:2])), (6, 2), False),
        (((X, Y, np.ones(6)), (X[:2], Y[:2], np.ones(2))), (6, 2), True),
        (((X, Y), None), (6, 0), False),
        (({"a": X, "b": TWO}, Y), (6, 0), False),
        (([X, TWO], Y), (6, 0), False),
        (X, (6, 0), False),
    ],
)
def test_data_come_as_fit_takes_them(returned, counts, weighted):
    """Alone, with weights, with validation, several inputs as a dict or a list, and x alone."""
    training, validation = read(returned)

    assert counts == (training.count, validation.count)
    assert weighted == (training.weights is not None)


def test_two_tuples_of_arrays_are_inputs_and_targets_where_the_model_takes_so_many():
    """Of one length they may be read in two ways, and the model decides."""
    returned = ((X, Y), (X, Y))

    training, validation = read(returned, inputs=2)
    assert (6, 0, 2) == (training.count, validation.count, len(training.targets))
    assert (6, 6) == tuple(samples.count for samples in read(returned, inputs=1))


@pytest.mark.parametrize(
    "array", [X[::-1], X.astype(">f4"), np.asfortranarray(X), X.tolist(), X.astype(np.longdouble), X.astype(object)]
)
def test_arrays_are_made_native_and_whole(array):
    """Whatever their order of bytes and strides, and lists too."""
    training, _ = read((array, Y))

    assert training.inputs.dtype.isnative
    assert training.inputs.flags.c_contiguous
    np.testing.assert_array_equal(np.array(array, np.float32), training.inputs.astype(np.float32))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "mine.py: data() returned nothing; return (x, y), or (x, y), (x_val, y_val)"),
        ((batch for batch in [(X, Y)]), "data() returned a generator, which can be read only once; return arrays"),
        ((X, Y[:5]), "not one row per sample: x has 6, y has 5"),
        ((X, Y, np.ones(4)), "not one row per sample: x has 6, y has 6, weight has 4"),
        (({"a": X, "b": TWO[:3]}, Y), "x.a has 6, x.b has 3, y has 6"),
        ((X[:0], Y[:0]), "x has no rows; there is nothing to train on"),
        ((X, np.array(list("ababab"))), "y holds text, such as 'a'; number the classes"),
        (([[1.0], [1.0, 2.0]], Y[:2]), "the rows of x have different lengths; make them equal"),
        ((np.array([[1], [1, 2]], object), Y[:2]), "the rows of x have different lengths"),
        ((np.array([{}, {}]), Y[:2]), "x holds objects of Python such as dict"),
        ((X, np.array(["2026-01-01"] * 6, "datetime64[D]")), "y holds datetime64[D]"),
        ((np.where(X > 9, np.nan, X), Y), "x holds 2 values that are NaN or infinite, the first in row 5"),
        ((X, 1.0), "y is float, which is no array"),
        (((X, Y), (X[:, :1], Y)), "x_val is of shape (6, 1) and x is of shape (6, 2)"),
        ((X, Y, Y, Y), "has 4 parts"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_with_its_place(returned, message):
    """The file, the array, the value, and what to do."""
    with pytest.raises(InvalidWorkload) as caught:
        read(returned)

    assert message in str(caught.value)
    assert str(caught.value).startswith("mine.py: ")


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (Samples(inputs=X, targets=Y), "samples() returned one Samples; return two"),
        ((X, Y), "samples() returned ndarray and ndarray; return two loops.contract.Samples"),
        (None, "samples() returned NoneType"),
    ],
)
def test_a_class_that_returns_something_else_is_told_so(returned, message):
    """The contract asks for two, and None in place of the second."""
    with pytest.raises(InvalidWorkload) as caught:
        intake.look_over(returned, path="mine.py")

    assert message in str(caught.value)


def test_a_class_need_not_validate():
    """It says so with None."""
    _, validation = intake.look_over((Samples(inputs=X, targets=Y), None), path="mine.py")

    assert 0 == validation.count


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2], "y holds classes 1 to 2, and the model has 2 outputs, for classes 0 to 1; count them from 0: y - 1"),
        ([-1, 1], "y holds classes -1 to 1, and the model has 2 outputs"),
    ],
)
def test_classes_that_the_model_has_no_output_for_are_refused(labels, message):
    """TensorFlow trains on NaN then, and JAX on anything."""
    with pytest.raises(InvalidWorkload) as caught:
        intake.check_labels(Samples(inputs=X[:2], targets=np.array(labels)), classes=2, path="mine.py")

    assert message in str(caught.value)
