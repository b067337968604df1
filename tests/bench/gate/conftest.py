"""Runs of a gate, two sides each."""

from dataclasses import replace

import pytest

from bench.records.cell import AGAIN, Side

SIDES = (Side(name="base", description="ref=main", facts={"commit": "a" * 40}), Side(name="head", description="here"))


@pytest.fixture
def make_gate_run(make_run, make_cell):
    """Return a function that makes the run of a gate; ``slowdowns`` maps loop -> head time / base time."""

    def make(slowdowns, *, noise=0.005, rounds=6, seed=0, control=True, failures=None):
        cells = [replace(make_cell(loop), side=side.name) for loop in slowdowns for side in SIDES]
        if control:
            cells.append(replace(cells[0], side=AGAIN))
        run = make_run(cells=cells, noise=noise, rounds=rounds, seed=seed, steps=dict.fromkeys(slowdowns, 1e-3))
        run = replace(run, header=replace(run.header, plan=replace(run.header.plan, sides=SIDES, verify=False)))
        trials = []
        for trial in run.trials:
            factor = slowdowns[trial.cell.loop] if trial.cell.side == "head" else 1.0
            blocks = tuple(replace(block, seconds=factor * block.seconds) for block in trial.blocks)
            failure = (failures or {}).get((trial.cell.loop, trial.cell.side))
            trials.append(replace(trial, blocks=() if failure else blocks, failure=failure))
        return replace(run, trials=tuple(trials), verifications=())

    return make
