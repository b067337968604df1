"""Tables of strings, and one of plain numbers."""

import io
import re
from dataclasses import replace

import pandas as pd
import pytest

from bench.records.trial import Ablation
from bench.report import model, page, tables
from bench.report.model import build


def rows(table):
    """Return a table's rows as lists."""
    return table.frame.to_numpy().tolist()


def test_the_main_table_has_these_columns_and_rows(report):
    """Verdict and speed come directly after the loop."""
    table = tables.loops(report.groups[0])

    assert list(table.frame.columns) == [
        "Rank",
        "Loop",
        "Verdict",
        "Speed-up",
        "95 % interval",
        "ms/step",
        "Samples/s",
        "First step s",
        "Peak memory MiB",
        "Interval ±",
        "Processes x steps",
        "Validation metric",
    ]
    assert rows(table)[0] == [
        "1",
        "tf-function",
        "▲ faster",
        "21.7x faster",
        "20.7 to 22.7",
        "0.382",
        "84,000",
        "0.620",
        "584",
        "± 6.3 %",
        "6 x 5,085",
        "0.957",
    ]
    assert rows(table)[-1][:6] == ["5", "tf-eager", "baseline", "n/a", "n/a", "8.28"]
    assert "against tf-eager" in table.caption


def test_each_of_several_metrics_has_a_column(make_run):
    """Where a loop does not know one, that is said."""
    several = {"training_metrics": {"mae": 0.5, "auc": 0.9}, "validation_metrics": {"mae": 0.6, "auc": 0.8}}
    run = make_run(trial_fields=dict.fromkeys(("tf-function", "tf-fit"), several))

    report = build(run)
    table = tables.work(report.groups[0])

    assert ["Training mae", "Training auc"] == [name for name in table.frame.columns if name.startswith("Training")][:2]
    assert ["0.600", "n/a"] == [table.frame["Validation mae"][row] for row in (0, 4)]
    assert 0.8 == tables.summary(report)["validation_metrics_auc"][0]


def test_nothing_is_shown_of_validation_where_there_is_none(make_run, report):
    """No column of "n/a" in any table."""
    loops = [row.loop for row in report.groups[0].rows]
    run = make_run(trial_fields={loop: {"validation_metric": None, "validation_metrics": {}} for loop in loops})

    group = build(run).groups[0]

    columns = [*tables.loops(group).frame.columns, *tables.work(group).frame.columns]
    assert not [name for name in columns if "Validation" in name]


def test_the_start_up_table_shows_when_compiling_pays(report):
    """First step, steady step and break-even side by side."""
    table = tables.start_up(report.groups[0])

    assert list(table.frame.columns)[:4] == ["Loop", "First step s", "Steady ms/step", "Ahead of baseline"]
    assert rows(table)[0][:4] == ["tf-function", "0.620", "0.382", "after 74 steps (72 to 77; 0.0474 epochs)"]


def test_the_work_table_shows_what_was_trained(report):
    """Steps, samples, losses and metrics."""
    assert rows(tables.work(report.groups[0]))[-1] == [
        "tf-eager",
        "as keras-adam",
        "4e-07",
        "236",
        "7,552",
        "2.35",
        "0.189",
        "0.943",
        "0.957",
    ]


def test_the_memory_table_shows_what_was_occupied(report):
    """Host, device and cores."""
    assert rows(tables.memory(report.groups[0]))[0] == ["tf-function", "584", "n/a", "1.50"]


def test_the_breakdown_has_parts_where_there_are_some(make_run, report):
    """Milliseconds; a compiled step has none but its pipeline."""
    run = make_run(steps={"torch-keras": 2e-3, "tf-function": 1e-3})
    plan = replace(run.header.plan, breakdown=True)
    ladder = ((), 2.02e-3), (("metric",), 1.9e-3), (("metric", "optimizer"), 1.4e-3)
    ablations = tuple(Ablation(left_out=left_out, step_seconds=seconds) for left_out, seconds in ladder)
    trials = [
        replace(trial, ablations=ablations)
        if trial.cell.loop == "torch-keras"
        else replace(trial, pipeline_seconds=2e-6, step_alone_seconds=0.99e-3)
        for trial in run.trials
    ]
    run = replace(run, header=replace(run.header, plan=plan), trials=tuple(trials))

    table = tables.breakdown(build(run).groups[0])

    assert table is not None
    function, keras = rows(table)
    assert ["Loop", "ms/step", "Where it goes", "In a sentence", "Alone", "Beside / ranked"] == list(
        table.frame.columns
    )
    assert "tf-function" == function[0]
    assert ["fetching a batch 0.00200 ms and a step on one batch 0.990 ms", ""] == function[4:]
    assert re.fullmatch(r"optimizer 0.5\d+ ms \(25 %\), metric 0.1\d+ ms \(5.9 %\), .* 1.\d+ ms \(69 %\)", keras[2])
    assert ["", "101 %"] == keras[4:]
    assert "n/a" not in {cell for row in (function, keras) for cell in row}
    assert None is tables.breakdown(report.groups[0])


def test_failures_have_a_table_only_where_there_are_some(make_run, make_failure, report):
    """Nothing is shown of what did not happen."""
    failed = tables.failures(build(make_run(failures={"tf-fit": make_failure()})).groups[0])

    assert tables.failures(report.groups[0]) is None
    assert failed is not None
    assert rows(failed) == [
        ["tf-fit", "✖ failed", "6 of 6 processes failed: raised in measure: ValueError: shapes do not match"]
    ]


def test_provenance_is_a_table_of_facts(report):
    """Section and name, then the value."""
    assert ["Data: dataset", "mnist"] in rows(tables.provenance(report))


def test_csv_has_one_row_of_plain_numbers_per_cell(make_run, make_failure):
    """Seconds, bytes and ratios as they are; what is missing reads n/a and is read back as missing."""
    report = build(make_run(failures={"tf-fit": make_failure()}))

    text = tables.to_csv(report)
    frame = pd.read_csv(io.StringIO(text))

    assert ["tf-function", "torch-native", "torch-keras", "tf-eager", "tf-fit"] == list(frame["loop"])
    assert ["faster", "faster", "faster", "baseline", "failed"] == list(frame["verdict"])
    assert report.groups[0].cells[0].step.estimate == pytest.approx(frame["step_seconds"][0])
    assert frame["step_seconds"].isna().to_list() == [False, False, False, False, True]
    assert ",n/a," in text
    assert "\r" not in text


def test_csv_keeps_hostile_names_whole(make_run):
    """Commas and quotes are quoted."""
    report = build(make_run(steps={'a,b"c': 1e-3, "d": 2e-3}, rounds=2))

    frame = pd.read_csv(io.StringIO(tables.to_csv(report)))

    assert ['a,b"c', "d"] == list(frame["loop"])


def test_a_report_says_how_far_each_loop_is_from_the_floor(make_run, make_cell, make_least_step):
    """As a multiple and as a share, with the formula beside it; step times of the fixture carry some noise."""
    run = make_run(
        cells=[make_cell("tf-eager"), make_cell("tf-function")], steps={"tf-eager": 2e-3, "tf-function": 4e-4}
    )
    run = replace(run, least_steps=(make_least_step(),))

    (group,) = model.build(run).groups
    limit = tables.limit(group)

    assert {"tf-function": "2.01x", "tf-eager": "10.1x"} == {row.loop: row.above for row in group.limit}
    assert "1.00 million operations at 10.0 billion per second" in limit.caption
    assert any("tf-function takes 2.01 times as long as the least" in sentence for sentence in group.conclusions)
    assert "How far from the limit?" in page.to_html(model.build(run), plots=[[]], pictures=[[]], scaling=[])


def test_what_to_type_is_a_table_of_the_loops_that_say_it(report, named_report):
    """Of an older run there is none."""
    table = tables.words(named_report.groups[0])

    assert ["Loop", "What it is", "In place of plain fit()"] == list(table.frame.columns)
    assert [
        ("tf-function", "a step under tf.function", "copy `step`"),
        ("tf-eager", "a step op by op", "n/a"),
    ] == [tuple(row) for row in table.frame.to_numpy()]
    assert tables.words(report.groups[0]) is None
