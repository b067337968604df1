"""Rows of the report's tables."""

from dataclasses import replace

import pytest

from bench.report import rows


def test_a_row_has_every_number_with_the_digits_that_its_interval_supports(make_run, cells_of):
    """One loop of an ordinary run, cell by cell."""
    cell = cells_of(make_run())["tf-function"]

    row = rows.main_row(cell, rank="1")

    assert row == rows.Row(
        rank="1",
        loop="tf-function",
        verdict="faster",
        glyph="▲",
        speed_up="21.7x faster",
        interval="20.7 to 22.7",
        step="0.382",
        samples_per_second="84,000",
        first_step="0.620",
        peak_memory="584",
        half_width="± 6.3 %",
        processes="6 x 5,085",
        validation_metric="0.957",
        reason=None,
    )
    assert "▲ faster" == row.verdict_text


def test_the_baseline_row_reads_baseline(make_run, cells_of):
    """A loop has no speed against itself."""
    row = rows.main_row(cells_of(make_run())["tf-eager"], rank="5")

    assert "baseline" == row.verdict_text
    assert "n/a" == row.speed_up
    assert "n/a" == row.interval


def test_one_round_has_no_interval(make_run, cells_of):
    """A single process gives a speed, but neither interval nor noise nor verdict."""
    row = rows.main_row(cells_of(make_run(rounds=1))["tf-function"], rank="n/a")

    assert "? unclear" == row.verdict_text
    assert "21.8x faster" == row.speed_up
    assert "n/a" == row.interval
    assert "n/a" == row.half_width


def test_a_failed_row_keeps_its_reason_and_has_no_zero(make_run, make_failure, cells_of):
    """Every number that is missing reads n/a."""
    row = rows.main_row(cells_of(make_run(failures={"tf-fit": make_failure()}))["tf-fit"], rank="-")

    assert "✖ failed" == row.verdict_text
    assert "6 of 6 processes failed: raised in measure: ValueError: shapes do not match" == row.reason
    assert {"n/a"} == {row.speed_up, row.interval, row.step, row.samples_per_second, row.first_step, row.peak_memory}
    assert "0 x n/a" == row.processes


def test_a_start_up_row_has_every_phase(make_run, cells_of):
    """Times before the steady state, and when they are paid back."""
    row = rows.start_up_row(cells_of(make_run())["tf-function"], baseline=False)

    assert row == rows.StartUpRow(
        loop="tf-function",
        imports="2.70",
        build="0.410",
        first_step="0.620",
        warm_up="0.539",
        step="0.382",
        evaluation="0.210",
        compiled="n/a",
        pays_back="after 74 steps (72 to 77; 0.0474 epochs)",
    )


def test_the_baseline_has_nothing_to_pay_back(make_run, cells_of):
    """The start-up row of the baseline says what it is."""
    assert "baseline" == rows.start_up_row(cells_of(make_run())["tf-eager"], baseline=True).pays_back


def test_a_work_row_counts_exactly(make_run, cells_of):
    """Steps and samples are counts, losses and metrics estimates."""
    row = rows.work_row(cells_of(make_run())["tf-eager"])

    assert row == rows.WorkRow(
        loop="tf-eager",
        verified="as keras-adam",
        loss_gap="4e-07",
        steps="236",
        samples="7,552",
        first_loss="2.35",
        last_loss="0.189",
        training_metrics={"metric": "0.943"},
        validation_metrics={"metric": "0.957"},
    )


def test_a_memory_row_is_in_mebibytes(make_run, cells_of):
    """Host memory is known on every machine, device memory only where there is a device."""
    run = make_run(trial_fields={"tf-fit": {"device_peak_memory_bytes": 3 * 2**20}})
    cells = cells_of(run)

    assert rows.memory_row(cells["tf-fit"]) == rows.MemoryRow(
        loop="tf-fit", peak_memory="584", device_peak_memory="3.00", cores="1.50"
    )
    assert "n/a" == rows.memory_row(cells["tf-eager"]).device_peak_memory


def test_loops_that_cannot_be_told_apart_share_a_rank(make_run, cells_of):
    """The rank after a tie counts the loops before it."""
    cells = cells_of(make_run(steps={"a": 4e-3, "b": 1e-3, "c": 1e-3, "d": 2e-3}, noise=0.01))

    assert ["b", "c", "d", "a"] == list(cells) or ["c", "b", "d", "a"] == list(cells)
    assert ["1=", "1=", "3", "4"] == rows.ranks(list(cells.values()))


def test_failed_loops_and_single_rounds_have_no_rank(make_run, make_failure, cells_of):
    """Without an interval nothing is told apart; what failed is not ranked at all."""
    cells = cells_of(make_run(rounds=1, failures={"tf-fit": make_failure()}))

    assert ["n/a", "n/a", "n/a", "n/a", "-"] == rows.ranks(list(cells.values()))


@pytest.mark.parametrize(
    ("compiled", "words"),
    [
        (None, "n/a"),
        ({}, "no graph"),
        ({"graphs": 1, "breaks": 0}, "1 graph, 0 breaks"),
        ({"graphs": 3, "breaks": 2}, "3 graphs, 2 breaks"),
        ({"programs": 1}, "1 program"),
    ],
)
def test_what_was_compiled_stands_beside_what_it_costs(make_run, cells_of, compiled, words):
    """A graph in pieces runs eagerly in between; of the processes, the one with the most counts."""
    run = make_run()
    first, *_ = run.trials_of(run.header.plan.cells[1])
    others = None if compiled is None else {}
    trials = [replace(trial, compiled=compiled if trial == first else others) for trial in run.trials]

    cell = cells_of(replace(run, trials=tuple(trials)))[first.cell.loop]

    assert words == rows.start_up_row(cell, baseline=False).compiled
