"""What is exported is read back by the tools it is meant for, with the numbers that are stored."""

import csv
import json
import re
import subprocess
import sys
from random import Random

import pyperf
import pytest
from pytest_benchmark.logger import Logger
from pytest_benchmark.stats import Stats
from pytest_benchmark.storage.file import FileStorage

from bench.analysis import process, summary
from bench.errors import FileTrouble, NothingComparable, UsageError
from bench.records.trial import BlockKind, FailureKind
from bench.report.export import formats

FORMATS = ("pytest-benchmark", "pyperf", "github-action")
MEASURED = BlockKind.MEASURED
PARAMETERS = "[mnist-mlp-matched-cpu-b32]"
HOSTILE = (
    "two\nlines",
    "two\\nlines",
    " leads",
    "leads",
    "trails ",
    "a[b]",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "'; drop table runs; --",
    "\N{RIGHT-TO-LEFT OVERRIDE}tf-eager",
    "\x1b[31mred\x00",
    "\N{SNOWMAN} naïve \N{HEBREW LETTER ALEF}",
    "%s {0} ${HOME}",
    "",
)
"""What another package may register as the name of a loop."""


@pytest.fixture
def exported(tmp_path):
    """Return a function that writes an export and returns its path."""

    def write(run, to, *, name="export"):
        path = tmp_path / f"{name}.json"
        formats.save(formats.render(run, to=to), file=path, force=False)
        return path

    return write


@pytest.fixture
def command(tmp_path):
    """Return a function that runs a module's command, every warning an error, and returns what it printed."""

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    return run


def process_steps(run):
    """Return loop -> one number per process, in the order of rounds."""
    return {
        cell.loop: [process.trial_step_seconds(trial) for trial in run.trials_of(cell)]
        for cell in run.header.plan.cells
    }


def names(run, to):
    """Return the names in an export."""
    content = json.loads(formats.render(run, to=to))
    if to == "github-action":
        return [entry["name"] for entry in content]
    return [(entry if "name" in entry else entry["metadata"])["name"] for entry in content["benchmarks"]]


def test_pytest_benchmark_loads_what_is_exported(make_run, exported, tmp_path):
    """Its storage finds one value per process, the stored one."""
    run = make_run()
    path = exported(run, "pytest-benchmark")

    loaded = FileStorage(tmp_path / "storage", Logger(Logger.QUIET)).load_benchmarks(path)

    assert process_steps(run) == {bench["name"].partition("[")[0]: bench["data"] for bench in loaded}


def test_pytest_benchmark_compares_two_exports(make_run, exported, command, tmp_path):
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
def test_statistics_are_those_pytest_benchmark_computes_itself(make_run, rounds):
    """Quartiles, fences and outliers by its own rules, for every remainder of rounds by four."""
    run = make_run(steps={"mine": 1e-3}, rounds=rounds, noise=0.3)
    computed = Stats()
    for seconds in process_steps(run)["mine"]:
        computed.update(seconds)

    (entry,) = json.loads(formats.render(run, to="pytest-benchmark"))["benchmarks"]

    expected = computed.as_dict()
    stats = entry["stats"]
    assert expected.pop("outliers") == stats["outliers"]
    assert pytest.approx(expected) == {name: stats[name] for name in expected}


def test_the_iterations_are_the_steps_that_were_measured(make_run):
    """Warm-up, first call and closing call are not among them; where processes differ, it is the fewest."""
    run = make_run(steps={"mine": 8e-3})
    steps = [sum(block.steps for block in trial.blocks_of(MEASURED)) for trial in run.trials]

    (entry,) = json.loads(formats.render(run, to="pytest-benchmark"))["benchmarks"]

    assert (min(steps), steps) == (entry["stats"]["iterations"], entry["extra_info"]["bench"]["measured_steps"])


def test_pytest_benchmark_files_carry_what_was_found(make_run):
    """Cell, verdict, speed-up with its interval, and whether it does the same work."""
    run = make_run(steps={"base": 2e-3, "mine": 1e-3}, label="nightly")

    entries = json.loads(formats.render(run, to="pytest-benchmark"))["benchmarks"]

    facts = {entry["name"].partition("[")[0]: entry["extra_info"]["bench"] for entry in entries}
    (group,) = summary.summarise(run)
    speed_up = group.cells[0].speed_up
    assert ("baseline", None) == (facts["base"]["verdict"], facts["base"]["speed_up"])
    assert ("faster", "base", "nightly") == tuple(facts["mine"][name] for name in ("verdict", "baseline", "label"))
    assert (speed_up.low, speed_up.high) == (facts["mine"]["speed_up"]["low"], facts["mine"]["speed_up"]["high"])
    assert facts["mine"]["verification"]["passed"]
    assert ("mine", 32) == (facts["mine"]["cell"]["loop"], facts["mine"]["cell"]["batch_size"])


def test_machine_and_commit_are_those_of_the_run(make_run):
    """The machine that exports is nobody's business; what the run does not say is null."""
    environment = {"cpu model": "Z80", "kernel": "CP/M 2.2", "python": "CPython 3.11.9", "git commit": "ab" * 20}

    content = json.loads(formats.render(make_run(environment=environment), to="pytest-benchmark"))

    machine, commit = content["machine_info"], content["commit_info"]
    assert ("Z80", "CP/M", "2.2", None) == tuple(machine[name] for name in ("processor", "system", "release", "node"))
    assert ("CPython", "3.11.9") == (machine["python_implementation"], machine["python_version"])
    assert ("ab" * 20, None) == (commit["id"], commit["dirty"])


def test_cells_that_are_never_ranked_together_are_different_groups(make_run, make_cell, exported, command):
    """Batch size, threads and workload: pytest-benchmark draws a table for each."""
    cells = [make_cell(), make_cell(batch_size=256), make_cell(threads=1), make_cell(workload="regression")]

    out = command("pytest_benchmark", "compare", exported(make_run(cells=cells), "pytest-benchmark"))

    assert 4 == out.count(": 1 tests")


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
    ) == formats.remarks(run, to="pyperf")
    assert () == formats.remarks(run, to="pytest-benchmark")


def test_pyperf_compares_two_exports(make_run, exported, command):
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


def test_the_action_gets_what_its_schema_asks_for(make_run):
    """Name, unit and value; range and extra are text. Source: `BenchmarkResult` in its src/extract.ts."""
    run = make_run()

    entries = json.loads(formats.render(run, to="github-action"))

    assert 5 == len(entries)
    for entry in entries:
        assert {"name": str, "unit": str, "value": float, "range": str, "extra": str} == {
            name: type(value) for name, value in entry.items()
        }
        assert re.fullmatch(r"± \d.+", entry["range"])


def test_the_action_gets_milliseconds_per_step(make_run):
    """The estimate of the report and half its interval; smaller is better."""
    run = make_run()
    (group,) = summary.summarise(run)

    entries = json.loads(formats.render(run, to="github-action"))

    assert [(cell.step.estimate * 1e3, "ms/step") for cell in group.cells] == [
        (entry["value"], entry["unit"]) for entry in entries
    ]
    assert [pytest.approx((cell.step.high - cell.step.low) / 2 * 1e3, rel=0.01) for cell in group.cells] == [
        float(entry["range"].removeprefix("± ")) for entry in entries
    ]


def test_the_action_gets_the_verdict_as_tooltip(make_run):
    """One fact per line."""
    run = make_run(steps={"base": 2e-3, "mine": 1e-3}, noise=0.0)

    entry, baseline = json.loads(formats.render(run, to="github-action"))

    lines = entry["extra"].splitlines()
    assert "faster: 2.00x faster (baseline base, 95 % interval 2.00 to 2.00)" == lines[0]
    assert {"processes: 6", "same work as the reference: as keras-adam", "python 3.11.9"} <= set(lines)
    assert "baseline" == baseline["extra"].splitlines()[0]


def test_one_round_has_no_interval(make_run, exported, command):
    """No range is made up, and both tools still read the file."""
    run = make_run(steps={"mine": 1e-3}, rounds=1)

    (entry,) = json.loads(formats.render(run, to="github-action"))

    assert "range" not in entry
    assert "mine" in command("pytest_benchmark", "compare", exported(run, "pytest-benchmark", name="pytest"))
    assert 10 == pyperf.Benchmark.load(str(exported(run, "pyperf", name="pyperf"))).get_nvalue()


@pytest.mark.parametrize("to", FORMATS)
def test_names_are_the_same_in_every_run(make_run, to):
    """History is kept by name; order and numbers of a run do not matter."""
    again = make_run(steps={"torch-native": 5e-3, "tf-eager": 1e-3}, seed=3, run_id="another")

    assert {f"torch-native{PARAMETERS}", f"tf-eager{PARAMETERS}"} == set(names(again, to)) < set(names(make_run(), to))


@pytest.mark.parametrize("to", FORMATS)
def test_hostile_names_stay_apart_and_on_one_line(make_run, to):
    """Different loops have different names, each of which can be printed."""
    found = names(make_run(steps=dict.fromkeys(HOSTILE, 1e-3)), to)

    assert len(HOSTILE) == len(set(found))
    assert all(name.isprintable() and name == name.strip() for name in found)


def test_hostile_names_are_read_by_both_tools(make_run, exported, command):
    """Every loop arrives, under its name."""
    run = make_run(steps=dict.fromkeys(HOSTILE, 1e-3), rounds=2)
    paths = {to: exported(run, to, name=to) for to in ("pytest-benchmark", "pyperf")}

    table = command("pytest_benchmark", "compare", paths["pytest-benchmark"])
    listing = command("pyperf", "compare_to", "--verbose", paths["pyperf"], paths["pyperf"])

    assert all(name in table for name in names(run, "pytest-benchmark"))
    assert all(name in listing for name in names(run, "pyperf"))


@pytest.mark.parametrize("to", FORMATS)
def test_loops_that_failed_are_named_and_not_exported(make_run, make_failure, to):
    """No number, no zero: one line says why. One failed process is enough."""
    run = make_run(failures={"tf-fit": make_failure(FailureKind.TIMEOUT, message="gave up")}, failed_rounds=[2])

    assert f"tf-fit{PARAMETERS}" not in names(run, to)
    assert 4 == len(names(run, to))
    assert (
        "not exported: tf-fit-mnist-mlp-matched-cpu-b32: 1 of 6 processes failed: timeout in measure: gave up",
    ) == formats.remarks(run, to=to)


@pytest.mark.parametrize("to", FORMATS)
def test_loops_that_do_other_work_are_named_and_not_exported(make_run, to):
    """A faster loop that trains less is not faster."""
    run = make_run(loss_gaps={"tf-fit": 0.1})

    (line,) = formats.remarks(run, to=to)

    assert f"tf-fit{PARAMETERS}" not in names(run, to)
    assert line.startswith("not exported: tf-fit-mnist-mlp-matched-cpu-b32: it does not do the same work: loss")


def test_remarks_are_one_line_each(make_run, make_failure):
    """Whatever a loop is called and however it failed."""
    run = make_run(steps=dict.fromkeys(HOSTILE, 1e-3), failures=dict.fromkeys(HOSTILE, make_failure(message="a\nb\rc")))

    lines = formats.remarks(run, to="pyperf")

    assert len(HOSTILE) == len(lines)
    assert not any(set("\n\r\x1b\x00") & set(line) for line in lines)


@pytest.mark.parametrize("to", FORMATS)
def test_a_run_without_a_finished_trial_is_an_error(make_run, to):
    """Exit code 4: there is nothing another tool could compare."""
    run = make_run(finished_rounds=0)

    with pytest.raises(NothingComparable) as caught:
        formats.render(run, to=to)

    assert (
        "2026-01-02-120000-abcd: nothing to export, since no loop was measured and passed its check; "
        "see 'bench report 2026-01-02-120000-abcd'"
    ) == str(caught.value)
    assert 4 == caught.value.exit_code
    assert 5 == len(formats.remarks(run, to=to))


@pytest.mark.parametrize("to", FORMATS)
def test_an_interrupted_run_is_exported_as_far_as_it_went(make_run, to):
    """What had finished counts."""
    run = make_run(finished_rounds=4)

    assert 5 == len(names(run, to))


@pytest.mark.parametrize("to", FORMATS)
def test_equal_runs_are_exported_alike(make_run, to):
    """Byte for byte, and in ASCII, whatever the locale."""
    text = formats.render(make_run(), to=to)

    assert formats.render(make_run(), to=to) == text
    assert text.isascii()


def test_an_existing_file_is_kept_unless_force_is_given(tmp_path):
    """Yesterday's baseline is not lost to a slip."""
    file = tmp_path / "base.json"
    file.write_text("yesterday")

    with pytest.raises(UsageError) as caught:
        formats.save("today", file=file, force=False)

    assert f"{file}: is there already; choose another --output or give --force" == str(caught.value)
    assert "yesterday" == file.read_text()
    formats.save("today", file=file, force=True)
    assert "today\n" == file.read_text()


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    """Its folder is missing."""
    file = tmp_path / "missing" / "base.json"

    with pytest.raises(FileTrouble) as caught:
        formats.save("{}", file=file, force=False)

    assert str(caught.value).startswith(f"{file}: cannot be written (No such file or directory); a folder on the way")


def test_quartiles_do_not_depend_on_the_order_of_rounds(make_run):
    """The data keep their order, the statistics sort them."""
    run = make_run(steps={"mine": 1e-3}, noise=0.3)
    (entry,) = json.loads(formats.render(run, to="pytest-benchmark"))["benchmarks"]
    steps = entry["stats"]["data"]
    shuffled = Random(0).sample(steps, len(steps))

    again = Stats()
    again.data = shuffled

    assert process_steps(run)["mine"] == steps
    assert pytest.approx((again.q1, again.q3)) == (entry["stats"]["q1"], entry["stats"]["q3"])
