"""Our end on a machine, without a cluster: real processes, in folders of a test's own."""

import io
import os
import sys
import tempfile
import zipfile

import psutil
import pytest

from bench.files import SOURCE_TREE
from bench.fleet import node as on_node
from bench.fleet import travel
from bench.fleet.node import OnNode
from bench.records import loading

WORDS = (
    *("numpy", "--rounds", "2", "--steps", "20", "--threads", "1", "--no-verify", "--no-calibrate"),
    *("--wait", "0", "--on-busy", "count"),  # tests run side by side: the machine is never quiet
)
JOB = {"campaign": "campaign-1", "work": "a", "options": (), "run": None, "journal": b""}


@pytest.fixture
def parcel(tmp_path):
    """Return what is sent for a short run."""
    variables = {"BENCH_DATASET": "synthetic"}
    return travel.packed(WORDS, variables=variables, sent=(), tree=SOURCE_TREE, folder=tmp_path).content


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return our end; what it starts sees this environment, and it lays things out below the test's folder."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(on_node, "_of_process", lambda number: dict(os.environ))
    found = OnNode()
    yield found
    found.clear()


def finished(machine, *, known=0, heard=0):
    """Hear a machine out, and return its journal, what it said and how it ended."""
    lines, said = b"", b""
    while True:
        news = machine.news(known + len(lines), heard + len(said), patience=5.0)
        lines, said = lines + news["lines"], said + news["said"]
        if news["code"] is not None:
            return lines, said, news["code"]


@pytest.mark.slow
def test_a_run_is_begun_heard_out_and_forgotten(machine, parcel, tmp_path):
    """Its journal comes in whole lines, its tables and logs in the end, and nothing is left behind."""
    machine.begin(parcel, JOB)
    lines, said, code = finished(machine)

    assert 0 == code, said
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "journal.jsonl").write_bytes(lines)
    run = loading.load(tmp_path / "here")
    assert (True, 2) == (run.complete, len(run.trials))
    with zipfile.ZipFile(io.BytesIO(machine.beside())) as archive:
        names = archive.namelist()
    assert {"trials.csv", "manifest.json"} <= set(names)
    assert "journal.jsonl" not in names
    assert any(name.startswith("logs/") for name in names)
    machine.clear()
    assert not list(tmp_path.glob("bench-fleet-*/campaign-1/at-a"))


@pytest.mark.slow
def test_a_run_goes_on_from_what_the_driver_has(machine, parcel, tmp_path):
    """With the trials that it knows of, on a machine that knows nothing."""
    machine.begin(parcel, JOB)
    lines, _, _ = finished(machine)
    name = next(tmp_path.glob("bench-fleet-*/campaign-1/at-a/results/*")).name
    machine.clear()
    whole = lines.splitlines(keepends=True)
    until = 1 + next(number for number, line in enumerate(whole) if b'"kind":"trial"' in line)
    begun = b"".join(whole[:until])

    again = OnNode()
    again.begin(parcel, JOB | {"run": name, "journal": begun})
    rest, said, code = finished(again, known=len(begun))
    again.clear()

    assert 0 == code, said
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "journal.jsonl").write_bytes(begun + rest)
    run = loading.load(tmp_path / "here")
    assert (True, [0, 1]) == (run.complete, [trial.round for trial in run.trials])


@pytest.mark.slow
def test_ending_leaves_no_process(machine, parcel):
    """And the journal is closed in order."""
    before = set(psutil.Process().children(recursive=True))
    machine.begin(parcel, JOB)
    while not machine.news(0, 0, patience=30.0)["lines"]:
        pass

    last = machine.end(0, 0)

    assert last["code"] is not None
    assert b'"kind":"end"' in last["lines"]
    assert set(psutil.Process().children(recursive=True)) <= before


@pytest.mark.slow
def test_a_machine_says_what_it_is(machine, parcel):
    """As `bench env` does there, by the source that was sent."""
    facts = machine.facts(parcel)

    assert {"cpu model", "operating system", "memory total MiB", "numpy version"} <= set(facts["passport"])


def test_a_machine_that_cannot_run_the_tool_says_why(machine):
    """In one line: it is left out, and its user is told what it lacks."""
    archived = io.BytesIO()
    with zipfile.ZipFile(archived, "w") as archive:
        archive.writestr("source/bench/__init__.py", "")
        archive.writestr("source/bench/__main__.py", "import a_package_that_is_not_there")

    found = machine.facts(archived.getvalue())

    assert {"trouble": "ModuleNotFoundError: No module named 'a_package_that_is_not_there'"} == found


def test_processes_see_what_the_machine_was_started_with(monkeypatch, tmp_path):
    """And neither what a cluster sets for its own workers, nor options that happen to be set there."""
    started = {"PATH": "/bin", "BENCH_ROUNDS": "9", "BENCH_CACHE_DIR": "/c", "RAY_ADDRESS": "x", "PYTHONPATH": "/p"}
    monkeypatch.setattr(on_node, "_of_process", lambda number: started)

    found = on_node._environment({"BENCH_STEPS": "20"}, source=tmp_path)

    expected = {"PATH": "/bin", "BENCH_CACHE_DIR": "/c", "BENCH_STEPS": "20", "PYTHONPATH": f"{tmp_path}:/p"}
    assert expected == found


def test_more_than_the_driver_has_is_kept(tmp_path):
    """A driver that died may have missed trials; what begins otherwise is another run's and goes."""
    run = tmp_path / "results" / "run"
    run.mkdir(parents=True)
    (run / "journal.jsonl").write_bytes(b"a\nb\nc\n")

    on_node._as_far_as_known(run, journal=b"a\nb\n")
    assert b"a\nb\nc\n" == (run / "journal.jsonl").read_bytes()

    on_node._as_far_as_known(run, journal=b"a\nX\n")
    assert b"a\nX\n" == (run / "journal.jsonl").read_bytes()


def test_a_folder_that_others_can_write_to_is_refused(tmp_path, monkeypatch):
    """What lies there is run."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"bench-fleet-{os.getuid()}").mkdir()
    (tmp_path / f"bench-fleet-{os.getuid()}").chmod(0o777)

    with pytest.raises(PermissionError, match="somebody else could write to it"):
        on_node._own_folder("campaign-1", "a")


def test_a_machine_s_name_is_no_path(tmp_path, monkeypatch):
    """It is the label that somebody gave it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    found = on_node._own_folder("campaign-1", "../a b")

    assert found == tmp_path / f"bench-fleet-{os.getuid()}" / "campaign-1" / "at-..-a-b"
