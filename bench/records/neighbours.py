"""Runs of the same machine that are stored beside a run."""

from collections.abc import Collection, Iterator
from pathlib import Path

from bench.errors import BenchError
from bench.records import journal, loading
from bench.records.machine import machine_of
from bench.records.stored_run import Run

MOST_RUNS = 20
"""The latest ones, so that reading them takes no time to speak of."""


def neighbours(run: Run, *, results: Path, but: Collection[str] = ()) -> Iterator[Run]:
    """Yield the latest runs of a run's machine that can be read; not the run itself, nor those with other ids.

    Args:
        run: Of any machine.
        results: Where runs are stored.
        but: Ids of more runs that are not wanted.
    """
    machine = machine_of(run.header.environment).key
    for folder in journal.runs(results)[-MOST_RUNS:]:
        try:
            one = loading.load(folder)
        except BenchError:
            continue  # of another version, or damaged: it says so where it is asked for
        known = one.header.run_id in (run.header.run_id, *but)
        if not known and machine_of(one.header.environment).key == machine:
            yield one
