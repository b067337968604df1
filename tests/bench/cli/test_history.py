"""history, publish and sql in process, on stored runs that were made up."""

import csv
import io
import json

import pytest


@pytest.fixture
def nights(stored):
    """Store nights of two loops, the first of which became slower; three are enough for a table."""

    def store(count=3):
        for night in range(count):
            stored(
                steps={"tf-fit": 1e-3 * (1.2 if night >= count // 2 else 1.0), "torch-native": 2e-3},
                kernel=0.5e-3,
                rounds=2,
                noise=0.002,
                drift=0.0,
                seed=night,
                run_id=f"202601{night + 1:02d}-run",
                started=f"2026-01-{night + 1:02d}T12:00:00+00:00",
            )

    return store


def test_a_history_is_printed_and_its_page_is_written(bench, nights, tmp_path):
    """The table on stdout, where the page is on stderr."""
    nights()

    done = bench("history")

    assert (0, "history: reports/history/index.html\n") == (done.exit_code, done.stderr)
    assert ["tf-fit", "torch-native"] == [line.split()[0] for line in done.stdout.splitlines()[1:3]]
    assert (tmp_path / "reports/history/index.html").exists()


def test_no_page_is_written_where_none_is_wanted(bench, nights, tmp_path):
    """And nothing is said of it."""
    nights(1)

    assert "" == bench("history", "--no-report").stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("options", "loops", "runs"),
    [
        ((), {"tf-fit", "torch-native"}, 3),
        (("tf-fit",), {"tf-fit"}, 3),
        (("--since", "2026-01-02"), {"tf-fit", "torch-native"}, 2),
        (("--workload", "mnist-mlp", "torch-native"), {"torch-native"}, 3),
    ],
)
def test_only_what_is_asked_for_is_told(bench, nights, options, loops, runs):
    """Loops by name, from a day on, of a workload."""
    nights()

    found = json.loads(bench("history", *options, "--no-report", "--format", "json").stdout)["series"]

    assert (loops, {runs}) == ({one["loop"] for one in found}, {one["runs"] for one in found})


def test_a_change_is_told_beyond_the_margin_and_not_below(bench, nights):
    """In per cent."""
    nights(8)

    def events(margin):
        done = bench("history", "tf-fit", "--margin", margin, "--no-report", "--format", "json")
        return [event["run"] for one in json.loads(done.stdout)["series"] for event in one["events"]]

    assert ["20260105-run"] == events("2")
    assert [] == events("50")


@pytest.mark.parametrize("output_format", ["md", "csv", "table", "json"])
def test_every_format_holds_every_loop(bench, nights, output_format):
    """For people, for comments, and for scripts."""
    nights(1)

    done = bench("history", "--no-report", "--format", output_format)

    assert 0 == done.exit_code
    assert all(loop in done.stdout for loop in ("tf-fit", "torch-native"))


def test_runs_of_a_day_become_one_point(bench, nights):
    """Where that is asked for."""
    nights()

    found = json.loads(bench("history", "--by", "date", "--no-report", "--format", "json").stdout)["series"]

    assert {3} == {one["runs"] for one in found}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("jax-scan",), 4),
        (("--machine", "elsewhere"), 4),
        (("--workload", "nothing"), 4),
        (("--since", "2030-01-01"), 4),
        (("--since", "yesterday"), 2),
        (("--by", "month"), 2),
        (("--margin", "-1"), 2),
        (("--margin", "much"), 2),
    ],
)
def test_what_cannot_be_told_is_one_line_and_a_code(refused, nights, options, code):
    """4 where no run fits, 2 where the question is none."""
    nights(1)

    assert refused(code, "history", *options).startswith("Error: ")


@pytest.mark.parametrize("command", [("history",), ("sql", "select 1"), ("publish", "site")])
def test_without_runs_there_is_a_way_out(refused, command):
    """As for every other command."""
    assert "Error: results: no run is stored; see 'bench list runs'" == refused(2, *command)


def test_a_query_is_answered_in_every_format(bench, nights):
    """Nothing for null in a table and in CSV."""
    nights(1)
    query = "select loop, processes, width, started from loops order by loop"

    table, comma, pipes, data = (
        bench("sql", query, "--format", name).stdout for name in ("table", "csv", "md", "json")
    )

    assert ["loop", "processes", "width", "started"] == table.splitlines()[0].split()
    assert [["tf-fit", "2", "", "2026-01-01T12:00:00"], ["torch-native", "2", "", "2026-01-01T12:00:00"]] == list(
        csv.reader(io.StringIO(comma))
    )[1:]
    assert "| tf-fit | 2 |  | 2026-01-01 12:00:00 |" in pipes
    assert {"loop": "tf-fit", "processes": 2, "width": None, "started": "2026-01-01T12:00:00"} == json.loads(data)[0]


def test_a_query_without_rows_is_an_answer(bench, nights):
    """A header alone, or an empty list."""
    nights(1)
    query = "select loop from loops where false"

    assert ("loop\n", "[]\n") == tuple(bench("sql", query, "--format", name).stdout for name in ("table", "json"))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("selekt 1", "syntax error"),
        ("", "'' asks nothing; tables: runs, machines, loops"),
        (" ; ", "' ; ' asks nothing; tables: runs, machines, loops"),
        ("select nothing from loops", '"nothing" not found'),
        ("drop table loop_rows", "read-only"),
        ("delete from run_rows", "read-only"),
    ],
)
def test_a_query_that_cannot_be_or_may_not_be_is_refused_in_one_line(bench, refused, nights, query, reason):
    """The index is as it was."""
    nights(1)

    assert reason in refused(2, "sql", query)
    assert [{"n": 2}] == json.loads(bench("sql", "select count(*) n from loops", "--format", "json").stdout)


def test_a_site_is_written(bench, nights, tmp_path):
    """Its index, and the histories that it leads to."""
    nights(1)

    done = bench("publish", "site", "--render", "0")

    assert 0 == done.exit_code, done.output
    assert (tmp_path / "site/index.html").exists()
    assert (tmp_path / "site/history/index.html").exists()


def test_a_site_is_written_into_no_file(refused, nights, tmp_path):
    """It is told before anything is read."""
    (tmp_path / "site").write_text("")

    assert "is a file" in refused(2, "publish", "site")
