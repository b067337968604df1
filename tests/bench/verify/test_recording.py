"""What a loop showed is written and read back as it was."""

from types import SimpleNamespace

import numpy as np

from bench.verify.float64 import Batch
from bench.verify.recording import Call, Recording, call_of, named


def recording() -> Recording:
    """Return one with nested samples."""
    x = {"a": np.arange(10.0), "b": [np.arange(10), (np.ones((10, 2), np.float32),)]}
    call = Call(upto=1, steps=1, loss=0.5, metrics={"mae": 1.0}, weights=[np.ones(2), np.zeros((2, 2))])
    return Recording(
        training=Batch(x=x, y=np.arange(10), weight=np.ones(10)),
        validation=Batch(x=x, y=np.arange(10)),
        batch_size=4,
        steps_per_epoch=2,
        steps_per_call=1,
        formula="keras-adam",
        precision="float32",
        initial=[np.zeros(2), np.zeros((2, 2))],
        calls=(call,),
        evaluation={"mae": 2.0},
    )


def test_a_recording_is_read_as_it_was_written(tmp_path):
    """Nesting, types of numbers and all."""
    written = recording()
    written.write(tmp_path)

    read = Recording.read(tmp_path)

    assert repr(written) == repr(read)
    assert written.training.x["b"][1][0].dtype == read.training.x["b"][1][0].dtype


def test_batches_are_cut_epoch_after_epoch():
    """What does not fill a batch is left out of training, not of evaluation."""
    one = recording()

    assert [4, 5, 6, 7] == one.batch(3).y.tolist()
    assert [0, 1, 2, 3] == one.batch(4).x["b"][0].tolist()
    assert [4, 4, 2] == [len(batch.y) for batch in one.validation_batches()]


def test_an_outcome_with_one_metric_and_one_with_many_are_read_alike():
    """State that comes apart from what is trained is put in its place."""
    weights = [np.array([1.0]), np.array([3.0])]
    old = SimpleNamespace(steps=2, loss=0.5, metric=0.25, weights=weights)
    new = SimpleNamespace(steps=2, loss=0.5, metrics={"mae": 0.25}, weights=weights, state=[np.array([2.0])])

    calls = [
        call_of(old, upto=2, metric_name="mae", trainable=[True, True]),
        call_of(new, upto=2, metric_name="", trainable=[True, False, True]),
    ]

    assert [{"mae": 0.25}, {"mae": 0.25}] == [call.metrics for call in calls]
    assert [[1.0, 3.0], [1.0, 2.0, 3.0]] == [[float(array[0]) for array in call.weights] for call in calls]
    assert {"mae": 0.25} == named(0.25, metric_name="mae")
