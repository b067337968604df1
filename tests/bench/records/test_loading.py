"""Journals as they are read back: by whom they were written, how they ended, and who has edited them since."""

import json

import pytest

from bench.errors import InvalidResult, ResultsError
from bench.records.journal import Journal
from bench.records.lines import JOURNAL
from bench.records.loading import load
from bench.records.stored_run import RunEnd


@pytest.fixture
def written(tmp_path, make_run):
    """Return a journal with a whole run, and the run."""
    run = make_run(rounds=2)
    journal = Journal.create(tmp_path, header=run.header)
    for trial in run.trials:
        journal.add(trial)
    return journal, run


def test_a_run_is_read_back_as_it_was_written(written):
    """Header and trials, to the last digit."""
    journal, run = written

    loaded = load(journal.folder)

    assert (run.header, run.trials, None) == (loaded.header, loaded.trials, loaded.end)


def test_verifications_are_read_back(written):
    """What was shown about a loop belongs to the run."""
    journal, run = written
    for verification in run.verifications:
        journal.add_verification(verification)

    assert run.verifications == load(journal.folder).verifications


def test_the_end_of_a_run_is_read_back(written):
    """A closed run knows that it is complete."""
    journal, _ = written

    journal.end(complete=True)

    assert load(journal.folder).complete


def test_the_last_of_several_ends_counts(written):
    """A resumed run was closed twice."""
    journal, _ = written
    journal.end(complete=False)
    journal.end(complete=True)

    assert isinstance(load(journal.folder).end, RunEnd)
    assert load(journal.folder).complete


def test_a_run_that_was_extended_has_more_rounds_and_no_end_until_they_are_done(written, make_trial):
    """What it was begun with stays in its first line."""
    journal, run = written
    journal.end(complete=True)
    journal.extend(rounds=5, command="bench run --resume it --rounds 5")

    going_on = load(journal.folder)
    journal.add(make_trial(run.header.plan.cells[0], round=4))
    journal.end(complete=True)

    assert (5, None) == (going_on.header.plan.rounds, going_on.end)
    assert run.header.plan.cells == going_on.header.plan.cells
    assert load(journal.folder).complete


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_run_is_not_extended_to_what_it_has(written, rounds):
    """Somebody edited the journal: rows of rounds that were planned would count no more."""
    journal, _ = written
    journal.extend(rounds=rounds, command="")

    with pytest.raises(InvalidResult, match=f"extension.rounds: expected more than 2, got {rounds}"):
        load(journal.folder)


def test_a_line_cut_short_by_a_kill_is_passed_over(written):
    """The trial it belongs to was not done; everything before it is kept."""
    journal, run = written
    path = journal.folder / JOURNAL
    path.write_bytes(path.read_bytes()[:-20])

    assert run.trials[:-1] == load(journal.folder).trials


def test_a_wrong_field_is_named_with_file_and_line(written):
    """Someone who edits a journal learns where."""
    journal, _ = written
    path = journal.folder / JOURNAL
    lines = path.read_text().splitlines()
    entry = json.loads(lines[1])
    entry["trial"]["blocks"][2]["seconds"] = "fast"
    path.write_text("\n".join([lines[0], json.dumps(entry), *lines[2:], ""]))

    with pytest.raises(InvalidResult) as caught:
        load(journal.folder)

    named = f"{path}:2: Expected `float`, got `str` - at `$.trial.blocks[2].seconds`"
    assert f"{named}; correct the line, or move the run's folder away" == str(caught.value)


def test_a_line_that_is_no_json_is_named(written):
    """Not even a line."""
    journal, _ = written
    path = journal.folder / JOURNAL
    path.write_text(path.read_text() + "oops\n")

    with pytest.raises(InvalidResult, match=r"journal\.jsonl:12: JSON is malformed"):
        load(journal.folder)


def test_another_schema_version_is_refused(written):
    """Numbers whose meaning may have changed are not read."""
    journal, _ = written
    path = journal.folder / JOURNAL
    path.write_text(path.read_text().replace('"schema_version":2', '"schema_version":99', 1))

    with pytest.raises(InvalidResult) as caught:
        load(journal.folder)

    assert str(caught.value) == (
        f"{path}:1: schema version 99, this tool reads 1 to 2; read it with the version of the tool that wrote it"
    )


def test_a_journal_without_its_header_is_refused(written):
    """Trials without a plan mean nothing."""
    journal, _ = written
    path = journal.folder / JOURNAL
    path.write_text("\n".join([*path.read_text().splitlines()[1:], ""]))

    with pytest.raises(InvalidResult, match="the first line with the run's header is missing"):
        load(journal.folder)


def test_a_run_that_is_not_there_is_an_error_with_a_way_out(tmp_path):
    """The message says how to see what there is."""
    with pytest.raises(ResultsError, match=r"no such run .* see 'bench list runs'"):
        load(tmp_path / "nothing")


def test_trials_of_the_kernel_are_read_back_apart(tmp_path, make_run):
    """So that nothing that counts loops counts them."""
    run = make_run(rounds=2, kernel=3e-4)
    journal = Journal.create(tmp_path, header=run.header)
    for trial in (*run.calibration, *run.trials):
        journal.add(trial)

    loaded = load(journal.folder)

    assert (run.trials, run.calibration) == (loaded.trials, loaded.calibration)
    assert loaded.header.plan.calibration == run.calibration[0].cell


def test_a_line_that_stands_there_twice_is_refused(written):
    """It would count as evidence twice."""
    journal, _ = written
    path = journal.folder / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[3]]))

    with pytest.raises(InvalidResult) as caught:
        load(journal.folder)

    assert str(caught.value).startswith(f"{path}:12: $.trial: a second row of 'tf-fit-mnist-mlp-matched-cpu-b32'")


def test_line_ends_of_other_systems_are_read_and_lone_ones_are_refused(written):
    """A trial that is passed over without a word would be lost."""
    journal, run = written
    path = journal.folder / JOURNAL
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\n", b"\r\n"))
    assert run.trials == load(journal.folder).trials

    path.write_bytes(content.replace(b"\n", b"\r", 2))

    with pytest.raises(InvalidResult, match=r"journal\.jsonl:1: JSON is malformed"):
        load(journal.folder)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_another_encoding_is_named_and_no_traceback(written, encoding):
    """Editors of other systems write such files."""
    journal, _ = written
    path = journal.folder / JOURNAL
    path.write_bytes(path.read_text().encode(encoding))

    with pytest.raises(InvalidResult, match=r"journal\.jsonl:1: .*; correct the line, or move the run's folder away"):
        load(journal.folder)


def test_only_a_failed_row_can_be_set_aside(tmp_path, make_header, make_cell, make_trial):
    """Else a journal could drop the rounds that somebody does not like."""
    cell = make_cell()
    journal = Journal.create(tmp_path, header=make_header([cell], rounds=2))
    journal.add(make_trial(cell, round=0))
    journal.set_aside(make_trial(cell, round=0))

    with pytest.raises(InvalidResult, match="has no failed row in round 0"):
        load(journal.folder)
