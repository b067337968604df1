"""From a stored run to rows: what counts, what is null, and what cannot be read."""

import json
from dataclasses import replace
from datetime import datetime
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.intervals import geometric_mean_interval
from bench.history import reader, tables
from bench.history.sources import Source, sources
from bench.records.cell import AGAIN, Side
from bench.records.lines import JOURNAL
from bench.records.trial import FailureKind

TWO = {"tf-fit": 0.7e-3, "torch-native": 0.75e-3}


@pytest.fixture
def read(tmp_path, store):
    """Return a function that stores one night and returns its rows by table, each row a dict."""

    def read_night(*, blocks=False, **settings):
        store(tmp_path, night=0, **{"steps": TWO} | settings)
        return rows_of(reader.read(tmp_path, list(sources(tmp_path).values()), blocks=blocks))

    return read_night


def rows_of(found):
    """Return columns as rows."""
    return {
        table: [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for table, columns in found.items()
    }


def test_every_table_of_the_index_gets_columns_of_one_length(read):
    """Also those to which this run adds nothing."""
    found = read()

    assert set(tables.ROWS) - {"found"} == set(found)
    assert (1, 1, 9, 2, 0) == tuple(
        len(found[table]) for table in ("source_rows", "run_rows", "trial_rows", "loop_rows", "block_rows")
    )


def test_nothing_wanted_is_nothing_read(tmp_path):
    """All tables are there, and empty."""
    assert {0} == {len(column) for columns in reader.read(tmp_path, []).values() for column in columns.values()}


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "the first line with the run's header is missing"), (b"oops\n", "journal.jsonl:1"), (b"\xff\n", ":1")],
)
def test_a_journal_that_cannot_be_read_has_a_row_that_says_why(tmp_path, store, content, problem):
    """And no other; the runs beside it have theirs."""
    bad, good = store(tmp_path, night=0, steps=TWO), store(tmp_path, night=1, steps=TWO)
    (bad / JOURNAL).write_bytes(content)

    found = rows_of(reader.read(tmp_path, list(sources(tmp_path).values())))

    problems = {row["run"]: row["problem"] for row in found["source_rows"]}
    assert problem in problems[bad.name]
    assert problems[good.name] is None
    assert {good.name} == {row["run"] for row in found["loop_rows"]}


def test_a_run_that_was_deleted_meanwhile_has_no_row(tmp_path):
    """It was never there."""
    found = reader.read(tmp_path, [Source(run="gone", size=1, modified_nanoseconds=1)])

    assert [] == found["source_rows"]["run"]


def test_a_run_tells_its_commits_and_its_machine_apart(read):
    """That of the tool and that of the project that is measured; the passport is kept whole."""
    passport = {
        "machine name": "box",
        "git commit": "a" * 40,
        "project commit": "b" * 40,
        "project branch": "main",
        "project dirty": "yes",
    }

    (run,) = read(environment=passport, label="nightly")["run_rows"]

    assert ("a" * 40, "b" * 40, "main", True) == (run["tool_commit"], run["commit"], run["branch"], run["dirty"])
    assert ("box", "box", "AMD EPYC", "2", 24) == (
        run["machine"],
        run["machine_title"],
        run["processor"],
        run["cores"],
        run["memory_gibibytes"],
    )
    assert passport.items() <= json.loads(run["passport"]).items()
    assert "nightly" == run["name"]


@pytest.mark.parametrize(("said", "dirty"), [({}, None), ({"project dirty": "no"}, False)])
def test_a_run_that_says_nothing_of_its_tree_is_neither_clean_nor_dirty(read, said, dirty):
    """Unknown is null."""
    (run,) = read(environment=said)["run_rows"]

    assert dirty is run["dirty"]


def test_a_run_without_accelerators_has_none(read):
    """Null and not empty text; two stand in the order of the driver."""
    (without,) = read()["run_rows"]

    assert without["accelerators"] is None


def test_accelerators_stand_in_the_order_of_their_driver(read):
    """Separated by commas."""
    (run,) = read(environment={"gpu 1 name": "NVIDIA B", "gpu 0 name": "NVIDIA A"})["run_rows"]

    assert "NVIDIA A, NVIDIA B" == run["accelerators"]


def test_an_interrupted_run_has_no_end(read):
    """It is not complete, and its processes count."""
    found = read(end=False)

    assert (None, False) == (found["run_rows"][0]["ended"], found["run_rows"][0]["complete"])
    assert 2 == len(found["loop_rows"])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T12:00:00+00:00", datetime(2026, 1, 2, 12)),  # noqa: DTZ001 - UTC, without a zone
        ("2026-01-02T12:00:00+05:30", datetime(2026, 1, 2, 6, 30)),  # noqa: DTZ001
        ("2026-01-02T12:00:00", datetime(2026, 1, 2, 12)),  # noqa: DTZ001
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_times_are_kept_in_utc(text, moment):
    """What is no time, or one that no calendar holds in UTC, is null."""
    assert moment == reader._time(text)


def test_the_kernel_is_told_with_the_run_and_not_among_its_loops(read):
    """Its level, its processes, and what its speed depends on."""
    found = read(kernel=3e-4, noise=0.0)

    (run,) = found["run_rows"]
    assert (pytest.approx(3e-4), 3) == (run["kernel_step_seconds"], run["kernel_processes"])
    assert {"tf-fit", "torch-native"} == {row["loop"] for row in found["loop_rows"]}
    assert ["calibration"] * 3 == [row["side"] for row in found["trial_rows"] if row["loop"] == "numpy"]


def test_a_run_without_a_kernel_has_no_multiples(read):
    """All of it null."""
    found = read(kernel=None)

    (run,) = found["run_rows"]
    assert (None, None, 0, None) == tuple(
        run[name] for name in ("kernel_step_seconds", "kernel_error", "kernel_processes", "kernel_identity")
    )
    assert [(None, None, 0)] * 2 == [
        (row["multiple"], row["multiple_error"], row["multiple_processes"]) for row in found["loop_rows"]
    ]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"versions": {"python": "3.11.9", "numpy": "3.0"}}, False),
        ({"versions": {"python": "3.12.1", "numpy": "2.4.6"}}, False),
        ({"versions": {"python": "3.11.9", "numpy": "2.4.6", "keras": "4.0"}}, True),
        ({"loop_sha256": "other"}, False),
        ({"workload_sha256": "other"}, False),
        ({"process_id": 7}, True),
    ],
)
def test_a_kernel_is_another_one_where_its_speed_may_be_another(make_cell, make_trial, changes, same):
    """Its source, Python and NumPy count; what else is installed does not."""
    known = make_trial(make_cell("numpy"), versions={"python": "3.11.9", "numpy": "2.4.6"})

    assert same == (reader._kernel_identity([known]) == reader._kernel_identity([replace(known, **changes)]))


def test_a_kernel_that_always_failed_has_no_identity(make_cell, make_trial, make_failure):
    """One that failed first has that of its next process."""
    good = make_trial(make_cell("numpy"))
    bad = replace(good, failure=make_failure(), loop_sha256=None)

    assert reader._kernel_identity([bad]) is None
    assert reader._kernel_identity([good]) == reader._kernel_identity([bad, good])


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({}, "measured"),
        ({"loss_gaps": {"tf-fit": 1.0}}, "invalid"),
        ({"loss_gaps": {"torch-native": 1.0}}, "measured"),
    ],
)
def test_a_loop_whose_check_failed_is_invalid(read, settings, state):
    """Its own check, and nobody else's."""
    (row, _) = read(**settings)["loop_rows"]

    assert ("tf-fit", state) == (row["loop"], row["state"])


@pytest.mark.parametrize(
    ("kind", "rounds", "state", "processes"),
    [
        (FailureKind.RAISED, None, "failed", 0),
        (FailureKind.UNAVAILABLE, None, "unavailable", 0),
        (FailureKind.TIMEOUT, [1], "failed", 2),
    ],
)
def test_a_loop_that_failed_once_has_failed(read, make_failure, kind, rounds, state, processes):
    """Unless there was nothing to run; its sound processes are counted all the same."""
    found = read(failures={"tf-fit": make_failure(kind)}, failed_rounds=rounds)

    (row, _) = found["loop_rows"]
    assert (state, processes) == (row["state"], row["processes"])
    assert (kind.value + ": ValueError: shapes do not match") in [trial["failure"] for trial in found["trial_rows"]]


def test_a_loop_whose_turn_never_came_is_missing(read):
    """It was planned: it has a row, with nothing in it."""
    found = read(finished_rounds=0, end=False)

    assert [("missing", 0, None, None)] * 2 == [
        (row["state"], row["processes"], row["step_seconds"], row["versions"]) for row in found["loop_rows"]
    ]


def test_only_what_was_measured_as_it_is_counts_as_that(make_run, make_cell):
    """Not another environment, nor a second measurement of the same thing."""
    cells = tuple(make_cell("tf-fit", side=name) for name in ("here", "old", "set", AGAIN))
    sides = (
        Side(name="here", description="here"),
        Side(name="old", description="ref=old", facts={"commit": "ab"}),
        Side(name="set", description="env=A=1", variables={"A": "1"}),
    )
    run = make_run(cells=cells, rounds=1)
    run = replace(run, header=replace(run.header, plan=replace(run.header.plan, sides=sides)))
    columns = {name: [] for name in tables.LOOPS}

    for cell in cells:
        reader._add_loop(columns, run, cell=cell, processes=[], kernel={}, folder="run")

    assert {"here": True, "old": False, "set": False, AGAIN: False} == dict(
        zip(columns["side"], columns["as_is"], strict=True)
    )


@given(st.lists(st.floats(min_value=1e-9, max_value=1e9), min_size=2, max_size=30))
def test_a_level_is_the_interval_that_reports_show(values):
    """Ten times quicker, and the same to the last digits."""
    expected, found = geometric_mean_interval(values), reader.level_of(values)

    assert expected.count == found.count
    assert expected.estimate == pytest.approx(found.estimate, rel=1e-9)
    assert log(expected.low) == pytest.approx(log(found.low), rel=1e-9, abs=1e-9)
    assert log(expected.high) == pytest.approx(log(found.high), rel=1e-9, abs=1e-9)


def test_no_process_has_no_level_and_one_has_no_interval():
    """Null and not nought."""
    alone = reader.level_of([2.0])

    assert reader.level_of([]) is None
    assert (pytest.approx(2.0), None, None, 1) == (alone.estimate, alone.low, alone.high, alone.count)
    assert (None, None) == (reader._error(None), reader._error(alone))


def test_an_error_is_that_of_the_mean_of_logarithms():
    """Standard deviation over the root of the number of processes."""
    level = reader.level_of([1.0, 4.0])

    assert log(4.0) / 2.0 == pytest.approx(reader._error(level))


def test_blocks_stand_in_order_one_row_to_a_process(read):
    """The kernel's too; steps, seconds and kinds are of one length."""
    found = read(blocks=True)

    assert [True] == [row["blocks"] for row in found["source_rows"]]
    assert list(range(9)) == [row["process"] for row in found["block_rows"]]
    first = found["block_rows"][0]
    assert (["first"] + ["warm-up"] * 3 + ["measured"] * 10 + ["closing"]) == first["kind"]
    assert {15} == {len(first[name]) for name in tables.BLOCKS if name not in {"run", "process"}}
    assert sorted(first["started_seconds"]) == first["started_seconds"]


def test_a_process_is_told_with_what_it_ran_on(read):
    """Versions by name, in order; a process that failed has none."""
    found = read(trial_fields={"tf-fit": {"versions": {"tensorflow": "2.21.0", "keras": "3.15.1"}}})

    row = next(row for row in found["trial_rows"] if row["loop"] == "tf-fit")
    assert ("keras 3.15.1, tensorflow 2.21.0", "CPU", "mnist-mlp", 32) == (
        row["versions"],
        row["device_name"],
        row["workload"],
        row["batch_size"],
    )
    assert 1.1 == row["first_step_seconds"]
