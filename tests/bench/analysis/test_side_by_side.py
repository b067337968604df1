"""Which sides are compared, when a comparison is over, and that what stops a run is what its report says."""

from dataclasses import replace

import pytest

from bench.analysis import side_by_side, summary
from bench.analysis.reading import read
from bench.analysis.verdict import Verdict
from bench.records.cell import AGAIN
from bench.records.trial import Failure, FailureKind

LOOKS = (6, 12, 18)


def after(run, rounds):
    """Return a run as it is after so many rounds, not ended."""
    return replace(run, trials=tuple(trial for trial in run.trials if trial.round < rounds), end=None)


def open_after(run, rounds):
    """Return the sides that another round is wanted of, by loop."""
    found = {}
    for cell in side_by_side.still_open(after(run, rounds)):
        found.setdefault(cell.loop, set()).add(cell.side)
    return found


def test_each_head_is_compared_with_its_base_and_with_the_anchor(make_gate_run):
    """By their own budgets; the repetition is compared with nothing."""
    run = make_gate_run({"tf-fit": 1.0, "tf-function": 1.0}, anchor=1.0, margins={"tf-fit": 0.10})

    found = side_by_side.comparisons(run.header.plan)

    assert [
        ("tf-fit", "base", 0.10, False),
        ("tf-fit", "anchor", 0.10, True),  # a sum may be as large as each of its parts
        ("tf-function", "base", 0.02, False),
        ("tf-function", "anchor", 0.04, True),
    ] == [(one.head.loop, one.base.side, one.budget, one.is_anchored) for one in found]
    assert {"head"} == {one.head.side for one in found}


def test_before_the_first_look_everything_is_measured(make_gate_run):
    """The repetition as well, which is not measured after it."""
    run = make_gate_run({"tf-fit": 1.02}, rounds=18, looks=LOOKS, noise=0.02)

    assert {"tf-fit": {"base", "head", AGAIN}} == open_after(run, 5)
    assert {"tf-fit": {"base", "head"}} == open_after(run, 6)


def test_a_loop_that_is_decided_is_not_measured_further_and_the_others_go_on(make_gate_run):
    """One is much slower, one is at the edge of its budget."""
    run = make_gate_run({"tf-fit": 1.5, "tf-function": 1.02}, rounds=18, looks=LOOKS, noise=0.02)

    assert {"tf-function": {"base", "head"}} == open_after(run, 6)


def test_what_was_decided_stays_decided(make_gate_run):
    """Whatever rounds come after it: it is looked at as if they were not there."""
    run = make_gate_run({"tf-fit": 1.5}, rounds=18, looks=LOOKS)
    turned = replace(
        run,
        trials=tuple(
            replace(trial, blocks=tuple(replace(block, seconds=block.seconds / 4.0) for block in trial.blocks))
            if trial.cell.side == "head" and trial.round >= 6
            else trial
            for trial in run.trials
        ),
    )

    assert [{}, {}] == [open_after(run, 6), open_after(turned, 12)]
    [group] = summary.summarise(turned)
    assert (Verdict.SLOWER, 6) == next(
        (cell.verdict, cell.speed_up.count) for cell in group.cells if cell.cell.side == "head"
    )


def test_after_the_last_look_nothing_is_wanted(make_gate_run):
    """However open it is."""
    assert {} == open_after(make_gate_run({"tf-fit": 1.02}, rounds=18, looks=LOOKS, noise=0.05), 18)


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_loop_that_failed_on_one_side_is_over(make_gate_run, side):
    """Nothing is left to compare the other side with."""
    crash = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")
    run = make_gate_run({"tf-fit": 1.0, "tf-function": 1.0}, looks=LOOKS, failures={("tf-fit", side): crash})

    assert {"tf-function"} == open_after(run, 1).keys()


def test_with_an_anchor_only_what_is_open_is_measured(make_gate_run):
    """The head is far from its base, and at the edge of what it may be slower than the anchor, or the other way."""
    crept = make_gate_run({"tf-fit": 0.5}, anchor=1.04, rounds=18, looks=LOOKS, noise=0.02)
    jumped = make_gate_run({"tf-fit": 1.02}, anchor=0.5, rounds=18, looks=LOOKS, noise=0.02)

    assert [{"tf-fit": {"head", "anchor"}}, {"tf-fit": {"base", "head"}}] == [
        open_after(run, 6) for run in (crept, jumped)
    ]


def test_with_a_precision_a_loop_is_open_until_its_interval_is_as_narrow(make_gate_run):
    """However clear its verdict is."""
    run = make_gate_run({"tf-fit": 1.5}, rounds=18, looks=LOOKS, noise=0.03, precision=0.02)

    assert {"tf-fit": {"base", "head"}} == open_after(run, 6)


def test_a_verdict_has_what_is_left_of_the_error_once_the_run_has_ended(make_gate_run):
    """Time was up after eleven rounds of 48: the last look is not one of eight."""
    run = make_gate_run({"tf-fit": 1.0}, rounds=11, looks=(6, 12, 48), noise=0.008)
    readings = {cell: read(run, cell) for cell in run.header.plan.cells}
    [comparison] = side_by_side.comparisons(run.header.plan)

    waiting, ended = (side_by_side.look(one, comparison, readings=readings) for one in (after(run, 11), run))

    assert [(6, Verdict.UNCLEAR), (11, Verdict.SAME)] == [
        (found.speed_up.count, found.verdict) for found in (waiting, ended)
    ]


def test_a_report_shows_the_interval_of_the_look_that_decided(make_gate_run):
    """So no page contradicts what the run stopped for; the anchor's stands beside it."""
    run = make_gate_run({"tf-fit": 1.3}, anchor=1.5, rounds=18, looks=LOOKS)

    [group] = summary.summarise(run)

    head = next(cell for cell in group.cells if cell.cell.side == "head")
    assert (Verdict.SLOWER, 6) == (head.verdict, head.speed_up.count)
    assert (Verdict.SLOWER, pytest.approx(1.5, rel=0.02)) == (
        group.anchored.verdict,
        1.0 / group.anchored.speed_up.estimate,
    )


def test_without_looks_there_is_no_anchor(make_gate_run):
    """As in runs that were stored before there was one."""
    [group] = summary.summarise(make_gate_run({"tf-fit": 1.0}, looks=()))

    assert group.anchored is None


@pytest.mark.parametrize(("broken", "wanted"), [("base", {"head"}), ("head", set())])
def test_a_head_whose_base_cannot_run_is_measured_to_see_that_it_works(make_gate_run, make_failure, broken, wanted):
    """Once; a base whose head cannot run is of no use to anybody."""
    run = make_gate_run({"tf-fit": 1.0}, rounds=6, looks=LOOKS)
    (first, *_) = (trial for trial in run.trials if trial.cell.side == broken)
    failed = replace(first, failure=make_failure(FailureKind.UNAVAILABLE), blocks=())

    found = side_by_side.still_open(replace(run, trials=(failed,), end=None))

    assert wanted == {cell.side for cell in found}
