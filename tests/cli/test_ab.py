"""`bench ab` from the outside: real processes in two environments, real commits, toy loops."""

import hashlib
import shutil
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from bench.records.trial import BlockKind, FailureKind
from loops import registry

LOOP = '''"""A loop of a user."""

from typing import ClassVar

from toy_loops import Softmax


class Mine(Softmax):
    """Learns at a rate of its own."""

    backend: ClassVar[str] = "numpy"

    def step(self):
        """Scale the step."""
        before = self.weights.copy()
        super().step()
        self.weights = before + {rate} * (self.weights - before)
'''
METADATA = "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n"


def project(rate):
    """Return the files of a user's project with a loop `mine`."""
    return {
        "mine_loops.py": LOOP.format(rate=rate),
        "mine-1.0.dist-info/METADATA": METADATA,
        "mine-1.0.dist-info/entry_points.txt": "[bench.loops]\nmine = mine_loops:Mine\n",
    }


def sha256(text):
    """Return the hash of a source file."""
    return hashlib.sha256(text.encode()).hexdigest()


def by_side(run, attribute):
    """Return side -> what its trials have in one field."""
    found = defaultdict(set)
    for trial in run.trials:
        found[trial.cell.side].add(getattr(trial, attribute))
    return found


def failures(run):
    """Return (loop, side) -> kind and message of those that failed."""
    return {
        (trial.cell.loop, trial.cell.side): (trial.failure.kind, trial.failure.message)
        for trial in run.trials
        if trial.failure
    }


def test_two_environments_are_measured_in_the_same_rounds(session):
    """Stored with what they are, reported with A as the baseline."""
    done = session.bench("ab", "here", "env=TOY_RATE=0.01", "toy-tuned", "toy")

    run = session.run()
    assert (0, True, 8) == (done.code, run.complete, len(run.trials)), done.err
    assert [("A", "here"), ("B", "env=TOY_RATE=0.01")] == [(s.name, s.description) for s in run.header.plan.sides]
    assert {(loop, side) for loop in ("toy", "toy-tuned") for side in "AB"} == {
        (trial.cell.loop, trial.cell.side) for trial in run.trials
    }
    assert "toy-tuned [B]" in done.out
    assert (session.folder / "reports" / run.header.run_id / "index.html").exists()


@pytest.mark.slow
def test_each_process_sees_the_variables_of_its_side(session):
    """The loop learns as the variable says."""
    session.bench("ab", "env=TOY_RATE=1", "env=TOY_RATE=0.01", "toy-tuned", "--no-report", "--rounds", "1")

    losses = by_side(session.run(), "last_loss")
    assert max(losses["A"]) < min(losses["B"])


@pytest.mark.slow
def test_blocks_of_both_sides_take_turns(session):
    """Neither has all its blocks in a row."""
    session.bench("ab", "here", "here", "toy", "--no-report", "--rounds", "1")

    blocks = sorted(
        (block.started, trial.cell.side)
        for trial in session.run().trials
        for block in trial.blocks_of(BlockKind.MEASURED)
    )
    assert sum(a != b for (_, a), (_, b) in pairwise(blocks)) >= 9


def test_the_code_of_a_commit_is_what_is_measured(session, make_repository):
    """Even from the user's own folder; the hashes of both sources are stored."""
    repository = make_repository(session.folder / "project")
    commit = repository.commit("Learn slowly", project("0.01"))
    repository.commit("Learn fast", project("1.0"))

    done = session.in_folder("project").bench("ab", "ref=HEAD~1", "here", "mine", "--no-report")

    run = session.in_folder("project").run()
    losses = by_side(run, "last_loss")
    assert 0 == done.code, done.err
    assert max(losses["B"]) < min(losses["A"])
    assert {"A": {sha256(LOOP.format(rate="0.01"))}, "B": {sha256(LOOP.format(rate="1.0"))}} == by_side(
        run, "loop_sha256"
    )
    assert (commit, "Learn slowly") == tuple(run.header.plan.sides[0].facts[fact] for fact in ("commit", "subject"))


def test_a_commit_of_this_project_brings_its_loops_and_not_its_harness(session, make_repository):
    """A `bench` in that commit is never imported."""
    repository = make_repository(session.folder / "project")
    shutil.copytree(Path(registry.__file__).parent, repository.folder / "loops")
    name = "loops/workloads/mnist_mlp.py"
    then = (repository.folder / name).read_text() + "# then\n"
    (repository.folder / name).write_text(then)
    repository.git("add", "loops")
    repository.commit("Then", {"bench/__init__.py": "raise SystemExit('the wrong harness')"})
    (repository.folder / "elsewhere").mkdir()

    done = session.in_folder("project/elsewhere").bench("ab", "ref=HEAD", "here", "toy", "--no-report")

    hashes = by_side(session.in_folder("project/elsewhere").run(), "workload_sha256")
    assert 0 == done.code, done.err
    assert {"A": {sha256(then)}, "B": {registry.describe_workload("mnist-mlp").sha256}} == hashes


def test_a_loop_that_one_commit_lacks_is_a_row_with_its_reason(session, make_repository):
    """The other loops are compared; what stands behind the commit on the path is not taken for it."""
    repository = make_repository(session.folder / "project")
    repository.commit("Nothing yet", {"README": ""})
    repository.commit("A loop", project("1.0"))
    here = session.in_folder("project", PYTHONPATH=f"{session.environment['PYTHONPATH']}:{repository.folder}")

    done = here.bench("ab", "ref=HEAD~1", "here", "mine", "toy", "--no-report")

    ((kind, message),) = failures(here.run()).values()
    assert (0, FailureKind.UNAVAILABLE) == (done.code, kind), done.err
    assert "side A (ref=HEAD~1) has no mine: " in message
    assert "there is no loop 'mine'" in message
    assert f"mine [A]: not measured: {message}" in done.err
    assert 6 == len([trial for trial in here.run().trials if trial.failure is None])


@pytest.mark.slow
def test_a_loop_that_only_a_commit_has_is_a_row_with_its_reason(session, make_repository):
    """It is measured where it is."""
    repository = make_repository(session.folder / "project")
    repository.commit("A loop", project("1.0"))
    repository.commit("No loop", dict.fromkeys(project("1.0")))
    here = session.in_folder("project")

    done = here.bench("ab", "ref=HEAD~1", "here", "mine", "toy", "--no-report")

    assert 0 == done.code, done.err
    assert {("mine", "B")} == failures(here.run()).keys()
    assert "side B (here) has no mine: there is no loop 'mine'" in done.err


def test_nothing_to_compare_is_exit_4(session, make_repository):
    """When no loop was measured on both sides."""
    repository = make_repository(session.folder / "project")
    repository.commit("Nothing yet", {"README": ""})
    repository.commit("A loop", project("1.0"))

    done = session.in_folder("project").bench("ab", "ref=HEAD~1", "here", "mine", "--no-report")

    assert 4 == done.code, done.err
    assert "Error: no loop was measured on every side: side A (ref=HEAD~1) has no mine: " in done.err


def test_a_commit_that_breaks_a_loop_is_exit_5(session, make_repository):
    """It is there and cannot be imported; the other side's numbers are kept."""
    repository = make_repository(session.folder / "project")
    repository.commit("A loop", project("1.0"))
    repository.commit("Break it", {"mine_loops.py": "def def\n"})
    here = session.in_folder("project")

    done = here.bench("ab", "ref=HEAD~1", "ref=HEAD", "mine", "--no-report")

    ((cell, (kind, message)),) = failures(here.run()).items()
    assert (5, ("mine", "B"), FailureKind.RAISED) == (done.code, cell, kind), done.err
    assert "side B (ref=HEAD) cannot import mine: " in message
    assert "mine_loops.py, line 1: invalid syntax" in message


@pytest.mark.slow
def test_another_version_of_a_library_is_what_is_measured(session, make_wheel):
    """Installed on one side, as it lies there on the other."""
    (session.folder / "mine_loops.py").write_text(LOOP.format(rate="1.0"))
    files = {
        "mine_loops.py": LOOP.format(rate="0.01"),
        "mine-2.0.dist-info/entry_points.txt": "[bench.loops]\nmine = mine_loops:Mine\n",
    }
    make_wheel(session.folder, name="mine", version="2.0", files=files)
    for name, text in project("1.0").items():
        (session.folder / name).parent.mkdir(exist_ok=True)
        (session.folder / name).write_text(text)

    done = session.bench("ab", "here", "pip=./mine-2.0-py3-none-any.whl", "mine", "--no-report", PIP_NO_INDEX="1")

    run = session.run()
    losses = by_side(run, "last_loss")
    assert 0 == done.code, done.err
    assert "side B: installing ./mine-2.0-py3-none-any.whl" in done.err
    assert {"mine": "2.0"} == run.header.plan.sides[1].facts
    assert max(losses["A"]) < min(losses["B"])


@pytest.mark.slow
def test_each_side_is_verified_for_itself(session):
    """What one computes says nothing about the other."""
    done = session.bench("ab", "here", "env=TOY_RATE=0.01", "toy-tuned", "--no-report", BENCH_NO_VERIFY="")

    assert {("toy-tuned", "A"), ("toy-tuned", "B")} == {(v.loop, v.side) for v in session.run().verifications}
    assert "toy-tuned [B]" in done.err


@pytest.mark.slow
def test_an_interrupted_comparison_goes_on_by_bench_run(session, wait_for, interrupt):
    """With the sides that it was started with."""
    process = session.start("ab", "here", "env=TOY_RATE=0.01", "toy-tuned", "--no-report", "--rounds", "3")
    wait_for(lambda: list(session.folder.rglob("journal.jsonl")) and len(session.run().trials) >= 2)
    interrupt(process)
    _, told = process.communicate(timeout=60)
    stored = session.run().header.run_id

    done = session.bench("run", "--resume", stored, "--no-report")

    assert (130, 0, 6) == (process.returncode, done.code, len(session.run().trials)), told + done.err
    losses = by_side(session.run(), "last_loss")
    assert max(losses["A"]) < min(losses["B"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["toy", "toy-slow"], "Error: side A: 'toy' is no environment; write python=PATH, "),
        (["here", "env=A"], "Error: side B: 'env=A' gives no value; write env=A=VALUE"),
        (["here", "ref=main", "toy"], "Error: side B (ref=main): git says: fatal: not a git repository"),
        (["here", "python=nowhere", "toy"], "Error: side B (python=nowhere): there is no such program"),
        (["here", "here", "tou"], "Error: there is no loop 'tou'. Did you mean 'toy'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(session, arguments, message):
    """Nothing is stored."""
    done = session.bench("ab", *arguments)

    assert (2, True) == (done.code, done.err.startswith(message)), done.err
    assert 1 == len(done.err.splitlines())
    assert not (session.folder / "results").exists()


def test_a_side_that_cannot_run_a_trial_is_one_line_and_exit_2(session, make_repository):
    """Such as a commit whose loops do not fit this harness."""
    repository = make_repository(session.folder / "project")
    repository.commit("Long ago", dict.fromkeys(["loops/__init__.py", "loops/contract.py", "loops/registry.py"], ""))
    (repository.folder / "elsewhere").mkdir()

    done = session.in_folder("project/elsewhere").bench("ab", "ref=HEAD", "here", "toy")

    assert 2 == done.code
    assert "Error: side A (ref=HEAD): its loops cannot be read: AttributeError: " in done.err


@pytest.mark.parametrize("option", ["--all-guides", "--samples", "--resume"])
def test_what_makes_no_sense_for_two_environments_is_no_option(session, option):
    """They belong to `bench run`."""
    done = session.bench("ab", "here", "here", option)

    assert (2, True) == (done.code, "No such option" in done.err)


@pytest.mark.slow
def test_the_baseline_measured_twice_is_the_first_side(session):
    """With its variables, so that the two differ by nothing but noise."""
    done = session.bench("ab", "env=TOY_RATE=0.01", "here", "toy-tuned", "--aa", "--no-report", "--rounds", "1")

    losses = by_side(session.run(), "last_loss")
    assert (0, {"A", "B", "again"}) == (done.code, losses.keys()), done.err
    assert min(losses["A"] | losses["again"]) > max(losses["B"])
