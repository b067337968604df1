"""Commands in process: quick where nothing is trained, and with the real thing where something is."""

import signal
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from bench.cli.main import main
from bench.records.journal import Journal
from bench.records.stored_run import Run


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """Return a cache that keeps the synthetic digits for all commands."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(tmp_path, cache, monkeypatch) -> Callable[..., Result]:
    """Return a function that runs a command in an empty folder, with no options from outside."""
    monkeypatch.chdir(tmp_path)
    kept = {"BENCH_CACHE_DIR": str(cache), "BENCH_DATASET": "synthetic", "COLUMNS": "200"}
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str, **variables: str) -> Result:
        environment = {f"BENCH_{name}": None for name in ("ROUNDS", "STEPS", "THREADS", "NO_VERIFY", "DATA")}
        return CliRunner().invoke(main, arguments, env=environment | kept | variables)

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def stored(tmp_path, make_run) -> Callable[..., Run]:
    """Return a function that stores a made-up run where commands look for it; ``run_id`` is its name."""

    def store(**settings) -> Run:
        run = make_run(**settings)
        journal = Journal.create(tmp_path / "results", header=run.header)
        for trial in (*run.calibration, *run.trials):
            journal.add(trial)
        for verification in run.verifications:
            journal.add_verification(verification)
        journal.end(complete=True)
        return run

    return store


@pytest.fixture
def refused(bench) -> Callable[..., str]:
    """Return a function that runs a command which must not work, and returns the last line of what it says."""

    def run(code: int, *arguments: str) -> str:
        done = bench(*arguments)
        assert (code, "") == (done.exit_code, done.stdout), done.output
        return done.stderr.strip().splitlines()[-1]

    return run
