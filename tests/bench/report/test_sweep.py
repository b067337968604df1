"""What a sweep over batch sizes or widths says."""

import re
from dataclasses import replace

from bench.report import page, sweep, tables, terminal
from bench.report.model import build

COSTS = {"tf-function": (300e-6, 2.5e-6), "numpy": (60e-6, 9e-6)}


def test_one_size_is_no_sweep(report):
    """Nothing is said about what was not measured."""
    assert () == report.scaling


def test_a_sweep_says_who_leads_where_they_meet_and_how_to_predict(make_sweep):
    """Templates, with the numbers of two loops that meet at batch 36.9."""
    (found,) = build(make_sweep(COSTS)).scaling

    assert found.name == "mnist-mlp, CPU"
    assert (32, 256, 1024) == found.sizes
    leaders, meeting, example = found.conclusions
    assert leaders == "Fastest at batch 32: numpy; at batch 256 and 1,024: tf-function."
    assert re.fullmatch(
        r"numpy and tf-function take the same time at about batch 3\d \(95 % interval 3\d to \d\d\): "
        r"numpy is faster below it, tf-function above\.",
        meeting,
    )
    assert re.fullmatch(
        r"To predict your own case, add the fixed cost and so many times the cost per sample: at batch 180, "
        r"tf-function takes about \d+ us \+ 180 x 2\.\d+ us = \d+ us per step\.",
        example,
    )
    assert abs(found.meetings[0].batch_size.estimate / (240 / 6.5) - 1.0) < 0.1


def test_the_table_has_every_size_and_the_costs(make_sweep):
    """Fastest at the largest size first."""
    (found,) = build(make_sweep(COSTS)).scaling
    frame = tables.scaling(found).frame

    assert ["us/sample at 32", "us/sample at 256", "us/sample at 1,024"] == list(frame.columns[1:4])
    assert ["tf-function", "numpy"] == frame["Loop"].to_list()
    assert all(re.fullmatch(r"\d+ \(\d+ to \d+\)", text) for text in frame["Fixed us/step"])
    assert all(text.endswith(" %") for text in frame["Left-out error"])


def test_a_model_that_does_not_fit_is_not_given(make_sweep, make_trial):
    """Only how far off it is."""
    run = make_sweep({"numpy": (0.0, 1e-6), "odd": (0.0, 1e-6)}, noise=0.0)
    slow = [
        make_trial(trial.cell, round=trial.round, step=1e-9 * trial.cell.batch_size**2)
        if trial.cell.loop == "odd"
        else trial
        for trial in run.trials
    ]
    (found,) = build(replace(run, trials=tuple(slow))).scaling
    odd = next(row for row in found.rows if row.loop == "odd")

    assert ("n/a", "n/a") == (odd.fixed, odd.per_sample)
    assert odd.residual.startswith("does not fit: ")


def test_two_sizes_leave_nothing_to_be_off_from(make_sweep):
    """Any two times fit a line, so no error is claimed."""
    (found,) = build(make_sweep(COSTS, sizes=(32, 256))).scaling

    assert ["not tested", "not tested"] == [row.residual for row in found.rows]


def test_loops_that_failed_are_left_out(make_sweep, make_failure, make_run, make_cell):
    """As they are everywhere."""
    cells = [make_cell(loop, batch_size=size) for size in (32, 256) for loop in ("tf-eager", "tf-function")]
    (found,) = build(make_run(cells=cells, failures={"tf-function": make_failure()})).scaling

    assert ["tf-eager"] == [row.loop for row in found.rows]


def test_widths_are_compared_without_a_cost_model(make_run, make_cell):
    """Work grows with the width in another way than with the batch."""
    cells = [make_cell(loop, width=width) for width in (64, 256) for loop in ("tf-eager", "tf-function")]
    (found,) = build(make_run(cells=cells)).scaling

    assert (sweep.Quantity.WIDTH, "mnist-mlp, CPU, batch 32") == (found.quantity, found.name)
    assert found.conclusions == (
        "Fastest at width 64 and 256: tf-function.",
        "No cost model is fitted over the width: the work does not grow in proportion to it.",
    )
    assert "Fixed us/step" not in tables.scaling(found).frame.columns


def test_one_round_tells_nothing_apart(make_sweep):
    """Only what one process would cost is left."""
    (found,) = build(make_sweep(COSTS, rounds=1)).scaling

    assert not any(sentence.startswith("Fastest") for sentence in found.conclusions)
    assert () == found.meetings


def test_every_rendering_has_the_same_sentences(make_sweep):
    """Terminal and Markdown here, the page in its own test."""
    report = build(make_sweep(COSTS))
    (found,) = report.scaling
    text = " ".join(terminal.to_text(report).split())

    assert all(sentence in text for sentence in found.conclusions)
    assert all(f"- {sentence}" in page.to_markdown(report) for sentence in found.conclusions)


def test_the_plots_sentence_has_the_numbers(make_sweep):
    """For those who do not see it."""
    (found,) = build(make_sweep(COSTS, noise=0.0)).scaling

    assert re.fullmatch(
        r"Microseconds per sample by batch: tf-function [\d.]+ at 32, [\d.]+ at 256, [\d.]+ at 1,024; "
        r"numpy [\d.]+ at 32, [\d.]+ at 256, [\d.]+ at 1,024\.",
        sweep.plot_sentence(found),
    )
