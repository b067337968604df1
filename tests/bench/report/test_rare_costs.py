"""What is said of rare slow steps."""

from dataclasses import replace

import pytest

from bench.records.trial import BlockKind
from bench.report import build
from bench.report.notice import NoticeKind


@pytest.fixture
def make_rare(make_run):
    """Return a function: a run of two loops, the second of which has a slow block in each process."""

    def make(slower):
        run = make_run(steps={"a": 6e-3, "b": 5e-3}, noise=0.002)

        def spread(trial):
            if trial.cell.loop != "b":
                return trial
            blocks = list(trial.blocks)
            place = [number for number, block in enumerate(blocks) if block.kind is BlockKind.MEASURED][4]
            blocks[place] = replace(blocks[place], seconds=slower * blocks[place].seconds)
            return replace(trial, blocks=tuple(blocks))

        return replace(run, trials=tuple(map(spread, run.trials)))

    return make


def test_a_loop_that_rare_steps_make_slower_is_slower_and_the_page_says_why(make_rare):
    """Ten blocks of which one takes four times as long: five milliseconds in most steps, and six and a half in all."""
    report = build(make_rare(4.0))

    assert report.verdict.startswith("a, the baseline, is the fastest loop: the nearest is b, 1.08x slower")
    (notice,) = [one for one in report.notices if one.kind is NoticeKind.RARE_COSTS]
    assert notice.text.startswith("Rare slow steps are a part of the step time, which is total time over total")
    assert "steps: b 23" in notice.text
    assert "(loop or machine, not told)" in notice.text
    assert not notice.lowers_trust


def test_a_lead_that_rare_steps_do_not_take_back_stands(make_rare):
    """They cost less than what it is ahead by."""
    report = build(make_rare(1.5))

    assert report.verdict.startswith("b is the fastest loop")


def test_nothing_is_said_where_steps_are_alike(make_rare):
    """There is nothing to say."""
    assert NoticeKind.RARE_COSTS not in {one.kind for one in build(make_rare(1.0)).notices}


@pytest.fixture
def make_epochs(make_run):
    """Return a function: what rounds met of the end of an epoch of 100,000 steps -> a run of one loop."""

    def make(met, **fields):
        run = make_run(steps={"a": 5e-3}, rounds=6, noise=0.0)
        epoch = 100_000

        def moved(trial):
            first, *rest = trial.blocks
            start = epoch - sum(block.steps for block in rest) // 2 if trial.round in met else first.steps
            blocks = [replace(first, steps=start), *rest]
            done = 0
            for place, block in enumerate(blocks):
                done += block.steps
                if done >= epoch:
                    blocks[place] = replace(block, seconds=block.seconds + 500.0)
                    break
            return replace(trial, blocks=tuple(blocks), steps_per_epoch=epoch, **fields)

        return replace(run, trials=tuple(map(moved, run.trials)))

    return make


def test_how_many_ends_of_epochs_were_met_is_said_where_they_are_few(make_epochs):
    """Five milliseconds at each end, which two processes met: half of the step time is known from two ends."""
    (notice,) = [one for one in build(make_epochs({0, 3})).notices if one.kind is NoticeKind.RARE_COSTS]

    assert "a 50 % (end of an epoch, 2 ends met by 2 processes)" in notice.text


def test_from_as_many_ends_as_rounds_it_is_not_said(make_epochs):
    """Each process knows of its own."""
    (notice,) = [one for one in build(make_epochs(set(range(6)))).notices if one.kind is NoticeKind.RARE_COSTS]

    assert "a 50 % (end of an epoch)" in notice.text


def test_that_no_process_came_to_the_end_of_an_epoch_is_said_with_the_way_out(make_epochs):
    """What it costs is not in the numbers; that is how far they reach, and nothing is wrong with them."""
    notices = {one.kind: one for one in build(make_epochs(())).notices}

    assert notices[NoticeKind.EPOCH_ENDS].text == (
        "No process of a trained to the end of an epoch (100,000 steps): what an end costs is not in its step. "
        "`--steps 100000` has each process measure one."
    )
    assert not notices[NoticeKind.EPOCH_ENDS].lowers_trust
    assert NoticeKind.EPOCH_ENDS not in {one.kind for one in build(make_epochs({2})).notices}


@pytest.mark.parametrize(
    ("versions", "track", "told"),
    [({"tensorflow": "2.21.0"}, "guide", True), ({"tensorflow": "2.21.0"}, "matched", False), ({}, "guide", False)],
)
def test_an_end_that_waits_for_what_tunes_tf_data_is_told_with_the_way_out(
    make_epochs, make_cell, versions, track, told
):
    """Its seconds pass without the processor; elsewhere nobody knows what for."""
    run = make_epochs({0, 3}, versions=versions, cell=make_cell("a", track=track))
    plan = replace(run.header.plan, cells=(make_cell("a", track=track),))

    notices = build(replace(run, header=replace(run.header, plan=plan))).notices

    (notice,) = [one for one in notices if one.kind is NoticeKind.RARE_COSTS]
    assert told == ("`options.autotune.enabled = False`" in notice.text)
