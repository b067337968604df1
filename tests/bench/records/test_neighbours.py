"""Runs of the same machine."""

from dataclasses import replace

import pytest

from bench.records.journal import Journal
from bench.records.neighbours import MOST_RUNS, neighbours


@pytest.fixture
def store(tmp_path, make_run):
    """Return a function that stores a run of a machine under an id."""

    def keep(run_id, *, machine="a"):
        run = make_run(run_id=run_id, rounds=1, steps={"a": 1e-3}, environment={"cpu model": machine})
        journal = Journal.create(tmp_path, header=run.header)
        for trial in run.trials:
            journal.add(trial)
        journal.release()
        return run

    return keep


def test_runs_of_the_machine_are_found_and_neither_the_run_nor_others_that_are_named(store, tmp_path):
    """What cannot be read says so where it is asked for."""
    run = store("20260101-1")
    store("20260101-2")
    store("20260101-3", machine="b")
    store("20260101-4")
    (tmp_path / "20260101-2" / "journal.jsonl").write_text("{")

    assert ["20260101-4"] == [one.header.run_id for one in neighbours(run, results=tmp_path)]
    assert [] == list(neighbours(run, results=tmp_path, but=["20260101-4"]))


def test_the_latest_ones_are_read(store, tmp_path):
    """So that a long history costs nothing."""
    run = replace(store("20260101-00"))
    for number in range(1, MOST_RUNS + 3):
        store(f"20260101-{number:02}")

    found = [one.header.run_id for one in neighbours(run, results=tmp_path)]

    assert [f"20260101-{number:02}" for number in range(3, MOST_RUNS + 3)] == found
