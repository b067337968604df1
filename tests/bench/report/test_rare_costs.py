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
