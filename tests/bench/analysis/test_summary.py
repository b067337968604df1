"""Summaries of cells: who is compared with whom, on what, and what stays empty."""

from dataclasses import replace

import pytest

from bench.analysis import process
from bench.analysis import summary as summarising
from bench.analysis.total_time import BreakEven
from bench.analysis.verdict import Verdict
from bench.records.cell import AGAIN, Side
from bench.records.trial import BlockKind, Failure, FailureKind

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


def test_only_measured_blocks_count(make_trial, make_cell):
    """Neither the first call nor the warm-up reach the step time."""
    trial = make_trial(make_cell("tf-eager"), step=0.01, noise=0.0)
    slow_start = [
        replace(block, seconds=99.0) if block.kind is not BlockKind.MEASURED else block for block in trial.blocks
    ]

    assert pytest.approx(0.01) == process.trial_step_seconds(replace(trial, blocks=tuple(slow_start)))


def test_a_trial_that_failed_has_no_step_time(make_trial, make_cell):
    """What it measured before it failed is kept raw, and not used."""
    assert process.trial_step_seconds(make_trial(make_cell(), failure=FAILURE)) is None


def test_groups_are_never_mixed(make_run, make_cell, make_trial):
    """Another batch size is another group, with its own baseline."""
    run = make_run()
    cells = tuple(replace(cell, batch_size=256) for cell in run.header.plan.cells)
    plan = replace(run.header.plan, cells=run.header.plan.cells + cells)

    groups = summarising.summarise(replace(run, header=replace(run.header, plan=plan)))

    assert [(32, 5), (256, 5)] == [(group.batch_size, len(group.cells)) for group in groups]


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


def test_a_repetition_is_no_row_but_the_noise_floor(make_run, make_cell):
    """What identical loops differ by is shown, and never ranked."""
    cell = make_cell("tf-eager")
    (group,) = summarising.summarise(make_run(cells=[cell, make_cell("tf-fit"), again(cell)], noise=0.02))

    assert ["tf-fit", "tf-eager"] == [summary.cell.name for summary in group.cells]
    assert "tf-eager" == group.control.name
    assert 0.0 < group.control.floor < 0.1
    assert pytest.approx(1.0, abs=group.control.floor) == group.control.ratio.estimate


def test_a_difference_below_the_noise_floor_is_unclear(make_run, make_cell):
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
    assert after.control.floor > 0.15


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


def test_blocks_of_a_warm_up_that_shows_are_left_out(make_trial, make_cell):
    """Four blocks at twice the time, then six that hold still: the step time is theirs."""
    trial = make_trial(make_cell("tf-eager"), noise=0.0, step=1e-3)
    slow = iter([2.0] * 4)
    blocks = [
        replace(block, seconds=next(slow, 1.0) * 1e-3 * block.steps) if block.kind is BlockKind.MEASURED else block
        for block in trial.blocks
    ]

    assert pytest.approx(1e-3) == process.trial_step_seconds(replace(trial, blocks=tuple(blocks)))


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
    assert 4 == summary_with(seconds=lambda place, seconds: seconds * (2.0 if place < 4 else 1.0)).excluded_blocks
    assert 0 == summary_with().excluded_blocks


def test_blocks_in_which_something_was_compiled_are_known_by_their_first_step(summary_with):
    """Counted from 1, the first call and the warm-up of three blocks of 150 steps included."""
    assert (1 + 3 * 150 + 1, 1 + 3 * 150 + 5 * 150 + 1) == (
        summary_with(compilations=lambda place, _: 2 * (place in {0, 5})).recompiled_steps
    )
    assert () == summary_with().recompiled_steps


@pytest.mark.parametrize(
    ("slowdown", "switches", "expected"),
    [(1.5, 1000, 1), (1.5, 2, 0), (1.0, 1000, 0)],
    ids=["slow and interrupted", "slow for another reason", "interrupted and none the slower"],
)
def test_a_block_is_disturbed_if_it_was_slow_while_other_work_ran(summary_with, slowdown, switches, expected):
    """Either alone says nothing about other work."""
    summary = summary_with(
        seconds=lambda place, seconds: seconds * (slowdown if place == 5 else 1.0),
        involuntary_switches=lambda place, usual: switches if place == 5 else usual,
    )

    assert expected == summary.disturbed_blocks


def test_a_process_that_never_settles_is_pointed_out(make_run, make_trial):
    """Each block slower than the one before: all blocks count, and the round is named."""
    run = make_run(steps={"tf-eager": 1e-3, "tf-fit": 1e-3}, noise=0.001)
    first = run.trials[0]
    climbing = tuple(
        replace(block, seconds=block.seconds * (1.0 + 0.05 * number)) for number, block in enumerate(first.blocks)
    )
    run = replace(run, trials=(replace(first, blocks=climbing), *run.trials[1:]))

    (group,) = summarising.summarise(run)

    assert {first.cell.loop: (first.round,)} == {
        c.cell.loop: c.unsteady_rounds for c in group.cells if c.unsteady_rounds
    }


def test_a_process_far_from_its_siblings_is_named(make_run):
    """Half as fast again as the others."""
    run = make_run(steps={"tf-eager": 1e-3, "tf-fit": 1e-3}, noise=0.001)
    first = run.trials[0]
    slow = replace(first, blocks=tuple(replace(block, seconds=1.5 * block.seconds) for block in first.blocks))

    (group,) = summarising.summarise(replace(run, trials=(slow, *run.trials[1:])))

    assert {first.cell.loop: (first.round,)} == {c.cell.loop: c.odd_rounds for c in group.cells if c.odd_rounds}


def test_precision_is_judged_on_every_pair_whether_or_not_it_is_verified(make_run, make_cell):
    """The control counts as well; verdicts and checks have no part in it."""
    cell = make_cell("tf-eager")
    run = make_run(cells=[cell, make_cell("tf-fit"), again(cell)])

    assert [0.95, 0.95] == [pair.confidence for pair in summarising.paired_intervals(replace(run, verifications=()))]
