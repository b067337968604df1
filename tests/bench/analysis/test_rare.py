"""Rare slow steps: how much of a step time they are, and what happened in them."""

from dataclasses import replace
from random import Random

import pytest

from bench.analysis import rare
from bench.analysis.rare import Cause
from bench.analysis.summary import summarise
from bench.analysis.verdict import Verdict
from bench.records.trial import Block, BlockKind

NEVER_FASTER = 12
"""Runs that are simulated; three hundred were, once."""


def measured(times, *, started=2000.0, **fields):
    """Return measured blocks of eight steps each from single step times, as a loop that only waits has them."""
    made = []
    for first in range(0, len(times), 8):
        steps = times[first : first + 8]
        block = Block(
            kind=BlockKind.MEASURED,
            steps=len(steps),
            seconds=sum(steps),
            started=started + first,
            cpu_seconds=0.01 * sum(steps),
            involuntary_switches=0,
            waited_seconds=0.0,
        )
        made.append(replace(block, **fields))
    return made


def of(trial, blocks, **fields):
    """Return a trial with these measured blocks in place of its own."""
    others = [block for block in trial.blocks if block.kind is not BlockKind.MEASURED]
    return replace(trial, blocks=(*others[:-1], *blocks, others[-1]), **fields)


def waiting_loops(make_run, *, seed):
    """Return a run: six milliseconds each step, against five with every fortieth fifty, that is 6.125 in the mean."""
    run, noise = make_run(steps={"a": 6e-3, "b": 5e-3}, seed=seed), Random(seed)
    trials = []
    for trial in run.trials:
        start = noise.randrange(40)
        usual = 6e-3 if trial.cell.loop == "a" else 5e-3
        times = [usual * noise.gauss(1.0, 0.002) for _ in range(192)]
        if trial.cell.loop == "b":
            times = [0.05 if (start + number) % 40 == 0 else one for number, one in enumerate(times)]
        trials.append(of(trial, measured(times)))
    return replace(run, trials=tuple(trials))


def test_a_loop_that_is_slower_in_the_mean_is_never_called_faster(make_run):
    """Most of its steps are shorter by a sixth; who trains pays for the others as well."""
    for seed in range(NEVER_FASTER):
        (group,) = summarise(waiting_loops(make_run, seed=seed))
        cells = {cell.cell.loop: cell for cell in group.cells}

        assert cells["b"].verdict in (Verdict.SLOWER, Verdict.SAME, Verdict.UNCLEAR)
        assert cells["a"].rank <= cells["b"].rank


def test_what_rare_steps_cost_is_found(make_run):
    """Every fortieth step ten times as long: 9 in 49 parts of the time are beyond the usual step."""
    (group,) = summarise(waiting_loops(make_run, seed=1))
    found = {cell.cell.loop: cell.oddities.rare for cell in group.cells}

    assert found["a"].share == pytest.approx(0.0, abs=0.01)
    assert found["b"].share == pytest.approx(9 / 49, abs=0.03)
    assert found["b"].shares[Cause.OTHER] == pytest.approx(9 / 49, abs=0.03)


def test_what_a_machine_took_is_not_the_loops_own(make_run):
    """A block in which the process was switched away and waited is left out."""
    trial = make_run(rounds=1).trials[0]
    quiet = measured([5e-3] * 160)
    taken = measured([25e-3] * 8, started=9000.0, waited_seconds=0.16, involuntary_switches=40, cpu_seconds=0.04)
    own = measured([25e-3] * 8, started=9000.0, waited_seconds=0.0, cpu_seconds=0.2)

    assert rare.of_cell([of(trial, [*quiet, *taken])]).share == pytest.approx(0.0)
    assert rare.of_cell([of(trial, [*quiet, *own])]).share == pytest.approx(4 / 25)


@pytest.mark.parametrize("used", [1.0, 0.0], ids=["computed", "waited for its input"])
def test_a_block_that_the_loop_spent_itself_is_never_left_out(make_run, used):
    """However slow it is, and on whatever machine."""
    trial = make_run(rounds=1).trials[0]
    slow = measured([0.5] * 8, started=9000.0, cpu_seconds=4.0 * used, waited_seconds=0.001, involuntary_switches=3)

    assert rare.of_cell([of(trial, [*measured([5e-3] * 160), *slow])]).share > 0.8


@pytest.mark.parametrize(
    ("fields", "cause"),
    [({"compilations": 1}, Cause.COMPILED), ({}, Cause.OTHER), ({"waited_seconds": None}, Cause.NOT_TOLD)],
)
def test_a_slow_block_has_a_cause(make_run, fields, cause):
    """Compiling again is counted by the framework; where waiting is not, it may have been the machine."""
    trial = replace(make_run(rounds=1).trials[0], steps_per_epoch=10**6)
    slow = measured([10e-3] * 8, started=9000.0, **fields)

    assert [cause] == list(rare.of_cell([of(trial, [*measured([5e-3] * 160), *slow])]).shares)


def test_the_end_of_an_epoch_is_found_by_counting_steps(make_run):
    """It lies in the block in which the count passes it."""
    trial = make_run(rounds=1).trials[0]
    before = sum(block.steps for block in trial.blocks if block.kind in (BlockKind.FIRST, BlockKind.WARM_UP))
    times = [5e-3] * 160
    times[83] = 60e-3
    trial = of(trial, measured(times), steps_per_epoch=before + 84)

    assert [Cause.EPOCH_END] == list(rare.of_cell([trial]).shares)


def test_an_end_counts_once_per_epoch_however_much_of_the_measurement_it_took(make_run):
    """Met once in 1,280 steps of an epoch of 10,000: eight seconds are 0.8 ms a step of 5.8 ms, in every process."""
    (first, second) = make_run(steps={"a": 5e-3}, rounds=2).trials
    before = sum(block.steps for block in first.blocks if block.kind in (BlockKind.FIRST, BlockKind.WARM_UP))
    times = [5e-3] * 160
    times[83] += 8.0
    met = of(first, measured(times), steps_per_epoch=10_000)
    met = replace(
        met, blocks=(replace(met.blocks[0], steps=met.blocks[0].steps + 10_000 - before - 84), *met.blocks[1:])
    )
    unmet = of(second, measured([5e-3] * 160), steps_per_epoch=10_000)

    found = rare.of_cell([met, unmet])

    assert (1, 1) == (found.ends, found.ends_in)
    assert found.share == pytest.approx(0.8 / 5.8, rel=0.01)
    assert found.shares == {Cause.EPOCH_END: pytest.approx(0.8 / 5.8, rel=0.01)}


def test_nothing_is_said_of_a_loop_that_has_no_process():
    """There is nothing to say it of."""
    assert rare.of_cell([]) is None
