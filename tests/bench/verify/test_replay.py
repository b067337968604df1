"""What a loop showed, trained again: sound loops pass, each planted mistake is found where it is."""

from dataclasses import replace

import numpy as np
import pytest

from bench.verify.float64 import Batch, Step
from bench.verify.recording import Call, Recording
from bench.verify.replay import replay
from loops.errors import ContractBroken

RATE, SAMPLES, BATCH, STEPS, EPOCH = 0.05, 24, 4, 7, 3
CALLS = (1, 2, 3, 4, 7)
"""The last call is one of three steps."""


class Linear:
    """A line by gradient descent, with a running mean of its inputs, in any precision; one mistake may be planted."""

    names = ("line/kernel", "line/bias", "mean/average")
    trainable = (True, True, False)

    def __init__(self, *, precision=np.float64, mistake=None):
        """Start at step 0."""
        self.precision, self.mistake, self.updates, self.seen = precision, mistake, 0, []

    def start_epoch(self):
        self.seen = []

    def step(self, batch, *, weights):
        kernel, bias, average = (np.asarray(array, self.precision) for array in weights)
        x, y = batch.x.astype(self.precision), batch.y.astype(self.precision)
        error = x @ kernel + bias - y
        loss = np.mean(error**2)
        slopes = [2.0 * x.T @ error / len(x), 2.0 * error.mean(keepdims=True)]
        rate = self.precision(RATE * (1.01 if self.mistake == "rate" else 1.0))
        moved = [kernel - rate * slopes[0], bias - (0 if self.mistake == "bias" else rate * slopes[1])]
        new = average if self.mistake == "average" else average + (x.mean(axis=0) - average) / self.precision(10)
        self.seen.append(np.abs(error).mean())
        self.updates += 1
        return Step(
            loss=float(loss) * (1.001 if self.mistake == "loss" else 1.0),
            metrics={"mae": float(np.mean(self.seen)) * (1.01 if self.mistake == "metric" else 1.0)},
            weights=[*moved, new],
            gradients=[*slopes, None],
            updates=self.updates,
        )

    def evaluate(self, batches, *, weights):
        kernel, bias, _ = (np.asarray(array, self.precision) for array in weights)
        errors = np.concatenate([batch.x @ kernel + bias - batch.y for batch in batches])
        return {
            "loss": float(np.mean(errors**2)),
            "mae": float(np.abs(errors).mean()) * (1.01 if self.mistake == "evaluation" else 1.0),
        }


def recorded(mistake=None, *, calls=CALLS):
    """Return what a loop in float32 shows of its training."""
    random = np.random.default_rng(5)
    x = random.normal(size=(SAMPLES, 3)).astype(np.float32)
    samples = Batch(x=x, y=(x @ np.array([1.0, -2.0, 0.5]) + 0.3).astype(np.float32))
    initial = [random.normal(size=3).astype(np.float32), np.zeros(1, np.float32), np.zeros(3, np.float32)]
    empty = Recording(
        training=samples,
        validation=Batch(x=x[:6], y=samples.y[:6]),
        batch_size=BATCH,
        steps_per_epoch=EPOCH,
        steps_per_call=1,
        formula="sgd",
        precision="float32",
        initial=initial,
        calls=(),
        evaluation={},
    )
    loop, weights, shown = Linear(precision=np.float32, mistake=mistake), initial, []
    for step in range(calls[-1]):
        if step % EPOCH == 0 and mistake != "epoch":
            loop.start_epoch()
        done = loop.step(empty.batch(0 if mistake == "batch" else step), weights=weights)
        weights = done.weights
        if step + 1 in calls:
            counted = loop.updates + (mistake == "count")
            shown.append(
                Call(upto=step + 1, steps=counted, loss=done.loss, metrics=done.metrics, weights=list(done.weights))
            )
    return replace(empty, calls=tuple(shown), evaluation=loop.evaluate(empty.validation_batches(), weights=weights))


def held(recording):
    """Return what comes of holding it against float64."""
    return replay(recording, Linear(), shaken=Linear())


def failed(recording):
    """Return what the gaps that do not pass are about."""
    return [gap.what for gap in held(recording).gaps if not gap.passed]


def test_a_sound_loop_passes_in_every_respect():
    """Rounding is allowed, and everything is looked at."""
    found = held(recorded())

    assert found.not_finite is None
    assert [
        "loss, 7 steps",
        "weights, 7 steps",
        "weights, all counted alike, 7 steps",
        "state of mean",
        "training metric mae",
        "evaluation loss",
        "evaluation mae",
        "steps counted",
    ] == [gap.what for gap in found.gaps]
    assert all(gap.passed for gap in found.gaps), found.gaps


@pytest.mark.parametrize(
    ("mistake", "where"),
    [
        ("loss", "loss, 7 steps"),
        ("rate", "weights, 7 steps"),
        ("bias", "weights, 7 steps"),
        ("batch", "weights, 7 steps"),
        ("batch", "weights, all counted alike, 7 steps"),
        ("average", "state of mean"),
        ("metric", "training metric mae"),
        ("epoch", "training metric mae"),
        ("evaluation", "evaluation mae"),
        ("count", "steps counted"),
    ],
)
def test_a_mistake_is_found_where_it_is(mistake, where):
    """A learning rate that is off by one in a hundred, a bias that stands still, the same batch again, and so on."""
    assert where in failed(recorded(mistake))


@pytest.mark.parametrize("mistake", ["loss", "average", "metric", "evaluation", "count"])
def test_a_mistake_is_found_nowhere_else(mistake):
    """One thing is wrong, one thing is told."""
    assert 1 == len(failed(recorded(mistake)))


def test_a_loop_that_shows_itself_after_all_steps_only_is_held_to_the_end():
    """One call of many steps: its weights are compared there."""
    recording = replace(recorded(calls=(7,)), steps_per_call=7)

    assert [] == failed(recording)
    assert "weights, 7 steps" in failed(replace(recorded("rate", calls=(7,)), steps_per_call=7))


def test_the_gap_tells_the_step_at_which_it_is_largest():
    """Of a loss that is wrong once."""
    recording = recorded()
    calls = list(recording.calls)
    calls[2] = replace(calls[2], loss=calls[2].loss * 1.5)

    (gap,) = [gap for gap in held(replace(recording, calls=tuple(calls))).gaps if gap.what.startswith("loss")]

    assert (3, False) == (gap.step, gap.passed)
    assert 0.5 == pytest.approx(gap.largest, rel=1e-3)


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_comparison(loss):
    """It is said which step, and what the reference computes."""
    recording = recorded()
    calls = (recording.calls[0], replace(recording.calls[1], loss=loss), *recording.calls[2:])

    found = held(replace(recording, calls=calls))

    assert () == found.gaps
    assert found.not_finite.startswith(f"the loss is {loss} at step 2, where the float64 reference computes ")


def test_weights_that_are_no_numbers_end_the_comparison():
    """Though the loss before them was one."""
    recording = recorded()
    broken = [array * np.float32("nan") for array in recording.calls[0].weights]

    found = held(replace(recording, calls=(replace(recording.calls[0], weights=broken), *recording.calls[1:])))

    assert found.not_finite.startswith("the weights are no longer finite after step 1, at a loss of ")


@pytest.mark.parametrize("change", [lambda arrays: arrays[:-1], lambda arrays: [arrays[0][:2], *arrays[1:]]])
def test_weights_that_are_not_the_models_are_a_broken_contract(change):
    """One is missing, or has another shape."""
    recording = recorded()
    calls = (replace(recording.calls[0], weights=change(recording.calls[0].weights)), *recording.calls[1:])

    with pytest.raises(ContractBroken, match="the loop shows weights of shapes"):
        held(replace(recording, calls=calls))


def test_a_metric_that_the_model_has_not_is_told_by_its_name():
    """In the training as in the evaluation."""
    recording = recorded()
    calls = tuple(replace(call, metrics={"acc": 1.0}) for call in recording.calls)

    found = failed(replace(recording, calls=calls, evaluation={"acc": 1.0}))

    assert [f"{when} acc, which the model has not," for when in ("training metric", "evaluation")] == found


def test_a_loop_that_tells_no_metrics_has_no_gap_of_them():
    """Nor of an evaluation that it does not make."""
    recording = recorded()
    calls = tuple(replace(call, metrics={}) for call in recording.calls)

    found = held(replace(recording, calls=calls, evaluation={}))

    assert not any("metric" in gap.what or "evaluation" in gap.what for gap in found.gaps)


def test_a_model_without_state_has_no_gap_of_it():
    """Nothing is trained but weights; counters of steps are whole numbers and are not shaken."""

    class Bare(Linear):
        trainable = (True, True, True)

    found = replay(recorded(), Bare(), shaken=Bare())

    assert not any(gap.what.startswith("state") for gap in found.gaps)


def test_what_shakes_the_reference_is_allowed_to_the_loop():
    """Where rounding is multiplied, a loop may be as far off, and not further."""

    class Trembling(Linear):
        def step(self, batch, *, weights):
            found = super().step(batch, weights=weights)
            noise = np.random.default_rng(self.updates)
            return replace(found, weights=[one * (1.0 + 1e-3 * noise.normal(size=one.shape)) for one in found.weights])

    recording = recorded("rate")
    (strict,), (lenient,) = (
        [gap for gap in replay(recording, Linear(), shaken=shaken).gaps if gap.what == "weights, 7 steps"]
        for shaken in (Linear(), Trembling())
    )

    assert strict.largest == lenient.largest
    assert strict.allowed < lenient.allowed
