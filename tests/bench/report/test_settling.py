"""How many more rounds would settle what is unclear."""

from dataclasses import replace

import pytest

from bench.analysis.summary import summarise
from bench.report.settling import round_time, settling


@pytest.fixture
def unclear(make_run):
    """Return a run of a pair that six rounds do not tell apart, and its cells."""
    run = make_run(steps={"old": 1.035e-3, "new": 1e-3}, noise=0.01)
    return run, [cell for group in summarise(run) for cell in group.cells]


def test_rounds_time_and_loops_are_named(unclear):
    """What to type follows from the number of rounds in all."""
    run, cells = unclear

    found = settling(run, cells)

    (needed,) = {cell.rounds_to_settle for cell in cells if cell.rounds_to_settle}
    assert needed == found.rounds
    assert found.text.startswith(f"{needed - 6} more rounds (about ")
    assert found.text.endswith(" min 59 s) would settle new")


def test_nobody_is_sent_to_wait_for_hours_where_a_loop_settles_soon(unclear):
    """The soonest one then, and only it."""
    run, cells = unclear
    slow = [replace(cell, rounds_to_settle=5000, cell=replace(cell.cell, loop="late")) for cell in cells[:1]]

    assert settling(run, cells).rounds == settling(run, [*cells, *slow]).rounds
    assert 5000 == settling(run, slow).rounds


def test_nothing_is_said_where_nothing_is_unclear_or_the_run_has_no_number_of_rounds(unclear, make_run):
    """A run that goes by precision was told when to stop."""
    run, cells = unclear
    clear = make_run(steps={"old": 2e-3, "new": 1e-3}, noise=0.01)
    adaptive = replace(run, header=replace(run.header, plan=replace(run.header.plan, precision=0.01)))

    assert settling(clear, [cell for group in summarise(clear) for cell in group.cells]) is None
    assert settling(adaptive, cells) is None


def test_a_round_lasts_from_its_first_start_to_its_last_block(make_run):
    """Nothing is known of a run without a block."""
    run = make_run(rounds=3)

    assert round_time(run) > 0.0
    assert round_time(replace(run, trials=())) is None
