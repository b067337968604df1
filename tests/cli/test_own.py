"""A user's own loop and workload, from the outside: worked examples, what `bench new` writes, what can go wrong."""

from pathlib import Path

import pytest

from bench.records.trial import FailureKind

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
MY_LOOP, MY_WORKLOAD = str(EXAMPLES / "my_loop.py"), str(EXAMPLES / "my_workload.py")
SHORT = ["--rounds", "1", "--threads", "1"]
SOFTMAX = '''"""Logistic regression."""
from toy_loops import Softmax
from loops.contract import Loop

class Mine(Softmax, Loop):
    backend = "numpy"
'''


@pytest.mark.slow
def test_the_worked_loop_is_short_and_does_the_same_work(session):
    """Forty lines, held against the reference like any other."""
    done = session.bench("verify", MY_LOOP, "--workload", "mnist-mlp", "--workload", "regression", "--format", "json")

    assert (0, [True, True]) == (done.code, [found["passed"] for found in done.json]), done.err
    assert 40 >= len(Path(MY_LOOP).read_text().splitlines())


@pytest.mark.slow
def test_the_worked_examples_run_together(session):
    """The loop stands beside the one that was named, on the user's model; both are called by their files."""
    del session.environment["BENCH_NO_VERIFY"]

    done = session.bench(
        "run", "torch-native", "torch-plain", "--loop", MY_LOOP, "--workload", MY_WORKLOAD, "--rounds", "1"
    )

    run = session.run()
    assert 0 == done.code, done.err
    assert {"torch-native": None, "torch-plain": FailureKind.UNAVAILABLE, "my_loop": None} == {
        trial.cell.loop: trial.failure and trial.failure.kind for trial in run.trials
    }
    assert {"my_workload"} == {cell.workload for cell in run.header.plan.cells}
    assert (MY_LOOP, MY_WORKLOAD) == tuple(sorted(run.header.plan.files))
    assert all(trial.workload_sha256 and trial.loop_sha256 for trial in run.trials)
    assert "is built by Keras only" in done.out
    assert {("torch-native", True), ("torch-plain", False), ("my_loop", True)} == {
        (verification.loop, verification.passed) for verification in run.verifications
    }
    assert "verified: torch-native" in done.err
    assert "verified: my_loop" in done.err


@pytest.mark.slow
def test_a_loop_that_trains_a_users_model_otherwise_is_invalid(session):
    """It differs from the model in float64, and the loop beside it does not; dropout is no difference."""
    text = Path(MY_LOOP).read_text()
    compiled = "        self.model.compile("
    assert compiled in text
    faster = text.replace(compiled, f"        optimizer.learning_rate = 1.1 * job.workload.learning_rate\n{compiled}")
    (session.folder / "faster.py").write_text(faster)

    done = session.bench("verify", "torch-keras", "faster.py", "--workload", MY_WORKLOAD, "--format", "json")

    first, second = done.json
    assert (5, True, False) == (done.code, first["passed"], second["passed"])
    assert {"tensorflow"} == {first["reference"], second["reference"]}
    assert "Error: 1 of 2 checks failed: faster on my_workload" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["loop", "workload"])
def test_what_new_writes_runs_as_it_is(session, kind):
    """And the command that it suggests is one that works."""
    del session.environment["BENCH_NO_VERIFY"]
    written = session.bench("new", kind, "my_own")

    own = ["torch-native", "--loop", "my_own.py"] if kind == "loop" else ["torch-native", "--workload", "my_own.py"]
    done = session.bench("run", *own, *SHORT, "--no-report", patience=240.0)

    assert (0, 0) == (written.code, done.code), done.err
    first = {"loop": "torch-native torch-keras", "workload": "tf-fit-stock tf-fit tf-function"}[kind]
    assert f"bench run --quick {first} --{kind} my_own.py" in written.out
    assert {"loop": "class MyOwn(", "workload": "def model():"}[kind] in (session.folder / "my_own.py").read_text()


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("loop", "my_own", "Error: my_own.py is there already, and is left alone; choose another name or move it away"),
        ("loop", "tf-fit", "Error: there is a loop 'tf-fit' already; choose another name, such as my-tf-fit"),
        ("workload", "regression", "Error: there is a workload 'regression' already"),
        ("workload", "keras.py", "Error: keras.py would hide the Python module 'keras'; choose another name"),
        ("workload", "2d", "Error: '2d' cannot be a name: begin with a letter"),
        ("loop", "nowhere/mine", "Error: nowhere/mine.py: cannot be written (No such file or directory)"),
    ],
)
def test_new_overwrites_nothing_and_says_the_way_out(session, kind, name, message):
    """Exit 2, one line, and the user's file is as it was."""
    (session.folder / "my_own.py").write_text("mine")

    done = session.bench("new", kind, name)

    assert 2 == done.code
    assert message in done.err
    assert ["mine"] == [path.read_text() for path in session.stored() if path.suffix == ".py"]


@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_file_that_cannot_be_used_is_a_usage_error(session, command):
    """Exit 2 and the line, before anything is measured."""
    (session.folder / "mine.py").write_text('"""Mine."""\nclass Mine(:\n')

    done = session.bench(command, "mine.py")

    assert (2, "") == (done.code, done.out)
    assert "Error: mine.py, line 2: invalid syntax; correct it and run again" in done.err


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("    def step(self):\n        raise KeyError('rate')\n", "KeyError: 'rate' (mine.py, line 8)"),
        ("    import nothing_like_it\n", "ModuleNotFoundError: No module named 'nothing_like_it' (mine.py, line 7)"),
    ],
)
def test_an_error_in_a_users_file_points_at_its_line(session, line, error):
    """In the stored trial, on the terminal and in the report."""
    (session.folder / "mine.py").write_text(SOFTMAX + line)

    done = session.bench("run", "toy", "--loop", "mine.py", "--rounds", "1")

    run = session.run()
    page = session.folder / "reports" / run.header.run_id / "report.md"
    (failure,) = (trial.failure for trial in run.trials if trial.failure)
    assert (5, error) == (done.code, failure.message), done.err
    assert error in done.err
    assert error in " ".join(done.out.split())
    assert error in page.read_text().replace("\\", "")


@pytest.mark.slow
def test_an_interrupted_run_finds_its_files_again(session):
    """Wherever it is gone on with; a file that is gone is named."""
    (session.folder / "mine.py").write_text(SOFTMAX)
    session.bench("run", "mine.py", "--rounds", "1", "--no-report")
    run_id = session.run().header.run_id

    done = session.bench("run", "--resume", run_id, "--no-report")
    (session.folder / "mine.py").unlink()
    gone = session.bench("run", "--resume", run_id, "--no-report")

    assert (0, 2) == (done.code, gone.code), done.err
    assert f"going on with {run_id} runs {session.folder / 'mine.py'}" in done.err
    assert "mine.py: cannot be read (No such file or directory)" in gone.err


@pytest.mark.slow
def test_a_file_that_has_changed_is_not_run_unasked(session):
    """Nobody can be asked here, so `--yes` has to say it."""
    (session.folder / "mine.py").write_text(SOFTMAX)
    session.bench("run", "mine.py", "--rounds", "1", "--no-report")
    run_id = session.run().header.run_id
    (session.folder / "mine.py").write_text(SOFTMAX + "    print('hello')\n")

    refused = session.bench("run", "--resume", run_id, "--no-report")
    elsewhere = session.bench("run", "--resume", run_id, "--no-report", BENCH_CACHE_DIR=str(session.folder / "other"))
    allowed = session.bench("run", "--resume", run_id, "--no-report", "--yes")

    assert (2, 2, 0) == (refused.code, elsewhere.code, allowed.code), allowed.err
    assert "changed since it was started: " in refused.err
    assert "look at them first, then give --yes" in refused.err
    assert "it was not started here by you" in elsewhere.err


@pytest.mark.slow
def test_a_batch_larger_than_the_arrays_is_refused(session):
    """How many samples there are is known once they are prepared, before anything is measured."""
    done = session.bench(
        "run", "torch-keras", "--workload", MY_WORKLOAD, "--batch-size", "5000", "--rounds", "1", "--no-report"
    )

    assert (2, "") == (done.code, done.out)
    assert "batch size 5000 is above the 2000 training samples of my_workload" in done.err


@pytest.mark.slow
def test_a_gate_compares_a_users_file_with_the_commits(session, make_repository):
    """The base is the file as it was, which is what a change is judged by."""
    repository = make_repository(session.folder / "project")
    repository.commit("Add my loop", {"mine.py": SOFTMAX})
    (repository.folder / "mine.py").write_text(SOFTMAX + "    extra = 1\n")

    session.in_folder("project").bench("ab", "ref=HEAD", "here", "mine.py", "--rounds", "1", "--no-report")

    run = session.in_folder("project").run()
    hashes = {trial.cell.side: trial.loop_sha256 for trial in run.trials}
    assert [None, None] == [trial.failure for trial in run.trials]
    assert 2 == len(set(hashes.values()))


def test_a_listing_is_of_registered_names_only(session):
    """A file beside it changes nothing."""
    (session.folder / "mine.py").write_text(SOFTMAX)

    assert "mine" not in session.bench("list", "loops").out.split()
