"""Today's harness on the loops of an earlier day: under `ref=` both meet in one process and have to get on.

`tests/frozen/` holds archives of `loops/` that are never changed: the contract and what stands below it, a loop or two
of each framework, two workloads. `loops-0.1.0.zip` is from before the release of that version. Whoever changes the
contract sees here whether earlier commits can still be measured; when one is released, its archive joins the others.
"""

import os
import zipfile
from pathlib import Path

import pytest

from bench.sides import inventory, recipe
from bench.sides.launcher import Launcher
from bench.verify import pool
from bench.worker.frameworks import missing
from loops.data import mnist

ARCHIVES = sorted((Path(__file__).resolve().parent.parent / "frozen").glob("loops-*.zip"))
LOOPS = {
    "tf-function": "tensorflow",
    "tf-fit": "tensorflow",
    "torch-native": "torch",
    "torch-plain": "torch",
    "jax-jit": "jax",
}
WORKLOADS = ("mnist-mlp", "regression")


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.stem)
def repository(request, tmp_path, make_repository):
    """Return the repository of a project whose first commit has frozen loops, and whose last one has none."""
    found = make_repository(tmp_path / "project")
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(found.folder)
    found.commit("Loops of an earlier day", {"loops/__init__.py": (found.folder / "loops/__init__.py").read_text()})
    found.git("add", "--all")
    found.git("commit", "--quiet", "--amend", "--no-edit")
    found.git("tag", "before")
    found.git("rm", "-r", "--quiet", "loops")
    found.commit("None", {"README": "A project."})
    return found


@pytest.fixture
def side(repository, tmp_path, monkeypatch):
    """Return the earlier commit as an environment that processes are started in."""
    monkeypatch.chdir(repository.folder)
    place = recipe.Place(folder=repository.folder, cache=tmp_path / "refs", environment=os.environ)
    return recipe.prepare(recipe.parse("ref=before", name="A"), place=place, tell=lambda _: None)


def check_both_sides(run, *, rounds):
    """Assert that both sides were measured in every round, began alike and said all there is to say."""
    assert len(run.header.plan.cells) * rounds == len(run.trials)
    first_losses = {}
    for trial in run.trials:
        assert trial.failure is None
        assert trial.samples == trial.steps * trial.cell.batch_size
        assert "accuracy" == trial.metric_name
        assert 0.0 <= trial.validation_metric <= 1.0
        first_losses[trial.cell.side] = trial.first_loss
    assert first_losses["A"] == pytest.approx(first_losses["B"], rel=1e-5)


def check_work(side, *, loop, backend, cache, tmp_path):
    """Assert that a loop of an earlier day does the same work as the reference of today."""
    fixture = mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=cache)
    with Launcher(interpreters={}, environment=os.environ) as launcher:
        found = pool.verify(
            [pool.Request(loop=loop, workloads=WORKLOADS, backend=backend, side=side)],
            digits=fixture.folder,
            device="cpu",
            launcher=launcher,
            logs=tmp_path,
            timeout=120.0,
            tell=lambda _: None,
        )
    assert [(name, None, True) for name in WORKLOADS] == [(one.workload, one.reason, one.passed) for one in found]


def test_loops_of_an_earlier_day_are_measured_beside_todays(repository, make_session):
    """The harness and the data are today's; contract, loop and workload are theirs."""
    session = make_session(repository.folder, BENCH_DATASET="synthetic", BENCH_STEPS="40", BENCH_NO_VERIFY="1")

    done = session.bench("ab", "ref=before", "here", "numpy", "--rounds=3", "--threads=1", "--no-report")

    assert 0 == done.code, done.err
    check_both_sides(session.run(), rounds=3)


def test_loops_of_an_earlier_day_are_held_against_todays_reference(side, cache, tmp_path):
    """Step by step, with their own samples, weights and gradients."""
    check_work(side, loop="numpy", backend="numpy", cache=cache, tmp_path=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("loop", LOOPS)
def test_earlier_loops_of_every_framework_are_measured_and_checked(
    repository, side, make_session, cache, tmp_path, loop
):
    """Each framework's module of the harness asks other things of a loop and of its batches."""
    if reason := missing(LOOPS[loop]):
        pytest.skip(reason)
    session = make_session(repository.folder, BENCH_DATASET="synthetic", BENCH_STEPS="40", BENCH_NO_VERIFY="1")

    done = session.bench("ab", "ref=before", "here", loop, "--rounds=1", "--threads=1", "--no-report")

    assert 0 == done.code, done.err
    check_both_sides(session.run(), rounds=1)
    check_work(side, loop=loop, backend=LOOPS[loop], cache=cache, tmp_path=tmp_path)


def test_what_an_earlier_commit_has_is_described_as_todays_loops_are(side):
    """Its registry is asked in a process of its own: framework, sources, and what is missing."""
    with Launcher(interpreters={}, environment={}) as launcher:
        found = inventory.look(side, loops=[*LOOPS, "numpy", "none"], workloads=["mnist-mlp"], launcher=launcher)

    described = {name: one.backend for (name, _), one in found.items() if one.missing is None}
    assert LOOPS | {"numpy": "numpy"} == described
    assert all(str(side.tree) in source for name in described for source in found[name, "mnist-mlp"].sources)
    assert "there is no loop 'none'" in found["none", "mnist-mlp"].missing
