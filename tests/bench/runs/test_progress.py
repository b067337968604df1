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
