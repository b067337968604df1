"""Tables hold the raw numbers, every block in order."""

import pandas as pd

from bench.records import tables
from bench.records.machine import machine_of


def nothing_counted(run):
    """Return that nobody counted what the trials took, one each."""
    return [None] * len((*run.trials, *run.calibration))


def test_every_block_has_a_row_in_order(make_run):
    """Warm-up included and marked."""
    run = make_run(rounds=1)

    table = tables.blocks(run)

    expected = [(t.cell.loop, b.kind.value, b.seconds) for t in run.trials for b in t.blocks]
    assert expected == list(table[["loop", "kind", "seconds"]].itertuples(index=False, name=None))


def test_every_trial_has_a_row(make_run):
    """With its versions as columns of their own."""
    run = make_run(rounds=2)

    table = tables.trials(run, step_seconds=nothing_counted(run))

    assert (10, "3.15.1") == (len(table), table["version_keras"].iloc[0])


def test_a_trial_says_what_it_counts_and_on_which_machine(make_run):
    """Whoever reads only this table needs no journal for either."""
    run = make_run(rounds=1)

    table = tables.trials(run, step_seconds=[1e-3, 2e-3, None, 4e-3, 5e-3])

    assert [1e-3, 2e-3, 4e-3, 5e-3] == table["step_seconds"].dropna().tolist()
    assert {machine_of(run.header.environment).key} == set(table["machine"])


def test_csv_and_parquet_say_the_same(tmp_path, make_run):
    """Whoever prefers one gets what the other has."""
    run = make_run(rounds=2)

    tables.write(run, folder=tmp_path, step_seconds=nothing_counted(run))

    for name in ("trials", "blocks"):
        from_parquet = pd.read_parquet(tmp_path / f"{name}.parquet")
        from_csv = pd.read_csv(tmp_path / f"{name}.csv")
        assert from_csv.to_json() == from_parquet.to_json()


def test_a_failed_trial_keeps_its_reason(make_run, make_trial, make_cell, make_failure):
    """Kind, phase and message are columns."""
    run = make_run(rounds=1)
    failed = make_trial(make_cell(), failure=make_failure())

    table = tables.trials(type(run)(header=run.header, trials=(failed,)), step_seconds=[None])

    assert ("raised", "measure") == (table["failure_kind"].iloc[0], table["failure_phase"].iloc[0])


def test_trials_of_the_kernel_are_rows_that_say_so(make_run):
    """Raw data are kept and marked."""
    run = make_run(rounds=2, kernel=3e-4)

    trials, blocks = tables.trials(run, step_seconds=nothing_counted(run)), tables.blocks(run)

    assert [("numpy", "calibration", 0), ("numpy", "calibration", 1)] == list(
        trials[trials["side"].notna()][["loop", "side", "round"]].itertuples(index=False, name=None)
    )
    assert sum(len(trial.blocks) for trial in run.calibration) == (blocks["side"] == "calibration").sum()


def test_a_spreadsheet_runs_nothing_of_a_table(tmp_path, make_run, make_failure):
    """Text is defused, numbers stay numbers; the columnar file keeps what was stored."""
    run = make_run(
        steps={"=HYPERLINK(1)": 1e-3, "other": 1e-3},
        rounds=1,
        failures={"other": make_failure(message="@SUM(1)")},
        trial_fields={"=HYPERLINK(1)": {"validation_metric": -0.5}},
    )

    tables.write(run, folder=tmp_path, step_seconds=nothing_counted(run))

    (first, second) = pd.read_csv(tmp_path / "trials.csv").to_dict("records")
    assert ("'=HYPERLINK(1)", -0.5, "'@SUM(1)") == (
        first["loop"],
        first["validation_metric"],
        second["failure_message"],
    )
    assert "=HYPERLINK(1)" == pd.read_parquet(tmp_path / "trials.parquet")["loop"][0]
