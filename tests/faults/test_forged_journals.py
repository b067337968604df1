"""Thousands of forged journals against every command that reads one."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random

import pytest

from bench.cli.main import main
from bench.records.journal import Journal
from bench.records.lines import JOURNAL
from bench.records.stored_run import AcceleratorState, Conditions, LeastStep
from bench.records.trial import Ablation
from bench.records.verification import Expectation

REFUSED_OR_READ = {0, 2, 4}
"""Never 70, which is a fault of bench itself, and never 1."""
COMMANDS = (
    ("report", "forged", "--format", "table"),
    ("report", "forged", "--format", "csv"),
    ("report", "forged", "--format", "md", "--baseline", "good"),
    ("compare", "good", "forged", "--allow-mismatch"),
    ("compare", "forged", "good", "--format", "md", "--allow-mismatch"),
    ("export", "forged", "--to", "pytest-benchmark"),
    ("export", "forged", "--to", "pyperf"),
    ("export", "forged", "--to", "github-action"),
    ("list", "runs"),
)
PER_SEED = 250


@pytest.fixture(scope="module")
def forged():
    """Return the module that makes them."""
    path = Path(__file__).resolve().parent.parent / "bench" / "records" / "forged.py"
    spec = spec_from_file_location("forged", path)
    module = sys.modules.setdefault("forged", module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def good(tmp_path, make_run, make_failure):
    """Return the folder of a run that has a line of every kind."""
    ablations = (Ablation(left_out=(), step_seconds=1e-3), Ablation(left_out=("metric",), step_seconds=8e-4))
    run = make_run(
        rounds=2,
        kernel=3e-4,
        run_id="good",
        label="words",
        warnings=("load is high",),
        steps={"tf-eager": 8e-3, "tf-function": 4e-4, "broken": 1e-3},
        failures={"broken": make_failure()},
        trial_fields={"tf-function": {"ablations": ablations, "compiled": {"graphs": 1}, "cpus": (0, 1)}},
    )
    journal = Journal.create(tmp_path / "results", header=run.header)
    for verification in run.verifications:
        journal.add_verification(verification)
    journal.add_least_step(
        LeastStep(
            workload="mnist-mlp",
            track="matched",
            batch_size=32,
            threads=2,
            operations=10**7,
            bytes=10**6,
            operations_per_second=1e11,
            bytes_per_second=1e10,
        )
    )
    for trial in (*run.calibration, *run.trials):
        journal.add(trial)
    state = AcceleratorState(index=0, megahertz=1000.0, celsius=50.0, slowed_by=("power limit",))
    journal.add_conditions(Conditions(round=0, load_average=0.5, stolen=0.0, seconds=18.0, accelerators=(state,)))
    journal.add_expectation(
        Expectation(
            workload="mnist-mlp",
            track="matched",
            batch_size=32,
            higher_is_better=True,
            steps=(1, 10, 100),
            metrics=(0.1, 0.3, 0.8),
        )
    )
    journal.end(complete=True)
    journal.release()
    return journal.folder


@pytest.mark.parametrize("seed", range(8))
def test_every_command_reads_or_refuses_a_forged_journal(seed, good, forged, capsys, monkeypatch):
    """In one line and with a documented code; what is shown holds no escape of a terminal."""
    monkeypatch.chdir(good.parent.parent)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(good.parent.parent / "cache"))
    content = (good / JOURNAL).read_bytes()
    folder = good.parent / "forged"
    folder.mkdir()
    for number in range(PER_SEED):
        dice = Random(f"{seed}/{number}")
        broken, what = forged.forge(content, dice=dice)
        (folder / JOURNAL).write_bytes(broken)
        command = dice.choice(COMMANDS)

        with pytest.raises(SystemExit) as ended:
            main([*command, "--reports-dir", "reports"] if command[0] == "report" else list(command))

        shown = capsys.readouterr()
        told = f"{seed}/{number}: {what}: {' '.join(command)}: {shown.err[:500]}"
        assert ended.value.code in REFUSED_OR_READ, told
        assert ended.value.code != 2 or 1 == len(shown.err.splitlines()), told
        assert not {"\x1b", "\x07", "\u202e"} & {*shown.out, *shown.err}, told
