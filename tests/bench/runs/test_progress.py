"""The bar: how far a run is."""

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from bench.runs import progress


def test_a_trial_of_few_blocks_counts_whole(make_run, make_cell):
    """Slow steps make fewer blocks than were planned, and the bar must not stay behind for it."""
    run = make_run(cells=[make_cell("slow"), make_cell("slower")], steps={"slow": 1.0, "slower": 2.0}, rounds=1)
    screen = StringIO()
    bar = progress.for_console(Console(file=screen, force_terminal=True, width=120), plan=run.header.plan, done=0)

    with bar:
        bar.stored(run.trials[0])
        bar.entered("start", round_number=0, cell=None)

    assert " 50 %" in screen.getvalue()


def test_the_bar_counts_turns(make_run, make_cell):
    """Three turns of four blocks, ready, warm and finished are six steps of one trial."""
    run = make_run(cells=[make_cell("one")], steps={"one": 1.0}, rounds=1)
    plan = replace(run.header.plan, blocks_per_trial=12, blocks_per_turn=4)
    screen = StringIO()

    with progress.for_console(Console(file=screen, force_terminal=True, width=120), plan=plan, done=0) as bar:
        for phase in ("start", "warm-up", "measure"):
            bar.entered(phase, round_number=0, cell=plan.cells[0])

    assert " 50 %" in screen.getvalue()


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        """Return the time."""
        return self.now


def test_time_left_comes_from_rounds_that_are_over_and_from_nothing_else():
    """Nothing is said in the first; half a round later half a round less is left; an overdue end is not below zero."""
    clock = Clock()
    left = progress.TimeLeft(clock=clock)

    said = []
    for now, round_number in ((0.0, 0), (25.0, 0), (30.0, 1), (45.0, 1), (90.0, 2), (200.0, 2)):
        clock.now = now
        left.begun(round_number)
        said.append(left.text(rounds=6))

    assert ["", "", "2 min 30 s left", "2 min 15 s left", "3 min 0 s left", "1 min 10 s left"] == said
    clock.now = 300.0
    assert "almost done" == left.text(rounds=6)


def test_a_run_that_is_gone_on_with_counts_the_rounds_that_it_sees():
    """Those before took no time here."""
    clock = Clock()
    left = progress.TimeLeft(clock=clock)

    left.begun(4)
    clock.now = 10.0
    left.begun(5)

    assert "10 s left" == left.text(rounds=6)


@pytest.mark.parametrize("width", [40, 50, 79, 80, 120])
def test_a_bar_per_cent_and_time_left_are_there_at_any_width(make_run, make_cell, width):
    """A narrow terminal gets no words in their place."""
    cell = make_cell("a-loop-with-a-long-name")
    plan = make_run(cells=[cell], steps={cell.loop: 1e-3}, rounds=6).header.plan
    screen, clock = StringIO(), Clock()
    bar = progress.Bar(Console(file=screen, force_terminal=True, width=width), plan=plan, done=0, clock=clock)

    with bar:
        for round_number in range(3):
            bar.entered("start", round_number=round_number, cell=None)
            clock.now += 60.0

    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).rsplit("round 3/6", 1)[1]
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" * 3 in last
    assert " %" in last
    assert "4 min 0 s left" in last


class Shown:
    """What a notebook shows in a cell's output, and how often it was drawn anew."""

    def __init__(self):
        self.drawn = []

    def __call__(self, data, *, raw, display_id):
        """Show something, as `IPython.display.display` does."""
        assert (True, True) == (raw, display_id)
        self.drawn.append(data)
        return self

    def update(self, data, *, raw):
        """Show something in its place."""
        assert raw
        self.drawn.append(data)


def test_a_notebook_shows_the_bar_in_one_place_and_takes_it_away(make_run, make_cell):
    """In plain text and in HTML, without a terminal's codes; names are text there."""
    cell = make_cell("<b>loop")
    run = make_run(cells=[cell], steps={"<b>loop": 1e-3}, rounds=2)
    shown, screen = Shown(), StringIO()
    bar = progress.NotebookBar(Console(file=screen), plan=run.header.plan, done=0, display=shown)

    with bar:
        bar.waiting("waiting for a quiet machine")
        bar.entered("warm up", round_number=0, cell=cell)
        bar.stored(run.trials[0])
        bar.entered("start", round_number=1, cell=None)

    first, waiting, warming, half, *_, last = shown.drawn
    assert "waiting for a quiet machine" in waiting["text/plain"]
    assert "round 1/2  <b>loop: warm up" in warming["text/plain"]
    assert "&lt;b&gt;loop: warm up" in warming["text/html"]
    assert " 50 %" in half["text/plain"]
    assert {"text/plain": "", "text/html": ""} == last
    assert not any("\x1b" in form for drawn in shown.drawn for form in drawn.values())
    assert ("", False) == (screen.getvalue(), first is last)


def test_a_notebook_is_told_of_failures_on_stderr(make_run, make_cell, make_failure):
    """As a terminal is; the bar goes on."""
    cell = make_cell("broken")
    run = make_run(
        cells=[cell], steps={"broken": 1e-3}, rounds=1, failures={"broken": make_failure(message="no layer")}
    )
    screen = StringIO()
    bar = progress.NotebookBar(Console(file=screen, width=200), plan=run.header.plan, done=0, display=Shown())

    with bar:
        bar.stored(run.trials[0])

    assert "no layer" in screen.getvalue()
