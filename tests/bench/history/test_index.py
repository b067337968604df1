"""The index says what the journals say, whatever happened to it."""

import os
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.analysis.summary import summarise
from bench.errors import ResultsError, UsageError
from bench.history import index
from bench.history.index import FILE, Index, ask
from bench.records import journal, loading
from bench.records.lines import JOURNAL

TWO = {"tf-fit": 0.7e-3, "torch-native": 0.75e-3}
EVERYTHING = "SELECT * FROM loops ORDER BY run, loop"


def told(folder, query=EVERYTHING):
    """Return what an index says once it is up to date."""
    with Index.opened(folder) as found:
        return found.rows(query)


def afresh(folder, tmp_path, query=EVERYTHING):
    """Return what an index of the same journals says that never saw another day."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".index*"))
    for run in journal.runs(folder):
        status = (run / JOURNAL).stat()
        os.utime(copy / run.name / JOURNAL, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = told(copy, query)
    shutil.rmtree(copy)
    return found


def test_a_loop_counts_as_in_its_report(tmp_path, store):
    """Step time and interval are those of `summarise`, and the kernel is in no row of a loop."""
    folder = store(tmp_path, night=0, steps=TWO)

    rows = told(tmp_path, "SELECT loop, step_seconds, step_low, step_high, state FROM loops")

    expected = {
        cell.cell.loop: (cell.step.estimate, cell.step.low, cell.step.high)
        for group in summarise(loading.load(folder))
        for cell in group.cells
    }
    assert {loop: pytest.approx(numbers, rel=1e-12) for loop, numbers in expected.items()} == {
        row[0]: row[1:4] for row in rows
    }
    assert {"measured"} == {row[4] for row in rows}


def test_the_kernel_has_rows_of_its_own(tmp_path, store):
    """Nothing that counts loops meets it."""
    store(tmp_path, night=0, steps=TWO)

    assert [("numpy", 3)] == told(tmp_path, "SELECT loop, count(*) FROM calibration GROUP BY loop")
    assert [(6,)] == told(tmp_path, "SELECT count(*) FROM trials")


def test_a_step_is_a_multiple_of_the_kernel_of_its_own_round(tmp_path, store):
    """A machine at half its speed leaves the multiple alone."""
    store(tmp_path, night=0, steps={"tf-fit": 0.6e-3}, noise=0.0)
    store(tmp_path, night=1, steps={"tf-fit": 0.6e-3}, noise=0.0, machine=2.0)

    rows = told(tmp_path, "SELECT step_seconds, multiple FROM loops ORDER BY run")

    assert [pytest.approx((0.6e-3, 2.0)), pytest.approx((1.2e-3, 2.0))] == rows


def test_only_what_is_new_changed_or_gone_is_read(tmp_path, store):
    """Each time, and nothing else."""
    folders = [store(tmp_path, night=night, steps=TWO) for night in range(3)]
    told(tmp_path)
    store(tmp_path, night=3, steps=TWO)
    with (folders[0] / JOURNAL).open("a") as file:
        file.write("\n")
    shutil.rmtree(folders[1])

    with Index.opened(tmp_path) as found:
        assert 0 == found.refresh()
        runs = [row[0] for row in found.rows("SELECT run FROM runs")]

    assert [folder.name for folder in journal.runs(tmp_path)] == runs


def test_blocks_are_read_when_they_are_asked_for(tmp_path, store):
    """Every block of every process, the kernel's too, in order; once."""
    folder = store(tmp_path, night=0, steps=TWO)
    told(tmp_path)

    found = ask(tmp_path, "SELECT seconds FROM blocks WHERE loop = 'tf-fit' AND round = 1 ORDER BY block")

    (trial,) = [trial for trial in loading.load(folder).trials if (trial.cell.loop, trial.round) == ("tf-fit", 1)]
    assert [(block.seconds,) for block in trial.blocks] == found.rows
    with Index.opened(tmp_path) as again:
        assert 0 == again.refresh(blocks=True)


def test_a_run_that_cannot_be_read_is_named_and_stops_nothing(tmp_path, store):
    """The others are there."""
    good, bad = (store(tmp_path, night=night, steps=TWO) for night in range(2))
    (bad / JOURNAL).write_text("oops\n")

    assert [(good.name,)] == told(tmp_path, "SELECT run FROM runs")
    ((run, problem),) = told(tmp_path, "SELECT * FROM problems")
    assert (bad.name, True) == (run, "journal.jsonl:1" in problem)


@pytest.mark.parametrize("content", [b"", b"no database", b"\0" * 5000])
def test_a_broken_index_is_made_anew(tmp_path, store, content):
    """It is disposable."""
    store(tmp_path, night=0, steps=TWO)
    before = told(tmp_path)
    (tmp_path / FILE).write_bytes(content)

    assert before == told(tmp_path)


def test_an_index_of_another_version_is_made_anew(tmp_path, store, monkeypatch):
    """What counted otherwise is not read."""
    store(tmp_path, night=0, steps=TWO)
    monkeypatch.setattr(index, "version", lambda: "older")
    told(tmp_path)
    with Index.opened(tmp_path) as found:
        found.connection.execute("UPDATE loop_rows SET step_seconds = 1")
    monkeypatch.undo()

    assert [] == told(tmp_path, "SELECT * FROM loops WHERE step_seconds = 1")


def test_where_nothing_can_be_written_it_is_made_in_memory(tmp_path, store, monkeypatch):
    """Such as a results folder of somebody else."""
    store(tmp_path, night=0, steps=TWO)
    (tmp_path / index.LOCK).mkdir()  # root may write anywhere, but not into a folder as if it were a file

    assert 2 == len(told(tmp_path))
    assert not (tmp_path / FILE).exists()


def test_a_query_can_change_nothing(tmp_path, store):
    """The error names the tables that there are."""
    store(tmp_path, night=0, steps=TWO)

    with pytest.raises(UsageError, match=r"read-only.*tables: runs, machines, loops"):
        ask(tmp_path, "DELETE FROM loop_rows")


def test_no_folder_is_an_error_with_a_way_out(tmp_path):
    """As everywhere else."""
    with pytest.raises(ResultsError, match="no run is stored; see 'bench list runs'"):
        told(tmp_path / "nothing")


def test_without_duckdb_one_line_says_how_to_get_it(monkeypatch):
    """The extra is optional."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(UsageError, match=r"this needs duckdb; install it: pip install 'loopbench\[history\]'"):
        index.require("duckdb")


def test_several_at_once_say_the_same(tmp_path, store):
    """Each waits for its turn; nobody sees half of an update."""
    for night in range(4):
        store(tmp_path, night=night, steps=TWO)
    command = [sys.executable, "-m", "bench", "sql", "select count(*) as n from loops", "--format", "csv"]
    command += ["--results-dir", str(tmp_path)]

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=True), range(3)))

    assert ["n\n8\n"] * 3 == [one.stdout for one in done]


KILLED = """
import sys
from pathlib import Path
from bench.history import index
index._AT_A_TIME = 1
import duckdb, pyarrow
print("ready", flush=True)
with index.Index.opened(Path(sys.argv[1])):
    pass
"""


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_process_killed_while_it_writes_leaves_nothing_wrong(tmp_path, store, kills):
    """Behind, at most: what an index says afterwards is what a new one says."""
    results = tmp_path / "results"
    for night in range(12):
        store(results, night=night, steps=TWO)
    chance = random.Random(0)
    for number in range(kills):
        if number % 5 == 4:
            shutil.rmtree(chance.choice(journal.runs(results)))
        store(results, night=100 + number, steps=TWO)
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(results)], stdout=subprocess.PIPE, text=True)
        assert "ready\n" == process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.25))
        process.kill()
        process.wait()
        process.stdout.close()
        if number % 10 == 2:
            assert afresh(results, tmp_path) == told(results)
        if number % 10 == 9:
            (results / FILE).unlink(missing_ok=True)

    assert afresh(results, tmp_path) == told(results)
    assert [(len(journal.runs(results)),)] == told(results, "SELECT count(*) FROM source_rows")
