"""`--python BACKEND=PATH` with interpreters that work: one that has the libraries, and one that has not."""

import os
import subprocess
import sys
import sysconfig

import pytest

from bench.sides.launcher import Launcher
from bench.verify import pool
from bench.worker.frameworks import missing
from loops.data import mnist

MARK = "this is the other interpreter"


@pytest.fixture
def make_python(tmp_path):
    """Return a function that makes an environment without this project, with or without the libraries of this one."""

    def make(*, with_libraries):
        folder = tmp_path / "other"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        packages.joinpath("sitecustomize.py").write_text(f"import sys\nprint({MARK!r}, file=sys.stderr)\n")
        if with_libraries:
            libraries = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
            packages.joinpath("libraries.pth").write_text("\n".join(sorted(libraries)) + "\n")
        return folder / "bin" / "python"

    return make


@pytest.fixture
def session(tmp_path, make_session):
    """Return a session with real loops; they are short, not checked, and on one thread."""
    (tmp_path / "project").mkdir()
    short = {"BENCH_DATASET": "synthetic", "BENCH_STEPS": "20", "BENCH_ROUNDS": "1", "BENCH_THREADS": "1"}
    return make_session(tmp_path / "project", **short)


def logs_of(session):
    """Return the name of each log -> whether the other interpreter wrote it."""
    return {path.stem: MARK in path.read_text() for path in session.folder.glob("results/*/logs/*.log")}


def test_trials_of_a_framework_run_in_the_interpreter_that_was_named_for_it(session, make_python):
    """The harness stays where it is, and the run remembers the path, so that it can be gone on with."""
    python = make_python(with_libraries=True)

    done = session.bench("run", "numpy", "--python", f"numpy={python}", "--no-verify", "--no-report")

    assert 0 == done.code, done.err
    run = session.run()
    assert {"numpy": str(python)} == run.header.plan.interpreters
    assert [None] == [trial.failure for trial in run.trials]
    assert [True] == list(logs_of(session).values())
    assert MARK not in done.err


def test_other_frameworks_stay_with_the_interpreter_of_the_harness(session, make_python):
    """Only one was named."""
    python = make_python(with_libraries=True)

    done = session.bench("run", "numpy", "--python", f"torch={python}", "--no-verify", "--no-report")

    assert 0 == done.code, done.err
    assert [False] == list(logs_of(session).values())


def test_an_interpreter_without_the_libraries_is_told_by_what_is_missing(session, make_python):
    """It starts, it has the harness and it lacks NumPy."""
    python = make_python(with_libraries=False)

    done = session.bench("run", "numpy", "--python", f"numpy={python}", "--no-verify", "--no-report")

    assert 5 == done.code, done.err
    assert "exited with code 1: ModuleNotFoundError: No module named 'numpy'; see " in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("loop", "backend"), [("numpy", "numpy"), pytest.param("torch-native", "torch", marks=pytest.mark.slow)]
)
def test_a_loop_is_checked_in_the_interpreter_that_it_is_measured_in(make_python, cache, tmp_path, loop, backend):
    """Another version of a library may compute something else."""
    if reason := missing(backend):
        pytest.skip(reason)
    python = str(make_python(with_libraries=True))
    fixture = mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=cache)

    with Launcher(interpreters={backend: python}, environment=os.environ) as launcher:
        (found,) = pool.verify(
            [pool.Request(loop=loop, workloads=("regression",))],
            digits=fixture.folder,
            device="cpu",
            launcher=launcher,
            logs=tmp_path,
            timeout=120.0,
            tell=lambda _: None,
        )

    assert (None, True) == (found.reason, found.passed)
    assert [True] == [MARK in path.read_text() for path in tmp_path.glob("verify-*.log")]
