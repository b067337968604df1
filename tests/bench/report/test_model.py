"""The report as data."""

import json
import random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import report as reporting
from bench.records.trial import FailureKind
from bench.report import page
from bench.report.model import Report, build

WORDS = ("faster", "slower", "same", "unclear", "failed")


def test_the_ordinary_report_answers_in_its_first_lines(report):
    """Title, verdict, counts and trust."""
    assert "Training-loop speed: mnist-mlp" == report.title
    assert report.verdict == (
        "tf-function is the fastest loop: 21.7x faster than tf-eager "
        "(0.382 vs 8.28 ms per step; 95 % interval 20.7 to 22.7)."
    )
    assert ["▲ 4 faster", "▼ 0 slower", "≈ 0 same", "? 0 unclear", "✖ 0 failed"] == [
        f"{count.glyph} {count.number} {count.verdict}" for count in report.counts
    ]
    assert report.complete


def test_the_users_label_is_part_of_the_title(make_run):
    """Reports of one workload can be told apart."""
    assert "Training-loop speed: mnist-mlp - after the fix" == build(make_run(label="after the fix")).title


def test_rows_are_sorted_fastest_first_with_failures_last(make_run, make_failure):
    """A loop of which one process failed has a time, but no place."""
    missing = make_failure(FailureKind.UNAVAILABLE, message="JAX is not installed")
    failures = {"tf-function": make_failure(), "tf-fit": missing}
    (group,) = build(make_run(failures=failures, failed_rounds=[5])).groups

    assert ["1", "2", "3", "-", "-"] == [row.rank for row in group.rows]
    assert ["torch-native", "torch-keras", "tf-eager", "tf-function", "tf-fit"] == [row.loop for row in group.rows]
    assert ["faster", "faster", "baseline", "failed", "unavailable"] == [row.verdict for row in group.rows]


def test_cells_that_differ_in_more_than_the_loop_are_never_ranked_together(make_run, make_cell):
    """Batch sizes and threads make groups of their own, each with its own headline."""
    cells = [make_cell(loop, batch_size=size) for size in (32, 512) for loop in ("tf-eager", "tf-function")]
    cells += [make_cell(loop, threads=1) for loop in ("tf-eager", "tf-function")]

    report = build(make_run(cells=cells))

    assert [group.name for group in report.groups] == [
        "mnist-mlp, CPU, batch 32",
        "mnist-mlp, CPU, batch 512",
        "mnist-mlp, CPU, batch 32, 1 thread",
    ]
    assert report.verdict.startswith("mnist-mlp, CPU, batch 32: tf-function is the fastest loop: ")
    assert [2, 2, 2] == [len(group.rows) for group in report.groups]


def test_many_groups_are_counted_in_the_verdict(make_run, make_cell):
    """A verdict stays readable."""
    cells = [make_cell(loop, threads=n) for n in range(2, 7) for loop in ("tf-eager", "tf-function")]

    assert build(make_run(cells=cells, rounds=2)).verdict.endswith(" 2 more groups below.")


def test_conclusions_follow_the_rows(report):
    """Words and numbers stand in the same order everywhere."""
    (group,) = report.groups
    by_row = zip(group.rows, group.conclusions[: len(group.rows)], strict=True)

    assert all(sentence.startswith(row.loop) for row, sentence in by_row)
    assert [row.loop for row in group.rows] == [row.loop for row in group.start_up]
    assert [row.loop for row in group.rows] == [row.loop for row in group.work]
    assert [row.loop for row in group.rows] == [row.loop for row in group.memory]


def test_the_model_survives_json(make_run, make_failure):
    """What is written can be read back, type by type."""
    report = build(make_run(failures={"tf-fit": make_failure()}))

    assert report == msgspec.json.decode(page.to_json(report), type=Report)


def test_tracebacks_stay_in_the_journal(make_run, make_failure):
    """A published report names no folders of the machine."""
    text = page.to_json(build(make_run(failures={"tf-fit": make_failure()})))

    assert "Traceback" not in text
    assert "ValueError: shapes do not match" in text


def test_a_run_without_trials_has_a_report(make_run):
    """Interrupted at once: every loop is listed, none has a number."""
    report = build(make_run(finished_rounds=0))

    assert report.verdict.startswith("No loop finished: tf-eager, ")
    assert not report.complete
    assert report.widest_interval is None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(min_value=0, max_value=10_000),
    loops=st.integers(min_value=1, max_value=6),
    rounds=st.integers(min_value=1, max_value=7),
    noise=st.sampled_from([0.0, 0.005, 0.02, 0.3]),
)
def test_terminal_markdown_and_json_say_the_same(make_run, seed, loops, rounds, noise):
    """One model: every number of a row stands in every rendering, in the same order."""
    steps = {f"loop-{i}": random.Random(f"{seed}/{i}").uniform(3e-4, 3e-3) for i in range(loops)}
    report = build(make_run(steps=steps, rounds=rounds, noise=noise, seed=seed))
    (group,) = report.groups

    table = reporting.render(report, format="table").splitlines()
    markdown = reporting.render(report, format="md").splitlines()
    model = json.loads(reporting.render(report, format="json"))["groups"][0]["rows"]

    starts = [[row.rank, row.loop] for row in group.rows]
    shown = [line.split() for line in table if line.split()[:2] in starts]
    pasted = [line for line in markdown if line.startswith(tuple(f"| {row.rank} | {row.loop} " for row in group.rows))]
    assert [row.loop for row in group.rows] == [row["loop"] for row in model]
    for row, words, line in zip(group.rows, shown, pasted, strict=True):
        values = [row.rank, row.loop, row.verdict_text, row.speed_up, row.interval, row.step, row.samples_per_second]
        assert f"| {' | '.join([*values, row.first_step])} |" == line
        assert [row.rank, row.loop, *row.verdict_text.split()] == words[: 2 + len(row.verdict_text.split())]
        assert {row.step, row.samples_per_second, row.first_step, row.validation_metric} <= set(words)
