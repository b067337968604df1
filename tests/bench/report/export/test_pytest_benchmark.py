"""What is exported for pytest-benchmark is read back by it, with the numbers that are stored."""

import csv
from random import Random

import pytest
from pytest_benchmark.logger import Logger
from pytest_benchmark.stats import Stats
from pytest_benchmark.storage.file import FileStorage

from bench.analysis import summary
from bench.records.trial import BlockKind

MEASURED = BlockKind.MEASURED
PARAMETERS = "[mnist-mlp-matched-cpu-b32]"


def test_pytest_benchmark_loads_what_is_exported(make_run, exported, tmp_path, process_steps):
    """Its storage finds one value per process, the stored one."""
    run = make_run()
    path = exported(run, "pytest-benchmark")

    loaded = FileStorage(tmp_path / "storage", Logger(Logger.QUIET)).load_benchmarks(path)

    assert process_steps(run) == {bench["name"].partition("[")[0]: bench["data"] for bench in loaded}


def test_pytest_benchmark_compares_two_exports(make_run, exported, command, tmp_path, process_steps):
    """Its own command prints and tabulates both, in one group."""
    runs = {name: make_run(seed=seed) for name, seed in (("old", 1), ("new", 2))}
    paths = [exported(run, "pytest-benchmark", name=name) for name, run in runs.items()]

    out = command("pytest_benchmark", "compare", *paths, "--columns=min,max,rounds", f"--csv={tmp_path / 'table.csv'}")

    with (tmp_path / "table.csv").open() as table:
        found = {tuple(row[column] for column in ("name", "min", "max", "rounds")) for row in csv.DictReader(table)}
    expected = {
        (f"{loop}{PARAMETERS}", str(min(steps)), str(max(steps)), "6")
        for run in runs.values()
        for loop, steps in process_steps(run).items()
    }
    assert expected == found
    assert "benchmark 'mnist-mlp-matched-cpu-b32': 10 tests" in out


def test_pytest_benchmark_sees_change_between_exports(make_run, exported, command):
    """Loops keep their names, so that it pairs them: twice as slow is +100 %."""
    paths = [
        exported(make_run(steps={"mine": step}, noise=0.0, drift=0.0), "pytest-benchmark", name=name)
        for name, step in (("1-old", 1e-3), ("2-new", 2e-3))
    ]

    out = command("pytest_benchmark", "compare", "--between=median", *paths)

    assert "+100.0%" in out


@pytest.mark.parametrize("rounds", range(1, 10))
def test_statistics_are_those_pytest_benchmark_computes_itself(make_run, rounds, parsed, process_steps):
    """Quartiles, fences and outliers by its own rules, for every remainder of rounds by four."""
    run = make_run(steps={"mine": 1e-3}, rounds=rounds, noise=0.3)
    computed = Stats()
    for seconds in process_steps(run)["mine"]:
        computed.update(seconds)

    (entry,) = parsed(run, "pytest-benchmark")["benchmarks"]

    expected = computed.as_dict()
    stats = entry["stats"]
    assert expected.pop("outliers") == stats["outliers"]
    assert pytest.approx(expected) == {name: stats[name] for name in expected}


def test_the_iterations_are_the_steps_that_were_measured(make_run, parsed):
    """Warm-up, first call and closing call are not among them; where processes differ, it is the fewest."""
    run = make_run(steps={"mine": 8e-3})
    steps = [sum(block.steps for block in trial.blocks_of(MEASURED)) for trial in run.trials]

    (entry,) = parsed(run, "pytest-benchmark")["benchmarks"]

    assert (min(steps), steps) == (entry["stats"]["iterations"], entry["extra_info"]["bench"]["measured_steps"])


def test_pytest_benchmark_files_carry_what_was_found(make_run, parsed):
    """Cell, verdict, speed-up with its interval, and whether it does the same work."""
    run = make_run(steps={"base": 2e-3, "mine": 1e-3}, label="nightly")

    entries = parsed(run, "pytest-benchmark")["benchmarks"]

    facts = {entry["name"].partition("[")[0]: entry["extra_info"]["bench"] for entry in entries}
    (group,) = summary.summarise(run)
    speed_up = group.cells[0].speed_up
    assert ("baseline", None) == (facts["base"]["verdict"], facts["base"]["speed_up"])
    assert ("faster", "base", "nightly") == tuple(facts["mine"][name] for name in ("verdict", "baseline", "label"))
    assert (speed_up.low, speed_up.high) == (facts["mine"]["speed_up"]["low"], facts["mine"]["speed_up"]["high"])
    assert facts["mine"]["verification"]["passed"]
    assert ("mine", 32) == (facts["mine"]["cell"]["loop"], facts["mine"]["cell"]["batch_size"])


def test_machine_and_commit_are_those_of_the_run(make_run, parsed):
    """The machine that exports is nobody's business; what the run does not say is null."""
    environment = {"cpu model": "Z80", "kernel": "CP/M 2.2", "python": "CPython 3.11.9", "git commit": "ab" * 20}

    content = parsed(make_run(environment=environment), "pytest-benchmark")

    machine, commit = content["machine_info"], content["commit_info"]
    assert ("Z80", "CP/M", "2.2", None) == tuple(machine[name] for name in ("processor", "system", "release", "node"))
    assert ("CPython", "3.11.9") == (machine["python_implementation"], machine["python_version"])
    assert ("ab" * 20, None) == (commit["id"], commit["dirty"])


def test_cells_that_are_never_ranked_together_are_different_groups(make_run, make_cell, exported, command):
    """Batch size, threads and workload: pytest-benchmark draws a table for each."""
    cells = [make_cell(), make_cell(batch_size=256), make_cell(threads=1), make_cell(workload="regression")]

    out = command("pytest_benchmark", "compare", exported(make_run(cells=cells), "pytest-benchmark"))

    assert 4 == out.count(": 1 tests")


def test_quartiles_do_not_depend_on_the_order_of_rounds(make_run, parsed, process_steps):
    """The data keep their order, the statistics sort them."""
    run = make_run(steps={"mine": 1e-3}, noise=0.3)
    (entry,) = parsed(run, "pytest-benchmark")["benchmarks"]
    steps = entry["stats"]["data"]
    shuffled = Random(0).sample(steps, len(steps))

    again = Stats()
    again.data = shuffled

    assert process_steps(run)["mine"] == steps
    assert pytest.approx((again.q1, again.q3)) == (entry["stats"]["q1"], entry["stats"]["q3"])
