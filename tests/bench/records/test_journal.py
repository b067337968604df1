"""Runs on disk: what is written is read back, and what is wrong is named."""

import json
import math
import os
import resource
from dataclasses import replace

import pytest

from bench.errors import FileTrouble, InvalidResult, ResultsError, UsageError
from bench.records.journal import MANIFEST, Journal, find, write_manifest
from bench.records.lines import JOURNAL
from bench.records.loading import load
from bench.records.trial import FailureKind, Trial
from bench.records.verification import Expectation, Gap


@pytest.fixture
def written(tmp_path, make_run):
    """Return a journal with a whole run, and the run."""
    run = make_run(rounds=2)
    journal = Journal.create(tmp_path, header=run.header)
    for trial in run.trials:
        journal.add(trial)
    return journal, run


def test_results_that_cannot_be_written_are_an_error_with_a_way_out(tmp_path, make_run):
    """A file stands where the folder should be."""
    (tmp_path / "results").write_text("")

    with pytest.raises(FileTrouble, match=r"results: cannot be made .* move it away or choose another place"):
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


def reopened(folder):
    """Return a journal that goes on, what is stored, and what was told."""
    told = []
    journal, run = Journal.reopen(folder, tell=told.append)
    return journal, run, told


@pytest.mark.parametrize("lost", [1, 20, 2000])
def test_a_torn_last_line_is_cut_off_before_anything_is_appended(written, lost):
    """Else the next line would be joined to it, and both were lost for ever."""
    journal, run = written
    journal.release()
    path = journal.folder / JOURNAL
    path.write_bytes(path.read_bytes()[:-lost])
    kept = load(journal.folder).trials

    again, stored, told = reopened(journal.folder)
    for trial in run.trials[len(kept) :]:
        again.add(trial)

    assert kept == stored.trials
    assert run.trials == load(journal.folder).trials
    assert 1 == len(told)
    assert f"{path}: the last line was not written to its end; cut back by " in told[0]


def test_a_whole_journal_is_not_touched_when_a_run_goes_on(written):
    """And nothing is said."""
    journal, _ = written
    journal.release()
    before = (journal.folder / JOURNAL).read_bytes()

    _, _, told = reopened(journal.folder)

    assert (before, []) == ((journal.folder / JOURNAL).read_bytes(), told)


def test_what_is_no_run_is_not_cut(tmp_path):
    """A file without a single whole line may be anything."""
    (tmp_path / JOURNAL).write_text("precious")

    with pytest.raises(InvalidResult, match="header is missing"):
        Journal.reopen(tmp_path, tell=print)

    assert "precious" == (tmp_path / JOURNAL).read_text()


def test_an_append_that_fails_is_undone(written, make_trial, make_cell):
    """A full disk takes half a line; the half is taken back, and the run can go on."""
    journal, run = written
    path = journal.folder / JOURNAL
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, limits[1]))
    try:
        with pytest.raises(FileTrouble) as caught:
            journal.add(make_trial(make_cell("tf-eager"), round=2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert before == path.read_bytes()
    assert str(caught.value).startswith(f"{path}: cannot be written (File too large); ")
    assert str(caught.value).endswith(f"go on with: bench run --resume {run.header.run_id}")


def test_a_run_that_cannot_be_begun_leaves_no_folder(tmp_path, make_run):
    """Half of one would be listed as a run for ever."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(FileTrouble):
            Journal.create(tmp_path, header=make_run().header)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert [] == list(tmp_path.iterdir())


def test_a_second_writer_is_refused(written):
    """Two that go on with one run would measure everything twice."""
    journal, _ = written

    with pytest.raises(ResultsError, match=rf"process {os.getpid()} on .* is writing to this run"):
        Journal.reopen(journal.folder, tell=print)


def test_a_second_row_of_a_cell_and_round_is_not_written(written):
    """Neither by the process that wrote the first nor by one that goes on."""
    journal, run = written
    with pytest.raises(ResultsError, match=r"has a row of tf-eager-.* in round 1 already; no second one is written"):
        journal.add(run.trials[0])
    journal.release()

    again, _, _ = reopened(journal.folder)

    with pytest.raises(ResultsError, match="no second one is written"):
        again.add(run.trials[0])


def test_values_that_are_no_numbers_are_stored_as_what_they_mean(written, make_cell, make_trial):
    """JSON has no word for them, and `null` could not be read back: the whole run would be lost."""
    journal, run = written
    found = replace(run.verifications[0], gaps=(Gap(what="loss", largest=math.nan, allowed=1e-5, step=3),))
    journal.add_verification(replace(found, losses=(2.0, math.inf, 1.0)))
    journal.add(make_trial(make_cell("tf-eager"), round=2, last_loss=math.inf))
    journal.add_expectation(
        Expectation(
            workload="mnist-mlp",
            track="matched",
            batch_size=32,
            higher_is_better=True,
            steps=(1, 2),
            metrics=(0.5, math.nan),
        )
    )

    loaded = load(_with_rounds(journal.folder, rounds=3))

    assert ("loss: not a number, or infinite at step 3", (2.0,)) == (
        loaded.verifications[-1].problem,
        loaded.verifications[-1].losses,
    )
    assert (FailureKind.BROKEN_CONTRACT, ()) == (loaded.trials[-1].failure.kind, loaded.trials[-1].blocks)
    assert "$.trial.last_loss: expected a number" in loaded.trials[-1].failure.message
    assert (0.5,) == loaded.expectations[-1].metrics


def _with_rounds(folder, *, rounds):
    """Have the plan of a stored run say so many rounds."""
    path = folder / JOURNAL
    path.write_text(path.read_text().replace('"rounds":2', f'"rounds":{rounds}', 1))
    return folder


def test_what_could_not_be_read_back_is_not_begun(tmp_path, make_run):
    """An option of the user's that no journal can hold is refused before anything is measured."""
    header = make_run().header

    for field, value in (("seed", 10**30), ("timeout", math.inf), ("rounds", 10**9)):
        with pytest.raises(UsageError, match=rf"\$\.run\.plan\.{field}: expected a number from"):
            Journal.create(tmp_path, header=replace(header, plan=replace(header.plan, **{field: value})))
    assert [] == list(tmp_path.iterdir())


def test_names_that_are_no_text_are_stored_all_the_same(tmp_path, make_run):
    """The system hands over undecodable bytes of a command line as halves of characters."""
    journal = Journal.create(tmp_path, header=replace(make_run().header, label="caf\udce9"))

    assert "caf?" == load(journal.folder).header.label


def test_a_failed_row_that_was_set_aside_makes_room_for_another(
    tmp_path, make_header, make_cell, make_trial, make_failure
):
    """`--retry-failed`: a process that the system killed once does not fail its loop for good."""
    cell = make_cell()
    failed = Trial(cell=cell, round=0, failure=make_failure())
    journal = Journal.create(tmp_path, header=make_header([cell], rounds=2))
    journal.add(failed)
    journal.set_aside(failed)
    assert () == load(journal.folder).trials

    journal.add(make_trial(cell, round=0))

    (row,) = load(journal.folder).trials
    assert row.failure is None
