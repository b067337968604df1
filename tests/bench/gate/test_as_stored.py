"""What is held against a stored run is measured as that was, and what was asked for otherwise is refused first."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.gate.as_stored import as_stored
from bench.gate.settings import Settings
from bench.records.cell import AGAIN, Side
from bench.runs.options import Options
from loops import registry
from loops.contract import Track
from loops.data.mnist import DatasetChoice


@pytest.fixture
def told():
    """Return the lines that were told."""
    return []


@pytest.fixture
def wanted(make_run, make_cell, told, tmp_path, monkeypatch):
    """Return a function: cells of a stored run, and what was asked for -> what is measured."""
    monkeypatch.setenv(registry.FILES_VARIABLE, "[]")  # files that are registered stay so

    def ask(*cells, settings=None, data=None, steps=None, cpus=(), sides=(), files=(), **asked):
        run = make_run(steps={"tf-fit": 1e-3})
        plan = replace(
            run.header.plan, cells=cells or (make_cell("tf-fit"),), steps=steps, cpus=cpus, sides=sides, files=files
        )
        dataset = replace(run.header.dataset, name=data or run.header.dataset.name)
        run = replace(run, header=replace(run.header, plan=plan, dataset=dataset))
        return as_stored(
            run, asked=Options(**asked), settings=settings or Settings(), folder=tmp_path, tell=told.append
        )

    return ask


@pytest.mark.parametrize(
    ("axis", "then", "field", "measured"),
    [
        ("threads", 2, "threads", 2),
        ("threads", None, "threads", None),
        ("batch_size", 256, "batch_sizes", (256,)),
        ("width", 64, "widths", (64,)),
        ("dtype", "mixed_bfloat16", "dtype", "mixed_bfloat16"),
        ("device", "gpu", "device", "gpu"),
        ("track", "guide", "track", Track.GUIDE),
        ("workload", "mnist-cnn", "workloads", ("mnist-cnn",)),
    ],
)
def test_what_nobody_chose_is_as_the_stored_run_has_it(wanted, make_cell, axis, then, field, measured):
    """Another value would be another thing, and nothing would be left to compare."""
    cell = make_cell("tf-fit", **{axis: then})

    conditions = wanted(cell).conditions

    assert (measured, (cell,)) == (conditions[field], conditions["known"])


def test_steps_data_and_processors_are_as_in_the_stored_run(wanted):
    """A run of synthetic digits is not compared with the real ones because those are here."""
    pinned, moving = wanted(steps=500, data="synthetic", cpus=(1,)), wanted(cpus=())

    assert (500, DatasetChoice.SYNTHETIC, True) == tuple(
        pinned.conditions[name] for name in ("steps", "dataset", "pin")
    )
    assert moving.conditions["pin"] is False


def test_what_somebody_chose_for_data_and_steps_holds(wanted):
    """Steps differ without harm; that data differ is found before anything is measured."""
    conditions = wanted(steps=500, data="synthetic", dataset=DatasetChoice.MNIST).conditions

    assert DatasetChoice.MNIST is conditions["dataset"]


def test_sizes_that_differ_between_workloads_are_their_own(wanted, make_cell):
    """Each workload is not measured at the size of the other."""
    own = wanted(make_cell(batch_size=32), make_cell(workload="mnist-cnn", batch_size=64)).conditions
    chosen = wanted(*(make_cell(workload=name, batch_size=size) for name in ("a", "b") for size in (8, 16))).conditions

    assert ((), (8, 16)) == (own["batch_sizes"], chosen["batch_sizes"])


@pytest.mark.parametrize(
    ("axis", "then", "asked", "said"),
    [
        ("threads", None, {"threads": 1}, "--threads 1: run RUN has as many threads as each framework likes,"),
        ("threads", 1, {"threads": 2}, "--threads 2: run RUN has 1 thread a process,"),
        ("threads", 2, {"threads": 1}, "--threads 1: run RUN has 2 threads a process,"),
        ("device", "cpu", {"device": "gpu"}, "--device gpu: run RUN has the CPU,"),
        ("dtype", None, {"dtype": "float64"}, "--dtype float64: run RUN has the data type that its models say,"),
        (
            "workload",
            "mnist-cnn",
            {"workloads": ("mnist-mlp",)},
            "--workload mnist-mlp: run RUN has mnist-cnn; name one of them or leave it out",
        ),
    ],
)
def test_what_was_asked_for_and_is_not_as_stored_is_refused_by_its_option(
    wanted, make_cell, make_run, axis, then, asked, said
):
    """In one line that says what the run has."""
    run = make_run(steps={"tf-fit": 1e-3}).header.run_id

    with pytest.raises(UsageError) as caught:
        wanted(make_cell("tf-fit", **{axis: then}), **asked)

    assert said.replace("RUN", run) in str(caught.value)


def test_arrays_and_weights_of_a_users_model_hang_on_the_seed(wanted):
    """Of another seed they are other data; our digits are the same for all."""
    assert [7, 7] == [wanted(data=data).conditions["seed"] for data in ("own", "mnist")]
    assert 5 == wanted(data="mnist", seed=5).conditions["seed"]
    with pytest.raises(UsageError, match=r"--seed 5: run .* has arrays and weights of seed 7, which nothing else"):
        wanted(data="own", seed=5)


@pytest.mark.parametrize(
    ("axis", "asked"), [("threads", {"threads": 2}), ("device", {"device": "cpu"}), ("threads", {"device": "auto"})]
)
def test_what_was_asked_for_as_it_is_stored_is_no_contradiction(wanted, make_cell, axis, asked):
    """A line of CI may say what is so anyway."""
    assert wanted(make_cell("tf-fit", **{axis: asked.get(axis, 2)}), **asked).loops == ("tf-fit",)


def test_settings_for_two_sides_give_way_to_the_stored_run_and_that_is_told(wanted, make_cell, told):
    """One pyproject.toml serves gates of both kinds."""
    found = wanted(make_cell("tf-fit", threads=None), settings=Settings(threads=1, workload="mnist-cnn"))

    assert (None, ("mnist-mlp",)) == (found.conditions["threads"], found.conditions["workloads"])
    assert [
        "note: threads = 1 in pyproject.toml is for two sides",
        "note: workload = mnist-cnn in pyproject.toml is for two sides",
    ] == [line.partition(";")[0] for line in told]


def test_a_workload_of_the_settings_that_the_run_has_is_the_only_one(wanted, make_cell, told):
    """The others of the run are not measured."""
    both = (make_cell("tf-fit"), make_cell("tf-fit", workload="mnist-cnn"))

    found = wanted(*both, settings=Settings(workload="mnist-cnn")).conditions

    assert (("mnist-cnn",), both[1:], []) == (found["workloads"], found["known"], told)


def test_a_repetition_is_no_side_and_a_run_of_sides_is_no_baseline(wanted, make_cell):
    """A gate's own run has base and head, which nothing measured alone is like."""
    cell = make_cell("tf-fit")

    assert (cell,) == wanted(cell, replace(cell, side=AGAIN)).conditions["known"]
    with pytest.raises(UsageError, match=r"compares side A \(here\); a baseline is a run of 'bench run'"):
        wanted(replace(cell, side="A"), sides=(Side(name="A", description="here"),))


def test_only_files_of_the_project_are_run(make_run, tmp_path, told, monkeypatch):
    """A baseline that somebody sent may name any."""
    monkeypatch.setenv(registry.FILES_VARIABLE, "[]")
    project, outside = tmp_path / "project" / "mine.py", tmp_path / "theirs.py"
    project.parent.mkdir()
    for file in (project, outside):
        shutil.copy("examples/my_loop.py", file)
    run = make_run(steps={"mine": 1e-3})
    run = replace(run, header=replace(run.header, plan=replace(run.header.plan, files=(str(project), str(outside)))))

    as_stored(run, asked=Options(), settings=Settings(), folder=project.parent, tell=told.append)

    assert (str(project),) == registry.files()
    assert [
        f"the baseline names {project}, which is run as it is here",
        f"warning: the baseline names {outside}, which lies outside {project.parent} and is not run",
    ] == told


@pytest.mark.parametrize(
    ("then", "words"), [("theirs.npz", "was trained on .*theirs.npz"), (None, "has no saved model")], ids=str
)
def test_arrays_that_the_stored_run_was_not_trained_on_are_refused(wanted, tmp_path, then, words):
    """Its own ones may be named once more."""
    files = () if then is None else (str(tmp_path / then),)
    if then is not None:
        (tmp_path / then).touch()
        wanted(files=files, arrays=tmp_path / ".." / tmp_path.name / then)

    with pytest.raises(UsageError, match=rf"^--arrays mine.npz: run \S+ {words}; leave it out$"):
        wanted(files=files, arrays=Path("mine.npz"))
