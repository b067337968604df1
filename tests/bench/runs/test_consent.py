"""Whose journal it is decides whether what it names is run without a question."""

from dataclasses import replace

import pytest

from bench.records.cell import Side
from bench.records.journal import Journal
from bench.records.lines import JOURNAL
from bench.runs import consent


@pytest.fixture
def started(tmp_path, make_run):
    """Return the folder, the plan and the cache of a run that was started here and names a file."""
    mine = tmp_path / "my_loop.py"
    mine.write_text("print('hello')")
    header = make_run().header
    plan = replace(header.plan, files=(str(mine),))
    journal = Journal.create(tmp_path / "results", header=replace(header, plan=plan))
    consent.remember(journal.folder, plan=plan, cache=tmp_path / "cache")
    return journal.folder, plan, tmp_path / "cache"


def test_a_run_of_ones_own_goes_on_without_a_question(started):
    """It was started here, and nothing has changed; rows that were added since do not matter."""
    folder, plan, cache = started
    with (folder / JOURNAL).open("a") as journal:
        journal.write("{}\n")

    assert consent.doubt(folder, plan=plan, cache=cache) is None


def test_a_file_that_has_changed_is_named(started):
    """One that is gone is named when it is read: there is nothing to ask about."""
    folder, plan, cache = started
    mine = folder.parent.parent / "my_loop.py"
    mine.write_text("other")

    assert f"changed since it was started: {mine}" == consent.doubt(folder, plan=plan, cache=cache)


def test_the_run_of_somebody_else_is_in_doubt(started, tmp_path):
    """Another machine or user has another cache; a journal cannot vouch for itself."""
    folder, plan, _ = started

    assert "it was not started here by you" == consent.doubt(folder, plan=plan, cache=tmp_path / "another")


def test_a_first_line_that_was_exchanged_is_in_doubt(started):
    """The name of a run of one's own on what somebody else wrote."""
    folder, plan, cache = started
    path = folder / JOURNAL
    path.write_text(path.read_text().replace("matched", "guide"))

    assert "its first line is not" in consent.doubt(folder, plan=plan, cache=cache)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100])
def test_a_note_that_cannot_be_read_vouches_for_nothing(started, content):
    """Half of one, or one of another version."""
    folder, plan, cache = started
    (note,) = (cache / "started").iterdir()
    note.write_bytes(content)

    assert "it was not started here by you" == consent.doubt(folder, plan=plan, cache=cache)


def test_a_run_of_loops_that_come_with_the_tool_is_never_in_doubt(tmp_path, make_run):
    """It runs nothing that the journal could choose."""
    run = make_run()
    journal = Journal.create(tmp_path / "results", header=run.header)
    consent.remember(journal.folder, plan=run.header.plan, cache=tmp_path / "cache")

    assert not (tmp_path / "cache").exists()
    assert consent.doubt(journal.folder, plan=run.header.plan, cache=tmp_path / "cache") is None


def test_whatever_a_journal_can_have_run_is_named(make_run):
    """Files, interpreters, and sides that change a process; a side that changes nothing runs nothing."""
    plan = replace(
        make_run().header.plan,
        files=("a.py",),
        interpreters={"torch": "/tmp/python"},
        sides=(
            Side(name="A", description="here"),
            Side(name="B", description="env=LD_PRELOAD=x.so", variables={"LD_PRELOAD": "x.so"}),
        ),
    )

    assert ["a.py", "/tmp/python for torch", "side B (env=LD_PRELOAD=x.so)"] == list(consent.programs(plan))
