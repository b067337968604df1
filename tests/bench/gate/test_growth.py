"""Budgets on memory and first step, by looks of their own."""

from dataclasses import replace

import pytest

from bench.gate import growth
from bench.gate.settings import Settings

LOOKS = (6, 12, 18)


def grown(run, *, factors, **settings):
    """Return what has grown where a quantity of the head is so many times that of the base, round after round."""
    trials = []
    for trial in run.trials:
        factor = factors[trial.round % len(factors)] if trial.cell.side == "head" else 1.0
        trials.append(replace(trial, peak_memory_bytes=round(1e8 * factor)))
    return growth.find(replace(run, trials=tuple(trials)), settings=Settings(**settings))


@pytest.mark.parametrize(
    ("factors", "exceeded"),
    [([1.5, 1.51], True), ([1.05, 1.04], False), ([1.0, 1.25], None), ([0.5], False)],
)
def test_a_quantity_is_beyond_its_budget_within_it_or_undecided(make_gate_run, factors, exceeded):
    """10 %; where processes disagree nothing is said, and nothing fails."""
    run = make_gate_run({"tf-fit": 1.0}, rounds=6, looks=LOOKS)

    ((found,),) = grown(run, factors=factors, max_memory_growth=0.10).values()

    assert ("peak memory", exceeded, 0.10) == (found.quantity, found.exceeded, found.budget)


def test_without_a_budget_nothing_is_said(make_gate_run):
    """However much it grew."""
    assert {} == grown(make_gate_run({"tf-fit": 1.0}), factors=[9.0])


def test_a_round_that_only_one_side_finished_is_left_out(make_gate_run, make_failure):
    """Of six, five are left, and the looks are as they were."""
    run = make_gate_run({"tf-fit": 1.0}, rounds=6, looks=(5, 6))
    broken = tuple(
        replace(trial, failure=make_failure()) if (trial.cell.side, trial.round) == ("head", 2) else trial
        for trial in run.trials
    )

    ((found,),) = grown(replace(run, trials=broken), factors=[1.5, 1.51], max_memory_growth=0.10).values()

    assert (True, pytest.approx(0.5, abs=0.02)) == (found.exceeded, found.growth)
