"""What is exported for pyperf is read back by it, with the numbers that are stored."""

import pyperf
import pytest

from bench.records.trial import BlockKind
from bench.report.export import document
from bench.report.export.entries import exportable

MEASURED = BlockKind.MEASURED
PARAMETERS = "[mnist-mlp-matched-cpu-b32]"


def test_pyperf_loads_every_block_of_every_process(make_run, exported):
    """To the last digit, in order."""
    run = make_run()

    suite = pyperf.BenchmarkSuite.load(str(exported(run, "pyperf")))

    found = {bench.get_name(): [found.values for found in bench.get_runs()] for bench in suite}
    assert found == {
        f"{cell.loop}{PARAMETERS}": [
            tuple(block.step_seconds for block in trial.blocks_of(MEASURED)) for trial in run.trials_of(cell)
        ]
        for cell in run.header.plan.cells
    }


def test_pyperf_loads_first_call_and_warm_up_as_warm_ups(make_run, exported):
    """With their steps, so that raw times can be had."""
    run = make_run(steps={"mine": 1e-3}, rounds=1)
    blocks = [block for block in run.trials[0].blocks if block.kind in (BlockKind.FIRST, BlockKind.WARM_UP)]

    bench = pyperf.Benchmark.load(str(exported(run, "pyperf")))

    (found,) = bench.get_runs()
    assert tuple((block.steps, block.step_seconds) for block in blocks) == found.warmups
    assert run.trials[0].blocks_of(MEASURED)[0].steps == found.get_loops()


def test_pyperf_loads_what_it_knows_by_its_own_names(make_run, exported):
    """Processor, Python, memory: `pyperf metadata` prints them."""
    environment = {
        "cpu model": "Z80",
        "cpu cores logical": "2",
        "cpu governor": "performance",
        "python": "CPython 3.11.9",
        "load average 1 min": "0.37",
    }
    run = make_run(steps={"tf-eager": 1e-3}, environment=environment, label="nightly\nrun")

    bench = pyperf.Benchmark.load(str(exported(run, "pyperf")))

    expected = {
        "cpu_model_name": "Z80",
        "cpu_count": 2,
        "cpu_config": "governor:performance",
        "load_avg_1min": 0.37,
        "python_implementation": "cpython",
        "python_version": "3.11.9",
        "mem_max_rss": 612_000_000,
        "description": r"nightly\u{a}run",
        "bench_verdict": "baseline",
    }
    assert expected.items() <= bench.get_metadata().items()


@pytest.mark.parametrize("value", ["", "n/a", "nan", "-1", "inf", "0"])
def test_facts_that_are_no_numbers_are_left_out(make_run, exported, value):
    """A passport holds words; pyperf takes numbers only."""
    run = make_run(environment={"cpu cores logical": value, "cpu model": ""})

    suite = pyperf.BenchmarkSuite.load(str(exported(run, "pyperf")))

    assert not {"cpu_count", "cpu_model_name"} & suite.get_metadata().keys()


def test_processes_of_different_pythons_are_one_benchmark(make_run, make_trial, make_cell, exported):
    """A run resumed after an update; pyperf refuses a benchmark whose runs differ in these facts."""
    run = make_run(steps={"mine": 1e-3}, rounds=2)
    updated = make_trial(make_cell("mine"), round=1, versions={"python": "3.12.1"})
    run = type(run)(header=run.header, trials=(run.trials[0], updated), verifications=run.verifications, end=run.end)

    bench = pyperf.Benchmark.load(str(exported(run, "pyperf")))

    assert "3.11.9, 3.12.1" == bench.get_metadata()["python_version"]


def test_every_process_gets_as_many_values(make_run, make_trial, make_cell, exported):
    """One process has fewer blocks than the rest: all are cut to its count, and that is said."""
    run = make_run(steps={"mine": 1e-3, "yours": 2e-3}, rounds=2)
    short = make_trial(make_cell("mine"), round=1, blocks=7)
    trials = (*(trial for trial in run.trials if (trial.cell.loop, trial.round) != ("mine", 1)), short)
    run = type(run)(header=run.header, trials=trials, verifications=run.verifications, end=run.end)

    suite = pyperf.BenchmarkSuite.load(str(exported(run, "pyperf")))

    assert [7, 7, 7, 7] == [len(found.values) for bench in suite for found in bench.get_runs()]
    assert (
        "not exported: 9 of 37 blocks, so that every process has 7; pyperf calls unequal counts significant",
    ) == document.remarks(exportable(run), to="pyperf")
    assert () == document.remarks(exportable(run), to="pytest-benchmark")


def test_pyperf_compares_two_exports(make_run, exported, command, process_steps):
    """Its own test runs, because both sides have as many values."""
    paths = [exported(make_run(seed=seed), "pyperf", name=f"seed-{seed}") for seed in (1, 2)]

    out = command("pyperf", "compare_to", "--verbose", *paths)

    assert all(f"{loop}{PARAMETERS}" in out for loop in process_steps(make_run()))
    assert "t=" in out
    assert "ERROR" not in out


def test_pyperf_finds_a_run_no_different_from_itself(make_run, exported, command):
    """Nothing is significant, which it would be were the counts unequal."""
    paths = [exported(make_run(), "pyperf", name=name) for name in ("one", "same")]

    out = command("pyperf", "compare_to", *paths)

    assert "Benchmark hidden because not significant (5)" in out


def test_pyperf_prints_the_statistics_of_an_export(make_run, exported, command):
    """Six processes, ten blocks of each."""
    out = command("pyperf", "stats", exported(make_run(steps={"mine": 1e-3}), "pyperf"))

    assert "Number of run with values: 6" in out
    assert "Number of value per run: 10" in out
