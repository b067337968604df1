"""`bench export`, from the outside."""

import json

import pyperf
import pytest
from click.shell_completion import ShellComplete

from bench.cli.main import main
from bench.records.lines import JOURNAL


@pytest.fixture
def measured(session):
    """Return a folder with one stored run: a loop that was measured, and one that failed."""
    done = session.bench("run", "toy", "raises-in-training", "--no-report")
    assert 5 == done.code, done.err
    return session


@pytest.fixture
def completions(tmp_path, monkeypatch):
    """Return a function that says what the shell is offered after these words, in a folder with three runs."""
    for name in ("results/20260101-old", "results/20260102-new", "elsewhere/20260103-other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / JOURNAL).touch()
    monkeypatch.chdir(tmp_path)

    def complete(*words):
        *before, incomplete = words
        found = ShellComplete(main, {}, "bench", "_BENCH_COMPLETE").get_completions(before, incomplete)
        return [(item.value, item.type) for item in found]

    return complete


def test_a_run_is_exported_to_stdout_or_to_a_file(measured):
    """The same text; what is left out is named on stderr, one line each."""
    run_id = measured.run().header.run_id

    printed = measured.bench("export", run_id, "--to", "pyperf")
    written = measured.bench("export", f"results/{run_id}", "--to", "pyperf", "-o", "toy.json")

    (bench,) = pyperf.BenchmarkSuite.loads(printed.out)
    assert (0, 0, "") == (printed.code, written.code, written.out)
    assert printed.out == (measured.folder / "toy.json").read_text()
    assert "toy[mnist-mlp-matched-cpu-b32]" == bench.get_name()
    (line,) = printed.err.splitlines()
    assert line.startswith(
        "not exported: raises-in-training-mnist-mlp-matched-cpu-b32: 1 of 1 processes failed: raised"
    )
    assert printed.err == written.err


def test_a_file_is_overwritten_only_if_that_is_asked_for(measured):
    """Exit 2 and one line otherwise."""
    (measured.folder / "kept.json").write_text("{}")
    arguments = ["export", measured.run().header.run_id, "--to", "github-action", "--output", "kept.json"]

    refused = measured.bench(*arguments)

    assert (2, "{}") == (refused.code, (measured.folder / "kept.json").read_text())
    assert "Error: kept.json: is there already; choose another --output or give --force" in refused.err
    assert 0 == measured.bench(*arguments, "--force").code
    assert ["ms/step"] == [entry["unit"] for entry in json.loads((measured.folder / "kept.json").read_text())]


def test_a_run_with_nothing_to_export_exits_with_4(session):
    """Its loops are named, and no file is made."""
    session.bench("run", "raises-in-training", "--no-report")
    run_id = session.run().header.run_id

    done = session.bench("export", run_id, "--to", "pytest-benchmark", "-o", "none.json")

    assert (4, "") == (done.code, done.out)
    assert ["not exported", "Error"] == [line.partition(":")[0] for line in done.err.splitlines()]
    assert not (session.folder / "none.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "pyperf"], "Missing argument 'RUN'"),
        (["2020"], "Missing option '--to'. Choose from: pytest-benchmark, pyperf, github-action\n"),
        (["2020", "--to", "asv"], "'asv' is not one of 'pytest-benchmark', 'pyperf', 'github-action'"),
        (["2020", "--to", "pyperf"], "Error: results: there is no run '2020'; see 'bench list runs'"),
        (["2020", "--to", "pyperf", "-o", "."], "File '.' is a directory"),
    ],
)
def test_bad_input_gets_one_clear_line(session, arguments, message):
    """Exit 2, no traceback, nothing on stdout."""
    done = session.bench("export", *arguments)

    assert (2, "") == (done.code, done.out)
    assert message in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["export", "report"])
def test_the_shell_is_offered_the_runs_that_are_stored(completions, command):
    """By the beginning of their names, oldest first."""
    assert [("20260101-old", "plain"), ("20260102-new", "plain")] == completions(command, "2026")
    assert [("20260102-new", "plain")] == completions(command, "20260102")


def test_the_shell_is_offered_the_runs_of_the_folder_that_is_named(completions):
    """`--results-dir` may stand before the name."""
    assert [("20260103-other", "plain")] == completions("export", "--results-dir", "elsewhere", "2026")


def test_the_shell_offers_folders_where_no_run_has_that_name(completions):
    """A run may be given by its path."""
    assert [("elsewhere/2", "dir")] == completions("export", "elsewhere/2")
