"""What a finished run says by its exit code."""

from dataclasses import replace

import pytest

from bench.errors import NothingComparable, TrialsFailed, UsageError
from bench.records.cell import Side
from bench.records.trial import FailureKind
from bench.records.verification import Verification
from bench.runs import outcome

SIDES = (Side(name="A", description="here"), Side(name="B", description="ref=main"))


def failing(make_run, make_failure, *kinds):
    """Return a run of two loops whose first ones fail like this."""
    names = ["tf-fit", "tf-eager"]
    failures = {name: make_failure(kind) for name, kind in zip(names, kinds, strict=False)}
    return make_run(steps=dict.fromkeys(names, 1e-3), rounds=2, failures=failures)


def test_a_run_in_which_everything_worked_is_no_error(make_run):
    """Exit code 0."""
    outcome.check(make_run(rounds=2))


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind is not FailureKind.UNAVAILABLE])
def test_a_loop_that_failed_in_any_way_is_counted_and_named(make_run, make_failure, kind):
    """Exit code 5; the others are stored."""
    with pytest.raises(TrialsFailed, match=r"1 of 2 measurements failed: tf-fit$") as failed:
        outcome.check(failing(make_run, make_failure, kind))

    assert 5 == failed.value.exit_code


def test_a_loop_that_is_not_to_be_had_here_is_no_error_beside_one_that_is(make_run, make_failure):
    """Whoever asks for all has not installed everything."""
    outcome.check(failing(make_run, make_failure, FailureKind.UNAVAILABLE))


def test_nothing_but_loops_that_are_not_to_be_had_is_a_wrong_use(make_run, make_failure):
    """Exit code 2."""
    with pytest.raises(UsageError, match="none of these loops can be measured here; see 'bench list'"):
        outcome.check(failing(make_run, make_failure, FailureKind.UNAVAILABLE, FailureKind.UNAVAILABLE))


def test_a_loop_that_does_other_work_is_named(make_run):
    """Though every process of it finished."""
    run = make_run(steps={"tf-fit": 1e-3, "tf-eager": 1e-3}, loss_gaps={"tf-fit": 0.1}, rounds=2)

    with pytest.raises(TrialsFailed, match=r"not the same work as the reference: tf-fit$"):
        outcome.check(run)


def test_a_side_that_does_other_work_than_its_peer_is_named_with_both(make_run):
    """A workload of a user has no reference."""
    run = make_run(steps={"tf-fit": 1e-3}, rounds=2)
    found = Verification(
        loop="tf-fit", workload="mine", device="cpu", formula="n/a", side="B", peer="tf-fit [A]", problem="raised: x"
    )

    with pytest.raises(TrialsFailed, match=r"not the same work as tf-fit \[A\]: tf-fit \[B\]$"):
        outcome.check(replace(run, verifications=(found,)))


def test_a_crash_is_told_before_other_work(make_run, make_failure):
    """It may be its cause."""
    run = make_run(
        steps={"tf-fit": 1e-3, "tf-eager": 1e-3},
        rounds=2,
        loss_gaps={"tf-eager": 0.1},
        failures={"tf-fit": make_failure(FailureKind.TIMEOUT)},
    )

    with pytest.raises(TrialsFailed, match="measurements failed: tf-fit"):
        outcome.check(run)


def test_two_sides_of_which_one_could_not_be_measured_are_not_comparable(make_run, make_cell, make_failure):
    """Exit code 4, with the reason."""
    cells = [make_cell("tf-fit", side=side.name) for side in SIDES]
    run = make_run(cells=cells, rounds=1)
    absent = make_failure(FailureKind.UNAVAILABLE, message="side B has no tf-fit")
    trials = tuple(replace(t, blocks=(), failure=absent) if t.cell.side == "B" else t for t in run.trials)
    run = replace(run, trials=trials, verifications=())
    run = replace(run, header=replace(run.header, plan=replace(run.header.plan, sides=SIDES, verify=False)))

    with pytest.raises(NothingComparable, match="no loop was measured on every side: side B has no tf-fit") as found:
        outcome.check(run)

    assert 4 == found.value.exit_code
