"""History and the care of the store from the outside, on a run that was measured."""

import json
import shutil

import pytest

from bench.records import journal
from bench.records.lines import JOURNAL


@pytest.fixture(scope="module")
def measured(tmp_path_factory, make_toy_session):
    """Return a folder with one run, on a machine that has a name, in a repository."""
    session = make_toy_session(tmp_path_factory.mktemp("measured"))
    done = session.bench("run", "toy", "toy-slow", "--machine", "box", "--name", "first", "--no-report")
    assert 0 == done.code, done.err
    return session


def test_a_run_is_in_every_answer(measured):
    """History, SQL and the list of runs speak of the same one."""
    history = measured.bench("history", "--format", "json")
    asked = measured.bench("sql", "select distinct run, machine, name from loops", "--format", "json").json
    (listed,) = measured.bench("list", "runs", "--format", "json").json

    assert 0 == history.code, history.err
    assert "history: reports/history/index.html\n" == history.err
    assert {"box"} == {one["machine"] for one in history.json["series"]}
    assert [{"run": listed["run"], "machine": "box", "name": "first"}] == asked
    assert ("box", "first", "complete") == (listed["machine"], listed["name"], listed["state"])
    assert "ms/step (of 2)" in listed["headline"]


def test_a_baseline_is_kept_and_deleting_is_said_first(measured):
    """Nothing goes without --yes, and a baseline not even then."""
    (run,) = measured.bench("sql", "select run from runs", "--format", "json").json

    said = measured.bench("runs", "rm", run["run"])
    named = measured.bench("baseline", "v1")
    refused = measured.bench("runs", "rm", run["run"], "--yes")
    kept = measured.bench("runs", "keep", "--days", "0", "--yes")

    assert (0, True) == (said.code, "would be deleted" in said.out)
    assert (f"v1 is {run['run']}\n", 2, "nothing to do\n") == (named.out, refused.code, kept.out)
    assert (measured.folder / "results" / run["run"]).is_dir()


def test_no_run_is_one_line_with_a_way_out(session):
    """As for every other command."""
    for command in (["history"], ["sql", "select 1"], ["publish", "site"]):
        done = session.bench(*command)
        assert (2, "Error: results: no run is stored; see 'bench list runs'\n") == (done.code, done.err)


def test_a_site_is_whole(measured):
    """Index of runs, histories and the pages that they lead to."""
    done = measured.bench("publish", "site", "--render", "1")

    site = measured.folder / "site"
    (run,) = json.loads(measured.bench("sql", "select run from runs", "--format", "json").out)
    assert 0 == done.code, done.err
    for page in ("index.html", "history/index.html", f"{run['run']}/index.html"):
        assert (site / page).exists()
    assert f'href="{run["run"]}/index.html"' in (site / "index.html").read_text(encoding="utf-8")


def copy_run(results, *, name):
    """Store the only run that was measured once more, as another one."""
    (measured,) = (folder for folder in journal.runs(results) if folder.name not in ("again", "once-more"))
    shutil.copytree(measured, results / name)
    path = results / name / JOURNAL
    path.write_text(path.read_text(encoding="utf-8").replace(measured.name, name), encoding="utf-8")


def test_a_named_baseline_is_measured_as_it_was_with_its_own_loops(tmp_path, make_toy_session):
    """Nobody names its loops, batch size or threads once more; without them nothing would be held against it."""
    session = make_toy_session(tmp_path)
    asked = ("--batch-size", "8", "--threads", "1", "--no-report")
    assert 0 == session.bench("run", "toy", "toy-slow", *asked).code
    assert 0 == session.bench("baseline", "v1").code
    few = session.bench("gate", "--against", "v1", "--no-report")
    for name in ("again", "once-more"):
        copy_run(session.folder / "results", name=name)

    done = session.bench("gate", "--against", "v1", "--max-slowdown", "900", "--no-report", "--rounds", "2")
    other = session.bench("gate", "--against", "v1", "--threads", "2", "--no-report")

    verdict = json.loads((tmp_path / "bench-verdict.json").read_text(encoding="utf-8"))
    assert 0 == done.code, done.err
    assert (4, True) == (few.code, "1 measured the same as " in few.err), few.err
    assert "round 1" not in few.err
    assert (2, "error") == (other.code, verdict["outcome"])
    assert "--threads 2: run " in other.err
