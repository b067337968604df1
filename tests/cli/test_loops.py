"""Every registered loop, trained for real in its own process under its own framework, on both tracks.

A few of each framework by default; all of them with `-m slow`, where those that compile take a quarter of a minute.
"""

import os
from math import log

import pytest

from bench.records.trial import BlockKind
from bench.worker.frameworks import unusable
from loops import registry

MEASURED_STEPS = 100
QUICK_LOOPS = ("tf-eager", "tf-fit", "torch-native", "jax-scan", "numpy")
STEPS_PER_CALL = {"tf-fit-steps": 71, "jax-scan": 71}
"""Whole calls of a fixed length: the largest up to 100 of which an epoch of 1562 steps is made."""
WITHOUT_GUIDE = {
    *("tf-function-epoch", "tf-epoch-xla"),
    *("jax-jit", "jax-scan", "jax-fit", "jax-fit-stock"),
    *("numpy", "numpy-cpp"),
}
"""No guide of theirs has an input pipeline to compare."""


def available():
    """Return the loops that can run on a CPU with what is installed here."""
    return [name for name in registry.LOOPS if unusable(registry.describe_loop(name), device="cpu") is None]


@pytest.fixture(
    scope="module",
    params=[
        ("matched", QUICK_LOOPS),
        pytest.param(("guide", QUICK_LOOPS), marks=pytest.mark.slow),
        pytest.param(("matched", tuple(registry.LOOPS)), marks=pytest.mark.slow),
        pytest.param(("guide", tuple(registry.LOOPS)), marks=pytest.mark.slow),
    ],
    ids=["matched", "guide", "matched, all loops", "guide, all loops"],
)
def round_of_trials(request, tmp_path_factory, make_session):
    """Return loop -> its trial, from one round of loops on one track."""
    track, loops = request.param
    session = make_session(tmp_path_factory.mktemp(track))
    data = {"BENCH_DATA": os.environ["BENCH_DATA"]} if "BENCH_DATA" in os.environ else {"BENCH_DATASET": "synthetic"}
    # Interleaved, every process of a round is alive at once: too much memory for all loops.
    schedule = "interleaved" if loops is QUICK_LOOPS else "sequential"
    options = ["--track", track, "--rounds", "1", "--steps", str(MEASURED_STEPS), "--schedule", schedule, "--no-verify"]

    done = session.bench(
        "run", *(loop for loop in loops if loop in available()), *options, "--no-report", patience=1800.0, **data
    )

    assert 0 == done.code, done.err
    return {trial.cell.loop: trial for trial in session.run().trials}


@pytest.fixture
def trials(round_of_trials):
    """Return loop -> its trial, of the loops that can carry the track."""
    return {loop: trial for loop, trial in round_of_trials.items() if trial.failure is None}


def test_loops_refuse_the_track_that_they_cannot_carry(round_of_trials):
    """With the reason, and nothing else is refused."""
    refused = {loop: trial.failure for loop, trial in round_of_trials.items() if trial.failure}
    guide = {loop for loop, trial in round_of_trials.items() if trial.cell.track == "guide"}

    assert guide & WITHOUT_GUIDE == refused.keys()
    assert {"unavailable"} >= {failure.kind.value for failure in refused.values()}
    assert all("pipeline" in failure.message for failure in refused.values())


def test_every_loop_does_the_steps_it_is_asked_for(trials):
    """In equal blocks of whole calls, none of which is more than enough."""
    for loop, trial in trials.items():
        steps = [block.steps for block in trial.blocks_of(BlockKind.MEASURED)]
        assert [steps[0]] * len(steps) == steps, loop
        assert 0 == steps[0] % STEPS_PER_CALL.get(loop, 1), loop
        assert sum(steps) - steps[0] < MEASURED_STEPS <= sum(steps), loop


def test_every_loop_learns(trials):
    """The loss falls, and validation is far better than chance."""
    for loop, trial in trials.items():
        # Many steps in one call show the loss of the last of them first, when most is learned already.
        begun = log(10) if loop in STEPS_PER_CALL else trial.first_loss
        assert trial.last_loss < begun, loop
        assert trial.validation_metric > 0.5, loop


def test_matched_loops_start_from_the_same_weights_on_the_same_batch(trials):
    """The first loss is the same number in every framework."""
    matched = {
        loop: trial.first_loss
        for loop, trial in trials.items()
        if trial.cell.track == "matched" and loop not in STEPS_PER_CALL  # they show the last loss of a call
    }
    if not matched:
        pytest.skip("on the guide track each framework shuffles for itself")

    assert dict.fromkeys(matched, pytest.approx(matched["tf-eager"], rel=1e-6)) == matched


def test_every_trial_records_each_phase_as_its_own_number(trials):
    """Nothing is missing, nothing is zero."""
    for loop, trial in trials.items():
        numbers = (
            trial.import_seconds,
            trial.build_seconds,
            trial.first_step_seconds,
            trial.warm_up_seconds,
            trial.first_evaluation_seconds,
            trial.evaluation_seconds,
            trial.peak_memory_bytes,
            trial.training_metric,
            trial.steps_per_epoch,
        )
        assert all(number and number > 0 for number in numbers), loop


def test_every_trial_names_versions_and_threads(trials):
    """Results are keyed by them."""
    for loop, trial in trials.items():
        framework = registry.describe_loop(loop).backend
        keras = set() if framework == "numpy" else {"keras"}
        assert {"python", "numpy", framework} | keras <= trial.versions.keys(), loop
        assert trial.threads["process"] >= 1, loop


def test_every_trial_names_its_sources(trials):
    """Numbers of different sources are different things."""
    assert {loop: registry.describe_loop(loop).sha256 for loop in trials} == {
        loop: trial.loop_sha256 for loop, trial in trials.items()
    }
