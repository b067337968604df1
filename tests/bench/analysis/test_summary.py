"""Summaries of cells: who is compared with whom, on what, and what stays empty."""

from dataclasses import replace

import pytest

from bench.analysis import summary as summarising
from bench.analysis.total_time import BreakEven
from bench.analysis.verdict import Verdict
from bench.records.cell import AGAIN, Side
from bench.records.trial import BlockKind, Failure, FailureKind
from bench.records.verification import Expectation
from bench.report.model import build

CURVE = Expectation(
    workload="mnist-mlp",
    track="matched",
    batch_size=32,
    higher_is_better=True,
    steps=(10, 100, 1000, 4000),
    metrics=(0.4, 0.8, 0.9, 0.95),
)

FAILURE = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")


def test_loops_are_sorted_fastest_first_and_compared_with_the_baseline(make_run):
    """The baseline itself has no verdict."""
    (group,) = summarising.summarise(make_run())

    assert [
        ("tf-function", Verdict.FASTER),
        ("tf-fit", Verdict.FASTER),
        ("torch-native", Verdict.FASTER),
        ("torch-keras", Verdict.FASTER),
        ("tf-eager", None),
    ] == [(summary.cell.loop, summary.verdict) for summary in group.cells]


def test_speed_up_is_the_ratio_of_the_step_times_shown(make_run):
    """A reader can divide the two step times and get the speed-up."""
    (group,) = summarising.summarise(make_run())
    base = next(summary for summary in group.cells if summary.cell.loop == "tf-eager")

    for summary in group.cells[:-1]:
        assert pytest.approx(base.step.estimate / summary.step.estimate) == summary.speed_up.estimate


def test_groups_are_never_mixed(make_run, make_cell, make_trial):
    """Another batch size is another group, with its own baseline."""
    run = make_run()
    cells = tuple(replace(cell, batch_size=256) for cell in run.header.plan.cells)
    plan = replace(run.header.plan, cells=run.header.plan.cells + cells)

    groups = summarising.summarise(replace(run, header=replace(run.header, plan=plan)))

    assert [(32, 5), (256, 5)] == [(group.setting.batch_size, len(group.cells)) for group in groups]


def test_a_cell_with_a_failed_trial_is_failed_and_last(make_run):
    """One crash in any round is enough: the loop cannot be trusted to finish."""
    run = make_run()
    broken = [replace(t, failure=FAILURE) if (t.cell.loop, t.round) == ("tf-fit", 2) else t for t in run.trials]

    (group,) = summarising.summarise(replace(run, trials=tuple(broken)))

    summary = next(summary for summary in group.cells if summary.cell.loop == "tf-fit")
    assert (Verdict.FAILED, FAILURE, 1, None) == (
        summary.verdict,
        summary.failure,
        summary.failed_trials,
        summary.speed_up,
    )


def test_a_loop_that_was_never_measured_stands_behind_those_that_failed_later(make_run):
    """What is slow stands before what has no time at all."""
    run = make_run()
    never = {"tf-function": range(run.planned_rounds), "tf-fit": [2]}
    broken = [
        replace(t, failure=FAILURE, blocks=() if t.cell.loop == "tf-function" else t.blocks)
        if t.round in never.get(t.cell.loop, ())
        else t
        for t in run.trials
    ]

    (group,) = summarising.summarise(replace(run, trials=tuple(broken)))

    assert ["tf-fit", "tf-function"] == [cell.cell.loop for cell in group.cells][-2:]
    assert group.cells[-1].step is None


def test_another_loop_is_the_baseline_where_the_planned_one_could_not_be_measured(make_run):
    """Without TensorFlow, the torch loops are still compared with each other."""
    run = make_run()
    broken = [replace(t, failure=FAILURE, blocks=()) if t.cell.loop == "tf-eager" else t for t in run.trials]

    (group,) = summarising.summarise(replace(run, trials=tuple(broken)))

    assert "tf-function" == group.baseline


def test_rounds_in_which_only_one_of_two_finished_are_not_paired(make_run):
    """An interrupted run compares what it has."""
    run = make_run()
    kept = [t for t in run.trials if not (t.cell.loop == "tf-eager" and t.round == 5)]

    (group,) = summarising.summarise(replace(run, trials=tuple(kept)))

    assert [5, 5, 5, 5, None] == [s.speed_up and s.speed_up.count for s in group.cells]


def test_break_even_counts_the_first_step(make_run):
    """`tf.function` starts 0.6 s later and gains 7.8 ms a step: ahead after some 75 steps."""
    (group,) = summarising.summarise(make_run())

    summary = group.cells[0]
    assert BreakEven.AFTER is summary.break_even.kind
    assert pytest.approx(75, abs=3) == summary.break_even.steps


def test_epoch_time_and_throughput_follow_from_the_step_time(make_run):
    """1 562 steps of 32 samples."""
    (group,) = summarising.summarise(make_run())

    summary = group.cells[0]
    assert pytest.approx((summary.step.estimate * 1562, 32 / summary.step.estimate)) == (
        summary.epoch_time,
        summary.samples_per_second,
    )


def test_a_loop_that_failed_verification_is_invalid_and_not_compared(make_run):
    """Its time stays, its rank and its speed-up go: it did other work."""
    (group,) = summarising.summarise(make_run(loss_gaps={"tf-function": 0.31}))

    last = group.cells[-1]
    assert ("tf-function", Verdict.INVALID, None) == (last.cell.loop, last.verdict, last.speed_up)
    assert last.step is not None


def test_a_loop_that_was_not_verified_is_invalid(make_run):
    """Unless the user asked for no verification, silence is no proof."""
    run = replace(make_run(), verifications=())

    (group,) = summarising.summarise(run)

    assert {Verdict.INVALID} == {summary.verdict for summary in group.cells}


def test_without_verification_every_loop_is_ranked_when_the_user_asked_for_that(make_run):
    """`--no-verify` is said aloud elsewhere."""
    run = replace(make_run(), verifications=())
    plan = replace(run.header.plan, verify=False)

    (group,) = summarising.summarise(replace(run, header=replace(run.header, plan=plan)))

    assert Verdict.FASTER is group.cells[0].verdict


def test_an_invalid_baseline_is_replaced(make_run):
    """Nothing is compared with a loop that did other work."""
    (group,) = summarising.summarise(make_run(loss_gaps={"tf-eager": 0.31}))

    assert "tf-function" == group.baseline


def again(cell):
    """Return a cell's repetition."""
    return replace(cell, side=AGAIN)


def test_a_repetition_is_no_row_but_the_noise(make_run, make_cell):
    """What identical loops differ by is shown, and never ranked."""
    cell = make_cell("tf-eager")
    (group,) = summarising.summarise(make_run(cells=[cell, make_cell("tf-fit"), again(cell)], noise=0.02))

    assert ["tf-fit", "tf-eager"] == [summary.cell.name for summary in group.cells]
    assert "tf-eager" == group.noise.loop
    assert 0.0 < group.noise.relative < 0.1
    assert pytest.approx(1.0, abs=group.noise.relative) == group.noise.ratio.estimate


def test_a_difference_below_the_noise_is_unclear(make_run, make_cell):
    """Identical things were further apart in this very run."""
    slow, fast = make_cell("tf-eager"), make_cell("tf-fit")
    run = make_run(cells=[slow, fast, again(slow)], noise=0.001, steps={"tf-eager": 1.06e-3, "tf-fit": 1e-3})
    drifted = [
        replace(trial, blocks=tuple(replace(block, seconds=1.2 * block.seconds) for block in trial.blocks))
        if trial.cell.side == AGAIN
        else trial
        for trial in run.trials
    ]

    (before,), (after,) = summarising.summarise(run), summarising.summarise(replace(run, trials=tuple(drifted)))

    assert Verdict.FASTER == before.cells[0].verdict
    assert Verdict.UNCLEAR == after.cells[0].verdict
    assert after.noise.relative > 0.15


def test_sides_of_a_loop_are_compared_with_the_first_and_loops_are_not(make_run, make_cell):
    """Each loop is a group of its own, whatever became of the first side."""
    sides = (Side(name="A", description="here"), Side(name="B", description="env=X=1"))
    cells = [replace(make_cell(loop), side=side.name) for loop in ("tf-eager", "tf-fit") for side in sides]
    run = make_run(cells=cells)
    run = replace(run, header=replace(run.header, plan=replace(run.header.plan, sides=sides)))

    groups = summarising.summarise(run)

    assert ["tf-eager [A]", "tf-fit [A]"] == [group.baseline for group in groups]
    assert [2, 2] == [len(group.cells) for group in groups]


def test_more_pairs_widen_each_interval(make_run):
    """Ten comparisons have ten chances to be wrong."""
    few = summarising.summarise(make_run(steps={"tf-eager": 1e-3, "tf-fit": 9e-4}, seed=5))
    many = summarising.summarise(
        make_run(steps={"tf-eager": 1e-3, "tf-fit": 9e-4, "a": 1e-3, "b": 1e-3, "c": 1e-3}, seed=5)
    )

    def width(groups):
        return next(c.speed_up.relative_half_width for c in groups[0].cells if c.cell.loop == "tf-fit")

    assert width(few) < width(many)


def measured(trial, **changes):
    """Return a trial with fields of its measured blocks replaced by functions of place, from 0, and value."""
    rest = iter(range(len(trial.blocks)))

    def edit(block):
        if block.kind is not BlockKind.MEASURED:
            return block
        place = next(rest)
        return replace(block, **{name: new(place, getattr(block, name)) for name, new in changes.items()})

    return replace(trial, blocks=tuple(map(edit, trial.blocks)))


@pytest.fixture
def summary_with(make_run):
    """Return a function: changes of the first process' measured blocks -> the summary of its loop."""

    def summarise(**changes):
        run = make_run(steps={"tf-eager": 1e-3}, rounds=3, noise=0.0, drift=0.0)
        (group,) = summarising.summarise(replace(run, trials=(measured(run.trials[0], **changes), *run.trials[1:])))
        return group.cells[0]

    return summarise


def test_blocks_before_a_process_settled_are_counted(summary_with):
    """Four of its ten; the other two processes held still from the start."""
    assert (
        4 == summary_with(seconds=lambda place, seconds: seconds * (2.0 if place < 4 else 1.0)).oddities.excluded_blocks
    )
    assert 0 == summary_with().oddities.excluded_blocks


def test_precision_is_judged_on_every_pair_whether_or_not_it_is_verified(make_run, make_cell):
    """The control counts as well; verdicts and checks have no part in it."""
    cell = make_cell("tf-eager")
    run = make_run(cells=[cell, make_cell("tf-fit"), again(cell)])

    assert [0.95, 0.95] == [pair.confidence for pair in summarising.paired_intervals(replace(run, verifications=()))]


def test_a_timed_trial_that_did_not_learn_makes_its_loop_invalid(make_run):
    """Verified step by step or not: what was timed is what counts."""
    run = make_run(trial_fields={"tf-fit": {"validation_metric": 0.1, "steps": 300, "metric_name": "accuracy"}})
    others = (t if t.cell.loop == "tf-fit" else replace(t, validation_metric=None) for t in run.trials)
    run = replace(run, trials=tuple(others), expectations=(CURVE,))

    (group,) = summarising.summarise(run)

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

    assert all(cell.off_the_curve is None for group in summarising.summarise(run) for cell in group.cells)


def test_a_bound_that_a_loop_came_out_below_is_no_bound(make_run, make_least_step):
    """The machine's ceilings were not found, as on one that others use: there is none, and who refuted it is known."""
    run = make_run(steps={"tf-eager": 8e-3, "mine": 0.1e-3})

    (group,) = summarising.summarise(replace(run, least_steps=(make_least_step(),)))

    assert (None, "mine") == (group.least_step, group.below_least)


def test_a_floor_holds_for_its_workload_batch_size_and_processor(make_run, make_cell, make_least_step):
    """Another batch does other work, and a GPU is another machine."""
    run = make_run(cells=[make_cell("tf-eager")], steps={"tf-eager": 2e-3})

    assert summarising.summarise(replace(run, least_steps=(make_least_step(),)))[0].least_step == make_least_step()
    assert summarising.summarise(replace(run, least_steps=(make_least_step(batch_size=64),)))[0].least_step is None
    assert replace(run, least_steps=(make_least_step(),)).least_step_of(make_cell("tf-eager", device="gpu")) is None
