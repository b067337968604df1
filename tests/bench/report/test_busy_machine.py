"""What is said when other work took the processor away: in words, and everywhere the same."""

from dataclasses import replace

import pytest

from bench.records.busy import BusyProgram
from bench.records.stored_run import Conditions
from bench.report import build, render
from bench.report.notice import NoticeKind


@pytest.fixture
def make_starved(make_run):
    """Return a function: a run of a slow and a fast loop, starved in so many of its six rounds."""

    def make(count, **settings):
        run = make_run(steps={"a": 2e-3, "b": 1e-3}, noise=0.005, **settings)

        def starved(trial):
            blocks = tuple(replace(b, cpu_seconds=b.seconds / 4, waited_seconds=b.seconds / 2) for b in trial.blocks)
            return replace(trial, blocks=blocks) if trial.round < count else trial

        hogs = BusyProgram(name="make", processes=2, cores=1.5)
        seen = (
            Conditions(round=number, load_average=8.0, stolen=0.0, seconds=9.0, others=1.5, busy=(hogs,))
            for number in range(count)
        )
        return replace(run, trials=tuple(map(starved, run.trials)), conditions=tuple(seen))

    return make


def test_a_machine_that_was_too_busy_has_no_fastest_loop(make_starved):
    """The headline says so, how often, and who was busy."""
    report = build(make_starved(6))

    often = "other work took the processor away in 6 of 6 rounds, 50 % of the time"
    who = f"{often}; busy then: make (2 processes, 1.5 cores)"
    assert report.verdict == (
        f"Too busy to tell which loop is fastest: {who}. "
        "Measure when the machine is quiet: `--wait SEC` waits for that."
    )
    (group,) = report.groups
    assert {"baseline", "unclear"} == {row.verdict for row in group.rows}
    assert {"-"} == {row.rank for row in group.rows}
    assert {f"too busy to tell: {who}"} == {row.reason for row in group.rows}
    assert () == report.advice


@pytest.mark.parametrize("output_format", ["table", "md", "json", "csv"])
def test_no_rendering_calls_anything_faster(make_starved, output_format):
    """Terminal, Markdown, JSON and CSV read one judgement."""
    shown = render(build(make_starved(6)), format=output_format)

    assert "2.0x faster" not in shown
    assert "is the fastest" not in shown


def test_rounds_that_are_left_out_are_named_and_lower_trust(make_starved):
    """What is left is as sound as any."""
    report = build(make_starved(2))

    (notice,) = [one for one in report.notices if one.kind is NoticeKind.STARVED]
    assert notice.text == (
        "Left out as starved: other work took the processor away from a, b in rounds 1, 2; busy then: make "
        "(2 processes, 1.5 cores). What is said rests on the other rounds."
    )
    assert report.trust.endswith(" warning.")
    assert report.verdict.startswith("b is the fastest loop")


def test_a_quiet_run_says_nothing_of_it(make_starved):
    """There is nothing to say."""
    assert [] == [one for one in build(make_starved(0)).notices if one.kind is NoticeKind.STARVED]
