"""Which rows of an index are one series, which of them are its points, and what is merged."""

from datetime import datetime, timedelta
from math import exp, isnan, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.history import series
from bench.history.index import Index
from bench.history.series import Wanted, read_series

FIRST = datetime(2026, 1, 1, 2, 0)  # noqa: DTZ001 - as the index holds times: UTC, without a zone
RUN = {
    "machine": "box",
    "machine_title": "AMD EPYC, 2 cores",
    "fingerprint": "0123456789ab",
    "dataset_sha256": "da",
    "kernel_step_seconds": 0.3e-3,
    "kernel_identity": "ke",
    "commit": None,
}
LOOP = {
    "loop": "tf-fit",
    "workload": "mnist-mlp",
    "track": "matched",
    "device": "cpu",
    "batch_size": 32,
    "as_is": True,
    "state": "measured",
    "processes": 3,
    "step_seconds": 0.6e-3,
    "step_error": 0.02,
    "multiple": 2.0,
    "multiple_error": 0.01,
    "multiple_processes": 3,
    "versions": "numpy 2.4.6",
    "workload_sha256": "wo",
    "loop_sha256": "lo",
}


@pytest.fixture
def index(tmp_path):
    """Return an index in memory, with tables and without rows."""
    made = Index(None, results=tmp_path, tell=lambda line: None)
    yield made
    made.connection.close()


@pytest.fixture
def add(index):
    """Return a function that adds a run of the night with a row for each loop: ``add(3, [{"loop": "tf-fit"}])``."""

    def insert(table, row):
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        index.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))

    def add_run(night, loops=({},), **run):
        name = f"run-{night:04d}"
        insert("run_rows", RUN | {"run": name, "started": FIRST + timedelta(days=night)} | run)
        for loop in loops:
            insert("loop_rows", LOOP | {"run": name} | loop)

    return add_run


def the_only(index, **wanted):
    """Return the one series that is found."""
    (found,) = read_series(index, Wanted(**wanted))
    return found


def test_an_empty_index_has_no_series(index):
    """And no error."""
    assert [] == read_series(index, Wanted())


def test_points_are_in_the_order_in_which_they_were_measured(index, add):
    """Whatever the order in which they were read."""
    for night in (2, 0, 1):
        add(night)

    assert ["run-0000", "run-0001", "run-0002"] == [point.run for point in the_only(index).points]


@pytest.mark.parametrize(
    "other",
    [
        {"loop": "torch-native"},
        {"workload": "mnist-cnn"},
        {"track": "guide"},
        {"device": "gpu"},
        {"batch_size": 64},
        {"width": 512},
        {"dtype": "mixed_bfloat16"},
        {"threads": 1},
    ],
)
def test_a_loop_in_another_setting_is_another_series(index, add, other):
    """One difference is enough."""
    add(0, [{}, other])

    assert [1, 1] == [len(found.points) for found in read_series(index, Wanted())]


def test_a_loop_on_another_machine_is_another_series(index, add):
    """Told by its key."""
    add(0)
    add(1, machine="other", machine_title="Apple M4")

    assert ["AMD EPYC, 2 cores", "Apple M4"] == [found.title for found in read_series(index, Wanted())]


@pytest.mark.parametrize("row", [{"as_is": False}, {"state": "failed"}, {"state": "invalid"}, {"state": "missing"}])
def test_rows_that_are_no_measurement_of_the_thing_itself_are_no_points(index, add, row):
    """Those of a changed environment, and those that failed or did other work."""
    add(0, [row])

    assert [] == read_series(index, Wanted())


def test_a_run_of_no_time_has_no_place(index, add):
    """Its journal says "yesterday"; those beside it do not suffer."""
    add(0)
    add(1, started=None)

    assert ["run-0000"] == [point.run for point in the_only(index).points]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 4),
        ({"loops": ("tf-fit",)}, 2),
        ({"loops": ("tf-fit", "torch-native")}, 4),
        ({"loops": ("tf-fi",)}, 0),
        ({"workload": "mnist-mlp"}, 4),
        ({"workload": "mnist"}, 0),
        ({"machine": "box"}, 2),
        ({"machine": "o"}, 2),
        ({"machine": "0123"}, 4),
        ({"machine": "3"}, 0),
        ({"machine": "%"}, 0),
        ({"since": FIRST + timedelta(days=1)}, 2),
        ({"since": FIRST + timedelta(days=1, seconds=1)}, 0),
        ({"loops": ("tf-fit",), "machine": "box", "since": FIRST}, 1),
        ({"loops": ("' OR true --",)}, 0),
    ],
)
def test_only_what_is_wanted_is_found(index, add, wanted, count):
    """Loops by their whole names, machines by the beginning of name or fingerprint, runs from a time on."""
    add(0, [{}, {"loop": "torch-native"}])
    add(1, [{}, {"loop": "torch-native"}], machine="other")

    assert count == sum(len(found.points) for found in read_series(index, Wanted(**wanted)))


def test_a_value_is_a_multiple_of_the_kernel_where_most_runs_have_it(index, add):
    """Runs without are left out and counted; a value in seconds is that of the usual machine."""
    for night, kernel in enumerate((0.2e-3, 0.3e-3, 0.9e-3)):
        add(night, kernel_step_seconds=kernel)
    add(3, [{"multiple": None, "multiple_error": None, "multiple_processes": 0}], kernel_step_seconds=None)

    found = the_only(index)

    assert (True, 1, 0.3e-3) == (found.calibrated, found.left_out, found.unit_seconds)
    assert [(2.0, 0.01, 3)] * 3 == [(point.value, point.error, point.processes) for point in found.points]


@pytest.mark.parametrize(("without", "device"), [(2, "cpu"), (0, "gpu")])
def test_a_value_is_in_seconds_where_the_kernel_does_not_tell(index, add, without, device):
    """Half of the runs lack it, or the loop runs on a GPU, whose speed it does not know."""
    for night in range(4):
        lacking = {"multiple": None, "multiple_error": None, "multiple_processes": 0} if night < without else {}
        add(night, [{"device": device} | lacking])

    found = the_only(index)

    assert (False, 0, 1.0) == (found.calibrated, found.left_out, found.unit_seconds)
    assert [(0.6e-3, 0.02)] * 4 == [(point.value, point.error) for point in found.points]


def test_another_kernel_matters_only_where_values_are_multiples_of_it(index, add):
    """In seconds it is nobody's unit."""
    for night, kernel in enumerate(("ke", "new")):
        add(night, [{}, {"device": "gpu"}], kernel_identity=kernel)

    assert [[1], []] == [found.breaks for found in read_series(index, Wanted())]


@pytest.mark.parametrize(
    ("run", "loop"),
    [({"dataset_sha256": "other"}, {}), ({"fingerprint": "other"}, {}), ({}, {"workload_sha256": "other"})],
)
def test_another_thing_that_is_measured_is_a_break(index, add, run, loop):
    """Where it begins, and where it ends."""
    for night in range(4):
        new = night == 1
        add(night, [loop if new else {}], **(run if new else {}))

    assert [1, 2] == the_only(index).breaks


def test_another_source_of_the_loop_is_no_break(index, add):
    """That is what a history is for."""
    add(0)
    add(1, [{"loop_sha256": "new", "versions": "numpy 3.0"}])

    assert [] == the_only(index).breaks


def test_one_process_has_no_error(index, add):
    """NaN, which is not nought."""
    add(0, [{"multiple_error": None, "multiple_processes": 1}])

    assert isnan(the_only(index).points[0].error)


def test_a_loop_without_versions_has_a_point_all_the_same(index, add):
    """An old run, which did not store them."""
    add(0, [{"versions": None}])

    assert "" == the_only(index).points[0].versions


def test_the_logarithm_is_that_of_the_value(index, add):
    """Not of the seconds."""
    add(0)

    assert log(2.0) == the_only(index).points[0].logarithm


@pytest.mark.parametrize(("by", "runs"), [("run", [1, 1, 1, 1, 1]), ("commit", [2, 1, 1, 1]), ("date", [2, 2, 1])])
def test_runs_are_merged_by_what_is_asked_for(index, add, by, runs):
    """Commits that follow one another, those of a day, or none; a run without a commit stays alone."""
    commits = ("a", "a", None, None, "a")
    for number, commit in enumerate(commits):
        add(number, commit=commit, started=FIRST + timedelta(hours=12 * number))

    assert runs == [point.runs for point in the_only(index, by=by).points]


def test_what_makes_it_another_thing_is_never_merged(index, add):
    """Two data sets of one commit are two points."""
    add(0, commit="a")
    add(1, commit="a", dataset_sha256="other")

    assert [1, 1] == [point.runs for point in the_only(index, by="commit").points]


def test_merged_runs_count_by_their_processes(index, add):
    """The mean is that of logarithms, the error that of a weighted mean, the rest is the last one's."""
    add(0, [{"multiple": 1.0, "multiple_processes": 1, "multiple_error": 0.04}], commit="a")
    add(1, [{"multiple": 16.0, "multiple_processes": 3, "multiple_error": 0.04, "versions": "new"}], commit="a")

    (point,) = the_only(index, by="commit").points

    assert (pytest.approx(8.0), 4, 2, "run-0001", "new") == (
        point.value,
        point.processes,
        point.runs,
        point.run,
        point.versions,
    )
    assert sqrt(0.01**2 + 0.03**2) == pytest.approx(point.error)


@given(
    values=st.lists(st.floats(min_value=1e-3, max_value=1e3), min_size=2, max_size=8),
    processes=st.integers(min_value=1, max_value=9),
)
def test_a_merged_point_lies_among_its_runs(values, processes):
    """With equal processes it is their geometric mean, and surer than any of them."""
    points = [
        series.Point(
            run=f"{number}",
            started=FIRST,
            value=value,
            error=0.02,
            processes=processes,
            seconds=value,
            commit="a",
            tool_commit=None,
            versions="",
            identity=(),
            loop_sha256=None,
        )
        for number, value in enumerate(values)
    ]

    (merged,) = series._merged(points, by="commit")

    assert exp(sum(map(log, values)) / len(values)) == pytest.approx(merged.value)
    assert min(values) * (1.0 - 1e-12) <= merged.value <= max(values) * (1.0 + 1e-12)
    assert merged.error < 0.02
    assert merged.seconds == pytest.approx(merged.value)
