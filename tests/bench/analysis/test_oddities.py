"""What is odd about processes: they never settle, compile while measured, or were disturbed."""

from dataclasses import replace

import pytest

from bench.analysis import summary as summarising
from bench.records.trial import BlockKind


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


def test_blocks_in_which_something_was_compiled_are_known_by_their_first_step(summary_with):
    """Counted from 1, the first call and the warm-up of three blocks of 150 steps included."""
    assert (1 + 3 * 150 + 1, 1 + 3 * 150 + 5 * 150 + 1) == (
        summary_with(compilations=lambda place, _: 2 * (place in {0, 5})).oddities.recompiled_steps
    )
    assert () == summary_with().oddities.recompiled_steps


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

    assert expected == summary.oddities.disturbed_blocks


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
        c.cell.loop: c.oddities.unsteady_rounds for c in group.cells if c.oddities.unsteady_rounds
    }


def test_a_process_far_from_the_others_of_its_loop_is_named(make_run):
    """Half as fast again as the others."""
    run = make_run(steps={"tf-eager": 1e-3, "tf-fit": 1e-3}, noise=0.001)
    first = run.trials[0]
    slow = replace(first, blocks=tuple(replace(block, seconds=1.5 * block.seconds) for block in first.blocks))

    (group,) = summarising.summarise(replace(run, trials=(slow, *run.trials[1:])))

    assert {first.cell.loop: (first.round,)} == {
        c.cell.loop: c.oddities.odd_rounds for c in group.cells if c.oddities.odd_rounds
    }
