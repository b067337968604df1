"""Runs that other people made: a bad one is named, and the others are read all the same."""

from pathlib import Path

import pytest

from bench.records.lines import JOURNAL

STORED = Path(__file__).resolve().parent.parent.parent / "results" / "reference" / "default" / JOURNAL


@pytest.fixture
def two_runs(session):
    """Return a session with a run that can be read and one whose journal says what cannot be."""
    content = STORED.read_text()
    for name, text in (("good", content), ("bad", content.replace('"seconds":', '"seconds":-', 1))):
        folder = session.folder / "results" / f"{'20260101' if name == 'good' else '20260102'}-000000-{name}"
        folder.mkdir(parents=True)
        (folder / JOURNAL).write_text(text)
    return session


def test_a_bad_run_is_listed_with_its_reason_beside_the_others(two_runs):
    """File, line, field and the way out."""
    done = two_runs.bench("list", "runs", "--format", "json")

    good, bad = done.json
    assert (0, "complete") == (done.code, good["state"])
    assert "bad/journal.jsonl:8: $.trial.blocks[0].seconds: expected a number from" in bad["state"]
    assert "correct the line, or move the run's folder away" in bad["state"]


def test_what_is_no_journal_at_all_is_listed_too(two_runs):
    """A folder stands where the journal should be."""
    (two_runs.folder / "results" / "20260103" / JOURNAL).mkdir(parents=True)

    done = two_runs.bench("list", "runs", "--format", "json")

    assert (0, 3) == (done.code, len(done.json)), done.err
    assert "journal.jsonl: cannot be read (Is a directory)" in done.json[-1]["state"]


def test_reports_of_the_others_are_written(two_runs):
    """The bad one is named, and the exit code says that it is missing."""
    done = two_runs.bench("report", "20260102", "20260101")

    assert (2, "left out: results/20260102-000000-bad/journal.jsonl:8") == (
        done.code,
        done.err.splitlines()[0].partition(": $")[0],
    )
    assert (two_runs.folder / "reports" / "20260101-000000-good" / "index.html").exists()


@pytest.mark.parametrize(
    "command", [("report", "20260102"), ("compare", "20260101", "20260102"), ("export", "20260102", "--to", "pyperf")]
)
def test_a_command_that_needs_the_bad_run_says_why_it_cannot_go_on(two_runs, command):
    """One line, exit code 2."""
    done = two_runs.bench(*command)

    (line,) = done.err.splitlines()
    assert 2 == done.code
    assert line.startswith("Error: results/20260102-000000-bad/journal.jsonl:8: $.trial.blocks[0].seconds: expected")
