"""Options become a plan, or are refused with a way out; nothing is started."""

import os

import pytest

from bench.errors import UsageError
from bench.machine import cpus
from bench.records.cell import AGAIN, CALIBRATION, Side
from bench.runs.options import Options, plan_of
from bench.sides.inventory import Found
from loops import registry
from loops.contract import Track

SIDES = (Side(name="A", description="here"), Side(name="B", description="env=X=1"))


class Told:
    """A console that keeps what it is told."""

    def __init__(self):
        """Nothing was told."""
        self.lines = []

    def notice(self, text):
        """Keep a line."""
        self.lines.append(text)


class Everything(dict):
    """What a side has that has every loop on every workload."""

    def __missing__(self, key):
        """Say that it is there."""
        return Found(loop=key[0], workload=key[1], backend="numpy")


@pytest.fixture
def plan():
    """Return a function that plans with options for the CPU."""

    def plan(*, console=None, inventories=None, **settings):
        return plan_of(
            Options(**{"device": "cpu"} | settings),
            inventories=inventories or {},
            prepared=(),
            console=console or Told(),
            environment=os.environ,
        )

    return plan


def test_without_options_the_guides_loops_train_mnist(plan):
    """Matched, at the workload's own size, the kernel beside them."""
    found = plan()

    assert list(registry.DEFAULT_LOOPS) == [cell.loop for cell in found.cells]
    assert {("mnist-mlp", "matched", "cpu", 32, None, None, None)} == {
        (c.workload, c.track, c.device, c.batch_size, c.width, c.threads, c.side) for c in found.cells
    }
    assert ("tf-eager", 6, "numpy", CALIBRATION) == (
        found.baseline,
        found.rounds,
        found.calibration.loop,
        found.calibration.side,
    )


def test_every_choice_is_combined_with_every_other(plan):
    """Workloads, then sizes, then widths, then loops."""
    found = plan(loops=("numpy", "tf-fit"), batch_sizes=(32, 64), widths=(8, 16), threads=1, pin=False)

    assert [(size, width, loop) for size in (32, 64) for width in (8, 16) for loop in ("numpy", "tf-fit")] == [
        (cell.batch_size, cell.width, cell.loop) for cell in found.cells
    ]
    assert "numpy" == found.baseline


def test_a_loop_that_is_named_twice_is_measured_once(plan):
    """As LOOP and by --loop."""
    assert ["numpy", "tf-fit"] == [
        cell.loop for cell in plan(loops=("numpy", "numpy"), more_loops=("tf-fit", "numpy")).cells
    ]


def test_the_guides_have_a_track_and_pairs_of_their_own(plan):
    """Which another track may replace."""
    assert {"guide"} == {cell.track for cell in plan(all_guides=True).cells}
    assert {"matched"} == {cell.track for cell in plan(all_guides=True, track=Track.MATCHED).cells}
    assert 1 < len({cell.workload for cell in plan(all_guides=True).cells})


def test_the_repetition_repeats_the_baseline_of_the_first_group(plan):
    """Once, whatever else is measured."""
    found = plan(loops=("numpy", "tf-eager"), batch_sizes=(32, 64), again=True)

    (again,) = [cell for cell in found.cells if cell.side == AGAIN]
    assert ("tf-eager", 32) == (again.loop, again.batch_size)


def test_sides_are_compared_within_their_run_so_that_no_kernel_is_needed(plan):
    """Every loop on both, the baseline first."""
    found = plan(loops=("numpy",), sides=SIDES, inventories={side.name: Everything() for side in SIDES})

    assert (["A", "B"], None, SIDES) == ([cell.side for cell in found.cells], found.calibration, found.sides)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "interleaved"),
        ({"track": Track.GUIDE}, "sequential"),
        ({"all_guides": True}, "sequential"),
        ({"track": Track.GUIDE, "schedule": "interleaved"}, "interleaved"),
        ({"schedule": "sequential"}, "sequential"),
    ],
)
def test_a_process_whose_input_pipeline_is_measured_does_not_pause(plan, settings, expected):
    """Its pipeline would go on: read ahead, and count the time of other loops as its own."""
    assert expected == plan(**settings).schedule


def test_environments_take_turns_on_every_track(plan):
    """What a pause does to a pipeline, it does to both sides."""
    inventories = {side.name: Everything() for side in SIDES}

    assert "interleaved" == plan(loops=("numpy",), track=Track.GUIDE, sides=SIDES, inventories=inventories).schedule


def test_of_loops_that_a_stored_run_has_only_its_cells_are_measured(plan):
    """A loop that it has not is measured wherever the others are."""
    both = plan(loops=("numpy", "tf-fit"), batch_sizes=(32, 64)).cells
    known = tuple(cell for cell in both if (cell.loop, cell.batch_size) != ("numpy", 64))

    found = plan(loops=("numpy", "tf-fit", "jax-jit"), batch_sizes=(32, 64), known=known).cells

    assert [("numpy", 32), ("tf-fit", 32), ("jax-jit", 32), ("tf-fit", 64), ("jax-jit", 64)] == [
        (cell.loop, cell.batch_size) for cell in found
    ]
    with pytest.raises(UsageError, match="nothing is left here: its batch sizes are not those of today"):
        plan(loops=("numpy",), batch_sizes=(64,), known=known)


@pytest.mark.parametrize(
    ("settings", "available", "expected"),
    [
        ({"threads": 1}, (0, 1, 2, 3), 1),
        ({"threads": 4}, (0, 1, 2, 3), 0),
        ({"threads": None}, (0, 1), 0),
        ({"threads": 1, "pin": False}, (0, 1), 0),
        ({"threads": 2}, (), 0),
    ],
)
def test_trials_stay_on_as_many_cpus_as_they_have_threads(plan, monkeypatch, settings, available, expected):
    """Where that leaves one free, and unless that was not wanted."""
    monkeypatch.setattr(cpus, "allowed", lambda: available)

    assert expected == len(plan(loops=("numpy",), **settings).cpus)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_sizes": (50_001,)}, "batch size 50001 is above the 50000 training samples of mnist-mlp"),
        ({"workloads": ("regression",), "widths": (8,)}, "--width: the model of regression has no hidden layers"),
        ({"samples": True}, "--samples: no generator is trained by mnist-mlp; try --workload mnist-dcgan"),
        ({"interpreters": {"caffe": "python3"}}, "--python caffe=python3: known backends are "),
        ({"interpreters": {"torch": "no-such"}}, "--python torch=no-such: there is no such program"),
        ({"all_guides": True, "loops": ("numpy",)}, "--all-guides chooses loops and workloads itself"),
        ({"all_guides": True, "exclude": ("numpy",)}, "--all-guides chooses loops and workloads itself"),
        (
            {"loops": ("numpy",), "baseline": "tf-fit"},
            "--baseline tf-fit: not among the loops: numpy; name it as well",
        ),
        ({"loops": ("numpy",), "workloads": ("mnist-dcgan",)}, "nothing to measure on mnist-dcgan: numpy is "),
    ],
)
def test_what_cannot_be_planned_is_refused_with_its_reason(plan, settings, message):
    """Before anything is stored."""
    with pytest.raises(UsageError, match=message):
        plan(**settings)


def test_a_loop_that_cannot_train_a_workload_is_left_out_and_named(plan):
    """Unless all were asked for."""
    console = Told()

    found = plan(console=console, loops=("numpy", "tf-function"), workloads=("mnist-dcgan",))

    assert ["tf-function"] == [cell.loop for cell in found.cells]
    (line,) = console.lines
    assert line.startswith("warning: left out of mnist-dcgan: numpy is ")


def test_loops_are_chosen_by_pattern_and_left_out_by_another(plan):
    """Beside names; what a pattern brings in and cannot train the workload is counted."""
    console = Told()

    found = plan(console=console, loops=("tf-f*",), more_loops=("numpy",), exclude=("*-xla", "*-epoch", "tf-fit-*"))
    gan = plan(console=console, loops=("tf-*", "numpy"), workloads=("mnist-dcgan",))

    assert ["tf-function", "tf-fit", "numpy"] == [cell.loop for cell in found.cells]
    assert ["tf-eager", "tf-function", "tf-fit"] == [cell.loop for cell in gan.cells]
    assert [line.partition(" is ")[0] for line in console.lines] == [
        "warning: left out of mnist-dcgan: numpy",
        "note: left out of mnist-dcgan: 7 loops that cannot train it; 'bench list workloads' says why",
    ]


def test_the_baseline_is_the_loop_that_was_asked_for(plan):
    """Wherever it stands; the repetition repeats it."""
    found = plan(loops=("tf-eager", "numpy", "tf-fit"), baseline="tf-fit", again=True)

    assert ("tf-fit", ["tf-fit"]) == (found.baseline, [cell.loop for cell in found.cells if cell.side == AGAIN])


def test_a_baseline_is_passed_over_where_sides_are_compared(plan):
    """With a reason: the first side is what each loop is compared with."""
    console = Told()

    plan(
        console=console,
        loops=("numpy",),
        baseline="numpy",
        sides=SIDES,
        inventories={side.name: Everything() for side in SIDES},
    )

    assert ["note: --baseline numpy is passed over: each loop is compared with side A (here)"] == console.lines


def test_a_model_of_a_user_is_compared_with_plain_fit(plan, tmp_path, monkeypatch):
    """Which is what they have; where it is not measured, with the usual loop."""
    monkeypatch.setenv("BENCH_FILES", "[]")
    path = tmp_path / "my_model.py"
    path.write_text("def model(): ...\ndef data(): ...\n")

    def baseline(*loops, **settings):
        return plan(loops=loops, workloads=(str(path),), **settings).baseline

    assert "torch-fit-stock" == baseline("tf-eager", "torch-keras", "torch-fit-stock", "jax-fit-stock")
    assert "tf-eager" == baseline("torch-keras", "tf-eager")
    assert "torch-keras" == baseline("torch-keras", "torch-fit-stock", baseline="torch-keras")
