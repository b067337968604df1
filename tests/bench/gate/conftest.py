"""Runs of a gate, two sides each."""

from dataclasses import replace

import pytest

from bench.records.busy import BusyProgram
from bench.records.cell import AGAIN, Side
from bench.records.stored_run import Conditions

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


@pytest.fixture
def make_starved():
    """Return a function: a run -> the same on a machine whose other work had the processor in its first rounds."""

    def make(run, *, rounds=6):
        hogs = BusyProgram(name="make", processes=2, cores=1.5)

        def starved(trial):
            blocks = tuple(replace(b, cpu_seconds=b.seconds / 4, waited_seconds=b.seconds / 2) for b in trial.blocks)
            return replace(trial, blocks=blocks) if trial.round < rounds else trial

        seen = (
            Conditions(round=number, load_average=8.0, stolen=0.0, seconds=9.0, others=1.5, busy=(hogs,))
            for number in range(rounds)
        )
        return replace(run, trials=tuple(map(starved, run.trials)), conditions=tuple(seen))

    return make
