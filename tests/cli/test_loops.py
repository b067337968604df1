"""Every registered loop, trained for real in its own process under its own framework, on both tracks."""

import os

import pytest

from bench.backends import missing
from bench.records import BlockKind
from loops import registry

MEASURED_STEPS = 100


def available():
    """Return the loops whose framework is installed here."""
    return [name for name in registry.LOOPS if missing(registry.describe_loop(name).backend) is None]


@pytest.fixture(scope="module", params=["matched", "guide"])
def trials(request, tmp_path_factory, make_session):
    """Return loop -> its trial, from one round of all loops on one track."""
    session = make_session(tmp_path_factory.mktemp(request.param))
    data = {"BENCH_DATA": os.environ["BENCH_DATA"]} if "BENCH_DATA" in os.environ else {"BENCH_DATASET": "synthetic"}
    options = ["--track", request.param, "--rounds", "1", "--steps", str(MEASURED_STEPS), "--no-report"]

    done = session.bench("run", *available(), *options, patience=300.0, **data)

    assert 0 == done.code, done.err
    return {trial.cell.loop: trial for trial in session.run().trials}


def test_every_loop_does_the_steps_it_is_asked_for(trials):
    """Ten measured blocks of ten steps each."""
    assert dict.fromkeys(available(), MEASURED_STEPS) == {
        loop: sum(block.steps for block in trial.blocks_of(BlockKind.MEASURED)) for loop, trial in trials.items()
    }


def test_every_loop_learns(trials):
    """The loss falls, and validation is far better than chance."""
    for loop, trial in trials.items():
        assert trial.last_loss < trial.first_loss, loop
        assert trial.validation_metric > 0.5, loop


def test_matched_loops_start_from_the_same_weights_on_the_same_batch(trials):
    """The first loss is the same number in every framework."""
    matched = {loop: trial.first_loss for loop, trial in trials.items() if trial.cell.track == "matched"}
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
        assert {"python", "keras", "numpy", framework} <= trial.versions.keys(), loop
        assert trial.threads["process"] >= 1, loop


def test_every_trial_names_its_sources(trials):
    """Numbers of different sources are different things."""
    assert {loop: registry.describe_loop(loop).sha256 for loop in trials} == {
        loop: trial.loop_sha256 for loop, trial in trials.items()
    }
