"""Running the real command in a real process, on toy loops, with small blocks of time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.records import journal, loading
from bench.records.stored_run import Run

PLUGINS = Path(__file__).resolve().parent.parent / "plugins"
PATIENCE = 600.0
"""Seconds; no more than a guard against what hangs, also where both cores are busy with something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed, read as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A folder in which `bench` is run."""

    folder: Path
    environment: dict[str, str]

    def bench(self, *arguments: str, patience: float = PATIENCE, **variables: str) -> Done:
        """Run a command to its end; ``variables`` are set in its environment."""
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    def python(self, code: str) -> None:
        """Run a script of a user's, on JAX."""
        environment = self.environment | {"KERAS_BACKEND": "jax"}
        subprocess.run([sys.executable, "-c", code], cwd=self.folder, env=environment, check=True, timeout=PATIENCE)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def in_folder(self, name: str, **variables: str) -> "Session":
        """Return the same in another folder below this one, with further variables."""
        return Session(folder=self.folder / name, environment=self.environment | variables)

    def run(self) -> Run:
        """Return the only run that is stored."""
        (folder,) = journal.runs(self.folder / "results")
        return loading.load(folder)

    def stored(self) -> list[Path]:
        """Return every file and folder a command left behind."""
        return sorted(self.folder.rglob("*"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Return a cache that keeps the synthetic digits for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def make_session(cache) -> Callable[..., Session]:
    """Return a factory: a folder to work in, with no options from outside but those that are given."""

    def make(folder: Path, **variables: str) -> Session:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("BENCH_", "COV_", "PYTEST_"))
        }
        fixed = {"BENCH_CACHE_DIR": str(cache), "BENCH_STATE_DIR": str(cache.with_name(f"{cache.name}-state"))}
        fixed |= {"BENCH_CALIBRATE": "0"}  # one process a round less
        fixed |= {"BENCH_WAIT": "0", "BENCH_ON_BUSY": "count"}  # tests run side by side, so the machine is never quiet
        return Session(folder=folder, environment=environment | fixed | variables)

    return make


@pytest.fixture(scope="session")
def make_toy_session(make_session) -> Callable[..., Session]:
    """Return a factory: a folder with the toy loops on the path, and options that make runs short."""

    def make(folder: Path, **variables: str) -> Session:
        toy = {
            "PYTHONPATH": os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")]),
            "BENCH_DATASET": "synthetic",
            "BENCH_NO_VERIFY": "1",
            "BENCH_STEPS": "4",
            "BENCH_ROUNDS": "2",
            "COLUMNS": "200",
        }
        return make_session(folder, **toy | variables)

    return make


@pytest.fixture
def session(tmp_path, make_toy_session) -> Session:
    """Return an empty folder to work with toy loops in."""
    return make_toy_session(tmp_path)


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], object]:
    """Return a function that waits until a condition holds, and fails the test if it never does."""

    def wait(condition: Callable[[], object], *, seconds: float = PATIENCE) -> object:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        pytest.fail("the condition never held")

    return wait


@pytest.fixture
def workers() -> Callable[[int], list[psutil.Process]]:
    """Return a function that lists the trials of a running command."""

    def list_workers(process_id: int) -> list[psutil.Process]:
        try:
            children = psutil.Process(process_id).children(recursive=True)
            return [child for child in children if "bench.worker.entry" in child.cmdline()]
        except psutil.NoSuchProcess:
            return []

    return list_workers


@pytest.fixture
def interrupt() -> Callable[[subprocess.Popen[str]], None]:
    """Return a function that does what Ctrl-C does."""
    return lambda process: process.send_signal(signal.SIGINT)
