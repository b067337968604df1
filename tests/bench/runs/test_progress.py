"""The bar: how far a run is."""

from io import StringIO

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
