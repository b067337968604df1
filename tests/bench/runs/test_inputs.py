"""What a run trains on: which digits, what is stored of them, and whether they are there again."""

from dataclasses import replace

import pytest

from bench.errors import UsageError
from bench.records.cell import Side
from bench.records.prepared import PreparedWorkload
from bench.records.stored_run import DatasetRecord
from bench.runs import inputs
from bench.runs.options import Options
from loops.data.mnist import DatasetChoice, Fixture
from loops.errors import DataError

FIXTURE = Fixture(name="mnist", source="Keras cache", sha256="cd" * 32, folder="/x", fallback=None)


def own(workload="mine", *, sha256="ab" * 32, **fields):
    """Return what was prepared for a workload."""
    settings = {
        "folder": f"prepared-{workload}",
        "batch_size": 32,
        "fixed_batch_size": False,
        "training_samples": 100,
        "validation_samples": 0,
        "policy": "float32",
    }
    return PreparedWorkload(workload=workload, sha256=sha256, **settings | fields)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return a cache that keeps the synthetic digits."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def resumed(make_run, cache):
    """Return a function that looks for the data of a run that is gone on with."""

    def find(dataset, *, prepared=(), **options):
        run = make_run(steps={"tf-fit": 1e-3}, rounds=1, dataset=dataset)
        run = replace(run, header=replace(run.header, plan=replace(run.header.plan, prepared=tuple(prepared))))
        return inputs.found_again(run, options=Options(cache=cache, **options))

    return find


@pytest.mark.parametrize(
    ("prepared", "workloads", "name"),
    [
        ((), ["mnist-mlp"], "mnist"),
        ((own(),), ["mine"], "own"),
        ((own(),), ["mine", "mnist-mlp"], "mnist"),
        ((own("a"), own("b")), ["b", "a"], "own"),
        ((own("mnist-cnn"),), ["mnist-cnn"], "mnist"),
        ((own("mnist-cnn"), own()), ["mnist-cnn", "mine"], "mnist"),
        ((), [], "mnist"),
    ],
)
def test_a_run_of_workloads_with_arrays_of_their_own_has_own_data(prepared, workloads, name):
    """One that looks at digits is enough for these to be named, as our compiled models do."""
    assert name == inputs.record(FIXTURE, prepared=prepared, workloads=workloads).name


def test_digits_are_stored_without_their_folder():
    """It is this machine's business."""
    fixture = replace(FIXTURE, fallback="no network")

    assert DatasetRecord(name="mnist", source="Keras cache", sha256="cd" * 32, fallback="no network") == inputs.record(
        fixture, prepared=(), workloads=["mnist-mlp"]
    )


def test_own_data_are_told_by_their_arrays():
    """One digest for several, whatever their order; another one where any of them changes."""

    def digest(*hashes):
        prepared = [own(name, sha256=one * 64) for name, one in zip("abc", hashes, strict=False)]
        return inputs.record(FIXTURE, prepared=prepared, workloads=["a", "b", "c"][: len(hashes)]).sha256

    assert "1" * 64 == digest("1") == digest("1", "1")
    assert digest("1", "2") == digest("2", "1")
    assert 3 == len({digest("1"), digest("1", "2"), digest("1", "3")})


def test_own_data_say_whose_they_are_and_what_stands_in():
    """In the order of their names."""
    prepared = (own("b", fallback="no network"), own("a"))

    found = inputs.record(FIXTURE, prepared=prepared, workloads=["b", "a"])

    assert ("a, b", "no network") == (found.source, found.fallback)


def test_where_nobody_looks_at_digits_none_are_looked_for(cache):
    """A file that is not there is not missed."""
    options = Options(cache=cache, dataset=DatasetChoice.MNIST, data=cache / "missing.npz")

    assert "synthetic" == inputs.digits_of(options, workloads=["mine"], prepared=(own(),)).name
    with pytest.raises(DataError, match=r"missing\.npz"):
        inputs.digits_of(options, workloads=["mine", "mnist-mlp"], prepared=(own(),))


def test_the_digits_of_a_run_are_found_again(resumed, cache):
    """By the name under which they are stored."""
    drawn = inputs.digits_of(
        Options(cache=cache, dataset=DatasetChoice.SYNTHETIC), workloads=["mnist-mlp"], prepared=()
    )
    stored = DatasetRecord(name="synthetic", source=drawn.source, sha256=drawn.sha256)

    assert drawn == resumed(stored)


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (DatasetRecord(name="cifar", source="x", sha256="0" * 64), "was measured on 'cifar', which this tool has not"),
        (DatasetRecord(name="", source="x", sha256="0" * 64), "was measured on '', which this tool has not"),
        (
            DatasetRecord(name="synthetic", source="older digits", sha256="0" * 64),
            "was measured on other data (older digits); name them by --data",
        ),
    ],
)
def test_other_data_are_no_way_to_go_on(resumed, dataset, reason):
    """The run is named."""
    with pytest.raises(UsageError) as caught:
        resumed(dataset)

    assert f"2026-01-02-120000-abcd {reason}" == str(caught.value)


def test_arrays_that_are_gone_are_no_way_to_go_on(resumed, cache):
    """Where they should be, and what to do."""
    data = DatasetRecord(name="own", source="mine", sha256="0" * 64)

    with pytest.raises(UsageError, match="cannot go on: its arrays and initial weights are no longer in"):
        resumed(data, prepared=[own()])
    (cache / "prepared-mine").mkdir()
    (cache / "prepared-mine" / "index.json").touch()
    assert "synthetic" == resumed(data, prepared=[own()]).name


def test_each_cell_finds_what_was_prepared_for_its_side(make_run, make_cell, tmp_path):
    """A commit has its own; ours have nothing."""
    sides = (Side(name="base", description="ref=main", tree="/t"), Side(name="head", description="here"))
    plan = replace(
        make_run(steps={"tf-fit": 1e-3}, rounds=1).header.plan,
        sides=sides,
        prepared=(own(side="base", folder="old"), own(folder="new")),
    )
    cells = {side: make_cell("tf-fit", workload="mine", side=side) for side in ("base", "head")}

    assert {"mine": str(tmp_path / "old")} == inputs.folders(plan, cells=[cells["base"]], cache=tmp_path)
    assert {"mine": str(tmp_path / "new")} == inputs.folders(plan, cells=[cells["head"]], cache=tmp_path)
    assert {} == inputs.folders(plan, cells=[make_cell("tf-fit", side="base")], cache=tmp_path)
    assert {} == inputs.folders(plan, cells=[], cache=tmp_path)
