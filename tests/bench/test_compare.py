"""Summaries of cells: who is compared with whom, on what, and what stays empty."""

from dataclasses import replace

import pytest

from bench import compare
from bench.records import BlockKind, Failure, FailureKind
from bench.stats import BreakEven, Verdict

FAILURE = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")


def test_loops_are_sorted_fastest_first_and_compared_with_the_baseline(make_run):
    """The baseline itself has no verdict."""
    (group,) = compare.summarise(make_run())

    assert [
        ("tf-function", Verdict.FASTER),
        ("tf-fit", Verdict.FASTER),
        ("torch-native", Verdict.FASTER),
        ("torch-keras", Verdict.FASTER),
        ("tf-eager", None),
    ] == [(summary.cell.loop, summary.verdict) for summary in group.cells]


def test_speed_up_is_the_ratio_of_the_step_times_shown(make_run):
    """A reader can divide the two step times and get the speed-up."""
    (group,) = compare.summarise(make_run())
    base = next(summary for summary in group.cells if summary.cell.loop == "tf-eager")

    for summary in group.cells[:-1]:
        assert pytest.approx(base.step.estimate / summary.step.estimate) == summary.speed_up.estimate


def test_only_measured_blocks_count(make_trial, make_cell):
    """Neither the first call nor the warm-up reach the step time."""
    trial = make_trial(make_cell("tf-eager"), step=0.01, noise=0.0)
    slow_start = [
        replace(block, seconds=99.0) if block.kind is not BlockKind.MEASURED else block for block in trial.blocks
    ]

    assert pytest.approx(0.01) == compare.trial_step_seconds(replace(trial, blocks=tuple(slow_start)))


def test_a_trial_that_failed_has_no_step_time(make_trial, make_cell):
    """What it measured before it failed is kept raw, and not used."""
    assert compare.trial_step_seconds(make_trial(make_cell(), failure=FAILURE)) is None


def test_groups_are_never_mixed(make_run, make_cell, make_trial):
    """Another batch size is another group, with its own baseline."""
    run = make_run()
    cells = tuple(replace(cell, batch_size=256) for cell in run.header.plan.cells)
    plan = replace(run.header.plan, cells=run.header.plan.cells + cells)

    groups = compare.summarise(replace(run, header=replace(run.header, plan=plan)))

    assert [(32, 5), (256, 5)] == [(group.batch_size, len(group.cells)) for group in groups]


def test_a_cell_with_a_failed_trial_is_failed_and_last(make_run):
    """One crash in any round is enough: the loop cannot be trusted to finish."""
    run = make_run()
    broken = [replace(t, failure=FAILURE) if (t.cell.loop, t.round) == ("tf-fit", 2) else t for t in run.trials]

    (group,) = compare.summarise(replace(run, trials=tuple(broken)))

    summary = next(summary for summary in group.cells if summary.cell.loop == "tf-fit")
    assert (Verdict.FAILED, FAILURE, 1, None) == (
        summary.verdict,
        summary.failure,
        summary.failed_trials,
        summary.speed_up,
    )


def test_another_loop_is_the_baseline_where_the_planned_one_could_not_be_measured(make_run):
    """Without TensorFlow, the torch loops are still compared with each other."""
    run = make_run()
    broken = [replace(t, failure=FAILURE, blocks=()) if t.cell.loop == "tf-eager" else t for t in run.trials]

    (group,) = compare.summarise(replace(run, trials=tuple(broken)))

    assert "tf-function" == group.baseline


def test_rounds_in_which_only_one_of_two_finished_are_not_paired(make_run):
    """An interrupted run compares what it has."""
    run = make_run()
    kept = [t for t in run.trials if not (t.cell.loop == "tf-eager" and t.round == 5)]

    (group,) = compare.summarise(replace(run, trials=tuple(kept)))

    assert [5, 5, 5, 5, None] == [s.speed_up and s.speed_up.count for s in group.cells]


def test_break_even_counts_the_first_step(make_run):
    """`tf.function` starts 0.6 s later and gains 7.8 ms a step: ahead after some 75 steps."""
    (group,) = compare.summarise(make_run())

    summary = group.cells[0]
    assert BreakEven.AFTER is summary.break_even.kind
    assert pytest.approx(75, abs=3) == summary.break_even.steps


def test_epoch_time_and_throughput_follow_from_the_step_time(make_run):
    """1 562 steps of 32 samples."""
    (group,) = compare.summarise(make_run())

    summary = group.cells[0]
    assert pytest.approx((summary.step.estimate * 1562, 32 / summary.step.estimate)) == (
        summary.epoch_time,
        summary.samples_per_second,
    )


def test_a_loop_that_failed_verification_is_invalid_and_not_compared(make_run):
    """Its time stays, its rank and its speed-up go: it did other work."""
    (group,) = compare.summarise(make_run(loss_gaps={"tf-function": 0.31}))

    last = group.cells[-1]
    assert ("tf-function", Verdict.INVALID, None) == (last.cell.loop, last.verdict, last.speed_up)
    assert last.step is not None


def test_a_loop_that_was_not_verified_is_invalid(make_run):
    """Unless the user asked for no verification, silence is no proof."""
    run = replace(make_run(), verifications=())

    (group,) = compare.summarise(run)

    assert {Verdict.INVALID} == {summary.verdict for summary in group.cells}


def test_without_verification_every_loop_is_ranked_when_the_user_asked_for_that(make_run):
    """`--no-verify` is said aloud elsewhere."""
    run = replace(make_run(), verifications=())
    plan = replace(run.header.plan, verify=False)

    (group,) = compare.summarise(replace(run, header=replace(run.header, plan=plan)))

    assert Verdict.FASTER is group.cells[0].verdict


def test_an_invalid_baseline_is_replaced(make_run):
    """Nothing is compared with a loop that did other work."""
    (group,) = compare.summarise(make_run(loss_gaps={"tf-eager": 0.31}))

    assert "tf-function" == group.baseline
