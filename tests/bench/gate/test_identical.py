"""What the same code was apart, over the runs of a machine."""

from dataclasses import replace

import pytest

from bench.gate import identical
from bench.records.cell import AGAIN
from bench.records.journal import Journal


def apart(run, factor, *, run_id, machine="a"):
    """Return a run whose repetition took so many times as long, as measured on a machine."""
    header = replace(run.header, run_id=run_id, environment={"cpu model": machine})
    trials = tuple(
        replace(trial, blocks=tuple(replace(block, seconds=factor * block.seconds) for block in trial.blocks))
        if trial.cell.side == AGAIN
        else trial
        for trial in run.trials
    )
    return replace(run, header=header, trials=trials)


@pytest.fixture
def store(tmp_path):
    """Return a function that stores a run."""

    def keep(run):
        journal = Journal.create(tmp_path / "results", header=run.header)
        for trial in run.trials:
            journal.add(trial)
        journal.release()

    return keep


def test_one_run_is_a_number_without_an_interval(make_gate_run, tmp_path):
    """With its sign: the second took longer."""
    run = apart(make_gate_run({"tf-fit": 1.0}, noise=1e-4), 1.03, run_id="one")

    found = identical.pooled(run, results=tmp_path / "results")

    assert (1, pytest.approx(0.03, abs=1e-3), None) == (found.runs, found.apart, found.low)


def test_runs_of_the_same_machine_are_pooled_and_each_counts_once(make_gate_run, store, tmp_path):
    """This one may be stored already; runs of other machines, and those that cannot be read, do not count."""
    plain = make_gate_run({"tf-fit": 1.0}, noise=1e-4)
    now = apart(plain, 1.03, run_id="now")
    for one in (now, apart(plain, 0.97, run_id="then"), apart(plain, 2.0, run_id="other", machine="b")):
        store(one)
    (tmp_path / "results" / "broken").mkdir()
    (tmp_path / "results" / "broken" / "journal.jsonl").write_text("no journal\n")

    found = identical.pooled(now, results=tmp_path / "results")

    assert (2, pytest.approx(0.0, abs=1e-3)) == (found.runs, found.apart)
    assert found.low < found.apart < found.high


def test_a_run_without_a_repetition_shows_nothing(make_gate_run, tmp_path):
    """Nor is anything made up."""
    assert identical.pooled(make_gate_run({"tf-fit": 1.0}, control=False), results=tmp_path) is None
