"""What timed trials should have learned: the curve of the reference."""

import json

import numpy as np
import pytest

from bench.records.cell import Cell
from bench.records.verification import Expectation
from bench.verify import learning_curve
from bench.verify.learning_curve import Memory, expected
from loops.contract import Digits, Track
from loops.workloads.mnist_mlp import MnistMlp
from loops.workloads.regression import Regression

CURVE = Expectation(
    workload="mnist-mlp",
    track="matched",
    batch_size=32,
    higher_is_better=True,
    steps=(10, 100, 1000, 4000),
    metrics=(0.4, 0.8, 0.9, 0.95),
)


@pytest.fixture
def digits():
    """Return a few digits that can be told apart by where they are bright."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 300).astype(np.uint8)
    images = generator.integers(0, 60, (300, 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 3] = 255
    parts = {"train": slice(200), "validation": slice(200, 250), "test": slice(250, 300)}
    return Digits(
        **{f"{part}_images": images[rows] for part, rows in parts.items()},
        **{f"{part}_labels": labels[rows] for part, rows in parts.items()},
    )


@pytest.mark.parametrize("track", [Track.MATCHED, pytest.param(Track.GUIDE, marks=pytest.mark.slow)])
def test_the_reference_learns_on_both_tracks(digits, track, monkeypatch):
    """Noted often at first, seldom later, and at the last step."""
    monkeypatch.setattr(learning_curve, "STEPS", 120)
    curve = expected(MnistMlp(), digits=digits, track=track, batch_size=20, seed=0)

    assert (4, 120) == (curve.steps[0], curve.steps[-1])
    assert list(curve.steps) == sorted(set(curve.steps))
    assert curve.metrics[0] < 0.97 < curve.metrics[-1]
    assert curve.higher_is_better


def test_an_error_gets_smaller(digits, monkeypatch):
    """Mean absolute error, so lower is better."""
    monkeypatch.setattr(learning_curve, "STEPS", 300)
    curve = expected(Regression(), digits=digits, track=Track.MATCHED, batch_size=32, seed=0)

    assert not curve.higher_is_better
    assert curve.metrics[-1] < curve.metrics[0]


def test_large_batches_are_followed_for_fewer_steps(digits, monkeypatch):
    """The work is bounded, not the number of steps."""
    monkeypatch.setattr(learning_curve, "SAMPLES", 1000)
    curve = expected(MnistMlp(), digits=digits, track=Track.MATCHED, batch_size=100, seed=0)

    assert 10 == curve.steps[-1]


def test_wide_models_are_followed_for_fewer_steps(digits, monkeypatch):
    """A step costs what the weights do."""
    monkeypatch.setattr(learning_curve, "UPDATES", 12 * 269_322)
    curve = expected(MnistMlp(), digits=digits, track=Track.MATCHED, batch_size=20, width=256, seed=0)

    assert (12, 256) == (curve.steps[-1], curve.width)


def test_a_curve_is_trained_once(tmp_path, make_cell):
    """The second run takes it from the cache; other data have a curve of their own."""
    asked = []

    def train():
        asked.append(1)
        return CURVE

    for data in ("a", "a", "b"):
        assert CURVE == Memory(tmp_path, data_sha256=data, seed=0).recall(make_cell("tf-fit"), otherwise=train)
    assert 2 == len(asked)


def test_a_forged_curve_is_not_believed(tmp_path, digits):
    """It would let timed processes pass that learned nothing; and a curve says what it is of."""
    cell = Cell(loop="numpy", workload="mnist-mlp", track="matched", device="cpu", batch_size=20)
    curve = Expectation(
        workload="mnist-mlp", track="matched", batch_size=20, higher_is_better=True, steps=(4,), metrics=(0.5,)
    )
    memory = Memory(tmp_path, data_sha256="ab", seed=0)
    memory.recall(cell, otherwise=lambda: curve)
    assert curve == memory.recall(cell, otherwise=lambda: pytest.fail("asked again"))
    for file in (tmp_path / "expected").iterdir():
        entry = json.loads(file.read_text())
        file.write_text(json.dumps(entry | {"content": entry["content"].replace("0.5", "0.0")}))

    assert curve == memory.recall(cell, otherwise=lambda: curve)
    assert curve == memory.recall(cell, otherwise=lambda: pytest.fail("asked again"))
