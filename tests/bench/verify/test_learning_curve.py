"""What timed trials should have learned: the reference's curve, and the band around it."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis import summary
from bench.analysis.band import band
from bench.analysis.verdict import Verdict
from bench.records.verification import Expectation
from bench.report.model import build
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


@pytest.mark.parametrize("track", Track)
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


def test_the_band_holds_what_the_reference_had_around_that_step():
    """Checkpoints on either side count, and a tolerance is added."""
    low, high = band(CURVE, steps=300)

    assert (pytest.approx(0.77), pytest.approx(0.93)) == (low, high)


def test_a_loop_that_has_not_learned_is_below_the_band_at_any_length():
    """Guessing is right one time in ten."""
    assert all(band(CURVE, steps=steps)[0] > 0.1 for steps in (10, 30, 100, 5000, 100_000))


def test_after_the_reference_has_stopped_a_trial_may_only_be_better():
    """For accuracy upwards, for an error downwards."""
    error = replace(CURVE, higher_is_better=False, metrics=(0.5, 0.4, 0.3, 0.26))

    assert (pytest.approx(0.87), float("inf")) == band(CURVE, steps=100_000)
    assert (float("-inf"), pytest.approx(0.33)) == band(error, steps=100_000)


def test_the_band_is_wider_on_raw_pixels():
    """Their training is chaotic, and the order is another one."""
    matched, guide = (band(replace(CURVE, track=track), steps=300) for track in ("matched", "guide"))

    assert guide[0] < matched[0] < matched[1] < guide[1]


def test_a_curve_is_trained_once(tmp_path, make_cell):
    """The second run takes it from the cache; other data have a curve of their own."""
    asked = []

    def train():
        asked.append(1)
        return CURVE

    for data in ("a", "a", "b"):
        assert CURVE == Memory(tmp_path, data_sha256=data, seed=0).recall(make_cell("tf-fit"), otherwise=train)
    assert 2 == len(asked)


def test_a_timed_trial_that_did_not_learn_makes_its_loop_invalid(make_run):
    """Verified step by step or not: what was timed is what counts."""
    run = make_run(trial_fields={"tf-fit": {"validation_metric": 0.1, "steps": 300, "metric_name": "accuracy"}})
    others = (t if t.cell.loop == "tf-fit" else replace(t, validation_metric=None) for t in run.trials)
    run = replace(run, trials=tuple(others), expectations=(CURVE,))

    (group,) = summary.summarise(run)

    (invalid,) = [cell for cell in group.cells if cell.verdict is Verdict.INVALID]
    assert "tf-fit" == invalid.cell.loop
    assert "validation accuracy 0.1 after 300 timed steps in round 1; the reference had 0.77 to 0.93" == (
        invalid.off_the_curve
    )
    reasons = [row.reason for row in build(run).groups[0].rows if row.loop == "tf-fit"]
    assert reasons[0].startswith("its timed processes did not learn what they should have: validation accuracy 0.1")


def test_without_a_curve_nothing_is_held_against_a_trial(make_run):
    """Adversarial training has none, nor has a run that was not verified."""
    run = make_run(trial_fields={"tf-fit": {"validation_metric": 0.1, "steps": 300}})

    assert all(cell.off_the_curve is None for group in summary.summarise(run) for cell in group.cells)
