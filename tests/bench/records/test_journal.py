"""Runs on disk: what is written is read back, and what is wrong is named."""

import json

import pytest

from bench.errors import InvalidResult, ResultsError
from bench.records.journal import JOURNAL, MANIFEST, Journal, find, load, write_manifest
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

    assert f"{path}:2: Expected `float`, got `str` - at `$.trial.blocks[2].seconds`" == str(caught.value)


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

    assert f"{path}:1: schema version 99, this tool reads 1 to 2" == str(caught.value)


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


def test_results_that_cannot_be_written_are_an_error_with_a_way_out(tmp_path, make_run):
    """A file stands where the folder should be."""
    (tmp_path / "results").write_text("")

    with pytest.raises(ResultsError, match=r"cannot write results .* choose another --results-dir"):
        Journal.create(tmp_path / "results", header=make_run().header)


def test_the_newest_run_is_found_by_default(tmp_path, make_run, make_header):
    """`bench report` without a name means the run that has just ended."""
    for name in ("20260101-000000-aa", "20260102-000000-bb"):
        (tmp_path / name).mkdir()
        (tmp_path / name / JOURNAL).write_text("")

    assert "20260102-000000-bb" == find(tmp_path).name


def test_a_run_is_found_by_the_beginning_of_its_name(tmp_path):
    """Typing the whole name is not needed."""
    for name in ("20260101-000000-aa", "20260102-000000-bb"):
        (tmp_path / name).mkdir()
        (tmp_path / name / JOURNAL).write_text("")

    assert "20260101-000000-aa" == find(tmp_path, "20260101").name


def test_a_beginning_of_two_names_is_refused(tmp_path):
    """The message lists both."""
    for name in ("20260101-000000-aa", "20260101-000000-ab"):
        (tmp_path / name).mkdir()
        (tmp_path / name / JOURNAL).write_text("")

    with pytest.raises(ResultsError, match="could be any of 20260101-000000-aa, 20260101-000000-ab"):
        find(tmp_path, "2026")


def test_the_manifest_repeats_header_and_end(written):
    """It is written last, so its existence means that the run was closed."""
    journal, run = written
    journal.end(complete=True)

    write_manifest(load(journal.folder), folder=journal.folder)

    manifest = json.loads((journal.folder / MANIFEST).read_text())
    assert (run.header.run_id, True, 10) == (
        manifest["run"]["run_id"],
        manifest["end"]["complete"],
        manifest["trials"],
    )


def test_trials_of_the_kernel_are_read_back_apart(tmp_path, make_run):
    """So that nothing that counts loops counts them."""
    run = make_run(rounds=2, kernel=3e-4)
    journal = Journal.create(tmp_path, header=run.header)
    for trial in (*run.calibration, *run.trials):
        journal.add(trial)

    loaded = load(journal.folder)

    assert (run.trials, run.calibration) == (loaded.trials, loaded.calibration)
    assert loaded.header.plan.calibration == run.calibration[0].cell
