"""Pipelines drained into arrays, without the libraries that they come from."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from loops import drain
from loops.errors import InvalidWorkload


class PyDataset:
    """What Keras' class looks like from outside."""

    def __init__(self, batches, *, known=True):
        self.batches = batches
        self.num_batches = len(batches) if known else None

    def __getitem__(self, index):
        """Return a batch."""
        return self.batches[index]


BATCHES = [({"a": np.ones((4, 2))}, np.arange(4)), ({"a": np.zeros((3, 2))}, np.arange(3))]


@pytest.fixture(autouse=True)
def keras(monkeypatch):
    """Let the class pass for Keras'."""
    module = ModuleType("keras")
    module.utils = SimpleNamespace(PyDataset=PyDataset)
    monkeypatch.setitem(sys.modules, "keras", module)


def test_batches_are_joined_in_their_order():
    """The last one may be smaller."""
    (inputs, targets), batch_size = drain.drain(PyDataset(BATCHES), name="data()", most_bytes=1000)

    assert 4 == batch_size
    assert (7, 2) == inputs["a"].shape
    assert [0, 1, 2, 3, 0, 1, 2] == targets.tolist()


def test_batches_of_different_sizes_have_no_size():
    """A step of one is another one's work."""
    assert drain.drain(PyDataset(BATCHES[::-1]), name="data()", most_bytes=1000).batch_size is None


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (PyDataset(BATCHES, known=False), "data() does not say how many batches it has; give it a __len__"),
        (PyDataset([]), "data() has no batches"),
        (PyDataset([(np.float32(1.0), np.float32(0.0))]), "data() yields single samples"),
        (PyDataset([(np.zeros((2000, 2)), np.zeros(2000))]), "data() holds more than 0 MiB; let it hold fewer"),
    ],
)
def test_what_cannot_be_drained_is_refused(pipeline, message):
    """In one sentence, with the way out."""
    with pytest.raises(InvalidWorkload) as caught:
        drain.drain(pipeline, name="data()", most_bytes=1000)

    assert message in str(caught.value)


def test_arrays_are_no_pipeline():
    """Only what makes batches over and over is."""
    assert [True, False, False] == [drain.is_pipeline(value) for value in (PyDataset(BATCHES), np.ones(3), iter([]))]
