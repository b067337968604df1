"""Whose preparation a cell begins with, and what is refused before any process starts."""

import pytest

from bench.errors import UsageError
from bench.records.cell import Side
from bench.records.prepared import PreparedWorkload
from bench.sides import preparation
from bench.sides.launcher import Launcher
from bench.sides.preparation import Wanted, group_of, is_there, of_cell, prepare, refuse_dtype

COMMIT = Side(name="base", description="ref=main", tree="/tree")
HERE, VARIABLE = Side(name="head", description="here"), Side(name="B", description="env=A=1", variables={"A": "1"})


def own(workload="mine", **fields):
    """Return what was prepared for a workload."""
    settings = {
        "folder": f"prepared-{workload}",
        "sha256": "ab" * 32,
        "batch_size": 32,
        "fixed_batch_size": False,
        "training_samples": 100,
        "validation_samples": 0,
        "policy": "float32",
    }
    return PreparedWorkload(workload=workload, **settings | fields)


@pytest.mark.parametrize(("side", "group"), [(None, None), (HERE, None), (VARIABLE, None), (COMMIT, "base")])
def test_only_a_commit_has_files_of_its_own(side, group):
    """All other sides share the working tree's, and one preparation."""
    assert group == group_of(side)


@pytest.mark.parametrize(("side", "folder"), [(COMMIT, "old"), (HERE, "new"), (VARIABLE, "new"), (None, "new")])
def test_a_cell_begins_with_what_was_prepared_for_its_side(side, folder):
    """Whatever was prepared first."""
    for found in (
        [own(side="base", folder="old"), own(folder="new")],
        [own(folder="new"), own(side="base", folder="old")],
    ):
        assert folder == of_cell(found, workload="mine", side=side).folder


def test_nothing_is_taken_from_another_side_or_workload():
    """A workload of ours makes everything from the seed."""
    assert of_cell([own(side="base")], workload="mine", side=HERE) is None
    assert of_cell([own()], workload="mine", side=COMMIT) is None
    assert of_cell([own()], workload="mnist-mlp", side=None) is None
    assert of_cell([], workload="mine", side=None) is None


def test_a_run_can_go_on_where_all_that_it_began_with_is_there(tmp_path):
    """Each folder with its index, which is written last."""
    for name in ("a", "b"):
        (tmp_path / f"prepared-{name}").mkdir()
    (tmp_path / "prepared-a" / "index.json").touch()

    assert is_there([], cache=tmp_path)
    assert is_there([own("a")], cache=tmp_path)
    assert not is_there([own("a"), own("b")], cache=tmp_path)
    assert not is_there([own("a")], cache=tmp_path / "elsewhere")


def test_a_dtype_is_for_models_that_are_compiled():
    """Others are held against a reference that is written for one."""
    with pytest.raises(UsageError) as caught:
        refuse_dtype("mixed_bfloat16", workloads=["regression", "mnist-mlp"])

    assert (
        "--dtype mixed_bfloat16: regression is written for float32; "
        "--dtype is for models that are compiled, as yours are"
    ) == str(caught.value)
    refuse_dtype("mixed_bfloat16", workloads=["mnist-cnn"])
    refuse_dtype("mixed_bfloat16", workloads=[])


def test_workloads_of_ours_start_no_process(tmp_path, monkeypatch):
    """Whatever the sides are."""
    monkeypatch.setattr(preparation, "WorkerProcess", None)
    wanted = Wanted(seed=0, dataset="synthetic", data=None, cache=tmp_path, timeout=1.0)

    with Launcher(interpreters={}, environment={}) as launcher:
        found = prepare(
            ["mnist-mlp", "regression"], backends=["numpy"], sides=[COMMIT, HERE], wanted=wanted, launcher=launcher
        )

    assert () == found
    assert not list(tmp_path.iterdir())
