"""`bench compare`, from the outside: stored runs of toy loops."""

import json
import shutil

import pandas as pd
import pytest
from click.shell_completion import ShellComplete

from bench.cli.main import main
from bench.records import journal as journals
from bench.records import loading
from bench.records.cell import CALIBRATION
from bench.records.lines import JOURNAL
from bench.records.trial import BlockKind
from bench.runs.options import KERNEL_BLOCKS
from bench.worker.sizing import FEWEST_BLOCKS


@pytest.fixture(scope="module")
def measured(tmp_path_factory, make_toy_session):
    """Return a folder with two runs, both with a kernel; only the second has a loop that fails."""
    session = make_toy_session(tmp_path_factory.mktemp("measured"), BENCH_CALIBRATE="1")
    for name, loops, code in (("before", ["toy", "toy-slow"], 0), ("after", ["toy", "is-killed"], 5)):
        done = session.bench("run", *loops, "--name", name, "--no-report")
        assert code == done.code, done.err
    return session


@pytest.fixture
def runs(measured, session):
    """Return a copy of that folder to work in, and the names of both runs, the first one first."""
    shutil.copytree(measured.folder / "results", session.folder / "results")
    names = [folder.name for folder in journals.runs(session.folder / "results")]
    return session, *sorted(names, key=lambda name: "after" in name)


def edit(session, name, *, old, new):
    """Change what a stored run says."""
    journal = session.folder / "results" / name / JOURNAL
    text = journal.read_text()
    assert old in text
    journal.write_text(text.replace(old, new))


def without(session, run, loop, *, name):
    """Copy a stored run without one of its loops, to the last digit the same but for that."""
    lines = []
    for text in (session.folder / "results" / run / JOURNAL).read_text().splitlines():
        line = json.loads(text)
        if line["kind"] == "run":
            plan = line["run"]["plan"]
            line["run"]["run_id"] = name
            plan["cells"] = [cell for cell in plan["cells"] if cell["loop"] != loop]
        of_loop = line.get("trial", {}).get("cell", {}) | line.get("verification", {})
        if of_loop.get("loop") != loop:
            lines.append(json.dumps(line))
    (session.folder / "results" / name).mkdir()
    (session.folder / "results" / name / JOURNAL).write_text("\n".join([*lines, ""]))
    return name


def test_two_runs_are_compared(runs):
    """A table on stdout, nothing on stderr, and exit code 0 although loops failed."""
    session, base, new = runs

    done = session.bench("compare", base, new)

    assert (0, "") == (done.code, done.err)
    lines = done.out.splitlines()
    assert [f"base: {base}", f"new:  {new}"] == lines[:2]
    assert "toy-slow: in the base and not in the new run" in done.out
    assert "is-killed: in the new run and not in the base" in done.out
    assert "Removed: toy-slow." in lines[-1]
    assert "New: is-killed." in lines[-1]


def test_what_is_found_fails_only_where_that_was_asked_for(runs):
    """Exit 4 for a loop that is gone, where a script wants to know."""
    session, base, _ = runs
    twin = without(session, base, "toy-slow", name="twin")  # measured in another minute, it may well be slower

    codes = [session.bench("compare", base, twin, "--fail-on", word).code for word in ("removed", "slower")]

    assert [4, 0] == codes


def test_of_several_runs_one_of_other_data_hides_no_other(runs):
    """It is left out with the reason, and exit 4 says that not all were compared."""
    session, base, new = runs
    shutil.copytree(session.folder / "results" / base, session.folder / "results" / "other")
    edit(session, "other", old='"name":"synthetic"', new='"name":"mnist"')
    edit(session, "other", old=f'"run_id":"{base}"', new='"run_id":"other"')

    done = session.bench("compare", base, "other", new)

    assert 4 == done.code, done.err
    assert "left out: other: not alike: " in done.err
    assert f"new:  {new}" in done.out


def test_a_report_shows_what_changed_since_a_baseline(runs):
    """On the terminal, in Markdown, on the page and as data, in the same words."""
    session, base, new = runs

    done = session.bench("report", new, "--baseline", base)
    folder = session.folder / "reports" / new
    change = json.loads((folder / "report.json").read_text())["change"]

    assert 0 == done.code, done.err
    assert f"Since {base}: {change['headline']}" in done.out
    assert "Removed: toy-slow." in change["headline"]
    assert {"toy", "toy-slow", "is-killed"} == {row[0] for row in change["rows"]}
    for name in ("report.md", "index.html"):
        text = (folder / name).read_text()
        assert f"Change since {base}" in text
        assert change["headline"] in text


def test_a_report_against_other_data_is_refused(runs):
    """As by `bench compare`, with the same exit code."""
    session, base, new = runs
    edit(session, base, old='"name":"synthetic"', new='"name":"mnist"')

    done = session.bench("report", new, "--baseline", base)

    assert 4 == done.code
    assert "mnist" in done.err


def test_the_kernel_calibrates_the_comparison(runs):
    """It was measured in both."""
    session, base, new = runs

    rows = session.bench("compare", base, new, "--format", "json").json["rows"]

    (toy,) = [row for row in rows if row["cell"]["loop"] == "toy"]
    assert "calibrated" == toy["decided_by"]
    assert toy["calibrated"]["estimate"] == toy["speed_up"]["estimate"]
    assert {"new", "removed"} == {row["verdict"] for row in rows if row is not toy}


def test_markdown_is_printed_for_a_pull_request(runs):
    """Two tables."""
    session, base, new = runs

    done = session.bench("compare", base, new, "--format", "md")

    assert done.out.startswith("### ")
    assert "| Different | base | new |" in done.out
    assert "| toy-slow | \\- removed |" in done.out


def test_a_run_of_other_data_is_refused_unless_that_is_allowed(runs):
    """Exit 4, one line, nothing on stdout."""
    session, base, new = runs
    sha256 = loading.load(session.folder / "results" / new).header.dataset.sha256
    edit(session, new, old=sha256, new="ee" * 32)

    refused = session.bench("compare", base, new)
    allowed = session.bench("compare", base, new, "--allow-mismatch")

    assert (4, "") == (refused.code, refused.out)
    assert f"Error: not alike: data: synthetic, SHA-256 {sha256[:12]} against synthetic, SHA-256 eeee" in refused.err
    assert 1 == len(refused.err.splitlines())
    assert 0 == allowed.code
    assert "not alike" in allowed.out


def test_nothing_in_common_exits_with_4(runs):
    """Even where mismatches are allowed."""
    session, base, new = runs
    edit(session, new, old='"threads":null', new='"threads":1')

    done = session.bench("compare", base, new, "--allow-mismatch")

    assert (4, "") == (done.code, done.out)
    assert "no loop was measured in both runs" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2020", "2021"], "Error: results: there is no run '2020'; see 'bench list runs'"),
        (["2020"], "Missing argument 'NEW...'"),
        (["2020", "2021", "--format", "csv"], "'csv' is not one of 'table', 'json', 'md'"),
        (["2020", "2021", "--margin", "0"], "0 is not between 0 and 100 per cent"),
    ],
)
def test_bad_input_gets_one_clear_line(session, arguments, message):
    """Exit 2, no traceback, nothing on stdout."""
    done = session.bench("compare", *arguments)

    assert (2, "") == (done.code, done.out)
    assert message in done.err
    assert "Traceback" not in done.err


def test_the_shell_is_offered_stored_runs_for_both(runs, monkeypatch):
    """Baseline first."""
    session, base, new = runs
    monkeypatch.chdir(session.folder)

    def offered(*words):
        return {item.value for item in ShellComplete(main, {}, "bench", "_BENCH").get_completions(list(words), "")}

    assert {base, new} == offered("compare") == offered("compare", base)


def test_the_kernel_is_measured_once_a_round(measured):
    """Among the blocks of the loops."""
    for folder in journals.runs(measured.folder / "results"):
        run = loading.load(folder)
        assert run.complete
        assert [0, 1] == sorted(trial.round for trial in run.calibration)
        for trial in run.calibration:
            measured_blocks = trial.blocks_of(BlockKind.MEASURED)
            assert (CALIBRATION, None) == (trial.cell.side, trial.failure)
            assert FEWEST_BLOCKS <= len(measured_blocks) <= KERNEL_BLOCKS
            spans = [b.started for t in run.trials if t.round == trial.round for b in t.blocks_of(BlockKind.MEASURED)]
            assert min(spans) < measured_blocks[-1].started
            assert measured_blocks[0].started < max(spans)


def test_tables_mark_the_kernel_and_counts_leave_it_out(measured):
    """Four processes of loops, two of the kernel."""
    folder = next(folder for folder in journals.runs(measured.folder / "results") if "before" in folder.name)

    table = pd.read_csv(folder / "trials.csv")

    assert (6, 2) == (len(table), (table["side"] == "calibration").sum())
    assert 4 == json.loads((folder / "manifest.json").read_text())["trials"]
    listed = measured.bench("list", "runs", "--format", "json").json
    assert "4" == next(row["trials"] for row in listed if row["run"] == folder.name)


@pytest.mark.slow
def test_a_kernel_that_cannot_be_measured_fails_no_run(session, tmp_path):
    """It is told once, stored, and costs calibration only."""
    hide = tmp_path / "hide"
    hide.mkdir()
    (hide / "sitecustomize.py").write_text(
        "import os, sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'loops.variants.numpy_by_hand': raise RuntimeError('no kernel today')\n"
        "if os.environ.get('KERAS_BACKEND') == 'numpy':  # in a trial, not in the harness\n"
        "    sys.meta_path.insert(0, Broken())\n"
    )
    path = f"{hide}:{session.environment['PYTHONPATH']}"

    done = session.bench("run", "toy", "--no-report", BENCH_CALIBRATE="1", PYTHONPATH=path)

    run = session.run()
    assert (0, True, 2, 1) == (done.code, run.complete, len(run.trials), len(run.calibration)), done.err
    assert 1 == done.err.count("no kernel today")


@pytest.mark.slow
def test_an_interrupted_run_goes_on_without_measuring_the_kernel_twice(session):
    """What is missing, and nothing else."""
    session.bench("run", "toy", "toy-slow", "--no-report", "--rounds", "1", BENCH_CALIBRATE="1")
    (journal,) = session.folder.glob("results/*/journal.jsonl")
    header, *lines = journal.read_text().splitlines()
    kernel = [line for line in lines if f'"side":"{CALIBRATION}"' in line]
    others = [line for line in lines if '"kind":"trial"' in line and line not in kernel]
    journal.write_text("\n".join([header, *kernel, others[0]]) + "\n")

    done = session.bench("run", "--resume", journal.parent.name, "--no-report")

    run = session.run()
    assert (0, True, 2, 1) == (done.code, run.complete, len(run.trials), len(run.calibration)), done.err


@pytest.mark.slow
def test_sides_of_one_run_need_no_kernel(session):
    """Their rounds are paired."""
    done = session.bench("ab", "here", "env=OMP_NUM_THREADS=1", "toy", "--no-report", BENCH_CALIBRATE="1")

    assert 0 == done.code, done.err
    assert (None, ()) == (session.run().header.plan.calibration, session.run().calibration)
