"""Names, deletions and merges of stored runs: said first, done on request, never a baseline."""

import json
import shutil

import pytest

from bench.records.lines import JOURNAL

STEPS = {"tf-fit": 1e-3}


@pytest.fixture
def two(stored):
    """Store an old run and a new one."""
    stored(steps=STEPS, rounds=1, run_id="20260101-old", started="2026-01-01T12:00:00+00:00")
    stored(steps=STEPS, rounds=1, run_id="20260201-new", started="2026-02-01T12:00:00+00:00")


@pytest.fixture
def kept(tmp_path):
    """Return a function that returns the names of the runs that are there."""
    return lambda: sorted(path.parent.name for path in (tmp_path / "results").glob(f"*/{JOURNAL}"))


@pytest.mark.usefixtures("two")
def test_a_baseline_is_the_newest_run_unless_another_is_named(bench, tmp_path):
    """By the beginning of its name; the last one that is given the name has it."""
    said = [bench("baseline", "v1"), bench("baseline", "v2", "20260101"), bench("baseline", "v1", "20260101-old")]

    assert ["v1 is 20260201-new\n", "v2 is 20260101-old\n", "v1 is 20260101-old\n"] == [one.stdout for one in said]
    assert {"v1": "20260101-old", "v2": "20260101-old"} == json.loads((tmp_path / "results/baselines.json").read_text())


@pytest.mark.usefixtures("two")
def test_a_name_is_taken_away(bench, refused, tmp_path):
    """The run stays; a name that nobody has is refused with those that there are."""
    bench("baseline", "v1")

    assert "no run is called v1 any more\n" == bench("baseline", "v1", "--forget").stdout
    assert {} == json.loads((tmp_path / "results/baselines.json").read_text())
    assert "Error: no run is called 'v1'; there are no names" == refused(2, "baseline", "v1", "--forget")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("name", ["2026", "20260101-old", ""])
def test_a_name_that_could_be_a_run_is_refused(refused, name):
    """It would hide it."""
    assert f"Error: '{name}' could be a run; choose a name that no run begins with" == refused(2, "baseline", name)


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("content", ["[]", "{", '{"v1": 3}', "\udcff"])
def test_a_broken_file_of_names_is_told_with_the_way_out(refused, tmp_path, content):
    """Nothing is written over it."""
    file = tmp_path / "results/baselines.json"
    file.write_bytes(content.encode(errors="surrogateescape"))

    said = refused(2, "baseline", "v1")

    assert said.startswith("Error: results/baselines.json: ")
    assert said.endswith("; mend it, or delete it to forget all names")
    assert content.encode(errors="surrogateescape") == file.read_bytes()


def test_without_runs_no_name_is_given(refused):
    """Nor is one deleted, kept or merged."""
    assert "bench list runs" in refused(2, "runs", "rm", "20260101")
    assert refused(2, "baseline", "v1").startswith("Error: ")


@pytest.mark.usefixtures("two")
def test_what_would_be_deleted_is_said_first(bench, kept):
    """With how much that is; once where it is named twice."""
    said = bench("runs", "rm", "20260101", "20260101-old")

    assert (0, "nothing was changed; --yes does it\n") == (said.exit_code, said.stderr)
    assert said.stdout.startswith("20260101-old: would be deleted, 0.0")
    assert 1 == len(said.stdout.splitlines())
    assert ["20260101-old", "20260201-new"] == kept()


@pytest.mark.usefixtures("two")
def test_a_run_is_deleted_on_request(bench, kept, tmp_path):
    """All of it, and nothing else."""
    done = bench("runs", "rm", "20260101", "--yes")

    assert (0, "") == (done.exit_code, done.stderr)
    assert "20260101-old: deleted, " in done.stdout
    assert ["20260201-new"] == kept()
    assert not list((tmp_path / "results").glob(".deleting-*"))


@pytest.mark.usefixtures("two")
def test_where_one_of_several_is_a_baseline_none_is_deleted(bench, refused, kept):
    """And the way out is named."""
    bench("baseline", "v1", "20260201")

    said = refused(2, "runs", "rm", "20260101", "20260201", "--yes")

    assert ("Error: 20260201-new is the baseline 'v1'; take its name away first: bench baseline --forget v1") == said
    assert ["20260101-old", "20260201-new"] == kept()


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("name", ["2025", "2026", "../results", "20260101-old/logs"])
def test_a_run_that_is_none_or_several_is_not_deleted(refused, kept, name):
    """One line, and everything stays."""
    assert refused(2, "runs", "rm", name, "--yes").startswith("Error: ")
    assert ["20260101-old", "20260201-new"] == kept()


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--count", "1"), ["20260201-new"]),
        (("--count", "2"), ["20260101-old", "20260201-new"]),
        (("--days", "0"), []),
        (("--days", "36500"), ["20260101-old", "20260201-new"]),
        (("--days", "36500", "--count", "1"), ["20260201-new"]),
        (("--days", "1e300"), ["20260101-old", "20260201-new"]),
        (("--days", "inf"), ["20260101-old", "20260201-new"]),
    ],
)
def test_a_retention_keeps_the_newest(bench, kept, options, left):
    """By age, by number, or both; any age is one."""
    done = bench("runs", "keep", *options, "--yes")

    assert 0 == done.exit_code, done.output
    assert left == kept()


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("options", [("--days", "-1"), ("--days", "nan"), ("--count", "0"), ()])
def test_a_retention_that_says_nothing_sensible_is_refused(refused, kept, options):
    """Nothing goes by mistake."""
    refused(2, "runs", "keep", *options, "--yes")

    assert ["20260101-old", "20260201-new"] == kept()


@pytest.mark.usefixtures("two")
def test_a_baseline_outlives_every_retention(bench, kept):
    """It is what others are compared with."""
    bench("baseline", "v1", "20260101")

    assert 0 == bench("runs", "keep", "--days", "0", "--yes").exit_code
    assert ["20260101-old"] == kept()


@pytest.mark.usefixtures("two")
def test_runs_of_another_folder_are_copied_on_request(bench, kept, tmp_path):
    """Those that are here already, are other ones, or cannot be read, are named and left alone."""
    results, other = tmp_path / "results", tmp_path / "other"
    shutil.copytree(results, other)
    shutil.copytree(results / "20260101-old", other / "20260301-more")
    shutil.copytree(results / "20260101-old", other / "20260302-broken")
    (other / "20260302-broken" / JOURNAL).write_text("oops\n")
    with (other / "20260201-new" / JOURNAL).open("a") as file:
        file.write("\n")

    said = bench("runs", "merge", "other")
    before = kept()
    done = bench("runs", "merge", "other", "--yes")

    assert "20260301-more: would be copied\n" == said.stdout
    assert [
        "20260101-old: already here",
        "20260201-new: another run of this name is here, left alone",
        "20260302-broken: cannot be read, left alone",
    ] == done.stderr.splitlines()
    assert "20260301-more: copied\n" == done.stdout
    assert [*before, "20260301-more"] == kept()
    assert "nothing to do\n" == bench("runs", "merge", "other", "--yes").stdout


@pytest.mark.parametrize(("folder", "reason"), [("missing", "does not exist"), (".", "no run is stored there")])
def test_a_folder_without_runs_is_refused(refused, folder, reason):
    """Whether it is there or not."""
    assert reason in refused(2, "runs", "merge", folder)
