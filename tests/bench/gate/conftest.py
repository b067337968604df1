"""What happens to runs of a gate; `make_gate_run` itself is in the conftest of all."""

from dataclasses import replace

import pytest

from bench.records.busy import BusyProgram
from bench.records.stored_run import Conditions


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
