"""report, export and compare in process, on stored runs that were made up."""

import json

import pytest

from bench.report.export import entries


@pytest.fixture
def two(stored):
    """Store two runs of the same loops, the second with one of them slower."""
    steps = {"tf-fit": 1e-3, "tf-function": 1e-3}
    stored(steps=steps, kernel=0.3e-3, run_id="first", noise=0.005)
    stored(steps=steps | {"tf-fit": 1.5e-3}, kernel=0.3e-3, run_id="second", seed=8, noise=0.005)


@pytest.mark.usefixtures("two")
def test_report_prints_the_table_and_writes_the_page(bench, tmp_path):
    """Of the run that is named."""
    done = bench("report", "first")

    assert 0 == done.exit_code, done.output
    assert "tf-function" in done.stdout
    assert "report: reports/first/index.html" in done.stderr
    assert (tmp_path / "reports" / "first" / "index.html").exists()


def test_report_without_a_stored_run_names_the_way_out(refused):
    """Exit code 2."""
    assert refused(2, "report").startswith("Error: ")


@pytest.mark.usefixtures("two")
def test_export_prints_what_another_tool_reads(bench, tmp_path):
    """Or writes it to a file, which is never overwritten by accident."""
    printed = bench("export", "first", "--to", "pytest-benchmark")
    written = bench("export", "first", "--to", "pytest-benchmark", "-o", "out.json")
    again = bench("export", "first", "--to", "pytest-benchmark", "-o", "out.json")

    assert (0, 0, 2) == (printed.exit_code, written.exit_code, again.exit_code)
    assert 2 == len(json.loads(printed.stdout)["benchmarks"])
    assert "--force" in again.stderr
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("two")
def test_export_judges_a_run_once(bench, monkeypatch):
    """For the text and for what it leaves out alike; of a large run that is what takes the time."""
    judged = []
    summarise = entries.summarise
    monkeypatch.setattr(entries, "summarise", lambda run: judged.append(run.header.run_id) or summarise(run))

    done = bench("export", "first", "--to", "pyperf")

    assert (0, ["first"]) == (done.exit_code, judged)


def test_export_refuses_an_unknown_tool(refused):
    """And names those it knows."""
    assert "'pytest-benchmark', 'pyperf', 'github-action'" in refused(2, "export", "first", "--to", "asv")


@pytest.mark.usefixtures("two")
def test_compare_names_what_became_slower(bench):
    """It is no error; the gate judges."""
    done = bench("compare", "first", "second")
    as_json = bench("compare", "first", "second", "--format", "json")

    assert (0, 0) == (done.exit_code, as_json.exit_code)
    assert "Slower: tf-fit" in done.stdout
    assert json.loads(as_json.stdout)


@pytest.mark.usefixtures("two")
def test_a_difference_within_the_margin_is_none(bench):
    """Per cent on the command line."""
    assert "Slower: tf-fit" not in bench("compare", "first", "second", "--margin", "90").stdout


@pytest.mark.usefixtures("two")
def test_compare_names_a_run_that_is_not_there(refused):
    """Exit code 2."""
    assert "third" in refused(2, "compare", "first", "third")
