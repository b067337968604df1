"""The front door for programs: what it costs to come in by it, and what is promised."""

import inspect
import subprocess
import sys

import pytest

import bench
from bench import api
from bench.errors import NothingComparable, UsageError

FRAMEWORKS = {"tensorflow", "torch", "jax", "keras"}


def in_a_new_process(code):
    """Return what a script prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_bench_imports_next_to_nothing():
    """Nor does asking whether a name is there; pandas, matplotlib and frameworks load where they are used."""
    heavy = {"pandas", "matplotlib", "numpy", "scipy", "click", "rich", *FRAMEWORKS}

    assert "" == in_a_new_process(f"import bench, sys; dir(bench); print(*sorted({heavy!r} & set(sys.modules)))")


def test_no_framework_is_imported_into_the_process_of_a_caller():
    """Not even with everything that a program may ask for."""
    code = f"import bench, sys; bench.run, bench.load, bench.measure; print(*({FRAMEWORKS!r} & set(sys.modules)))"

    assert "" == in_a_new_process(code)


def test_the_public_names_are_these():
    """Small, and each of them found; no other name is."""
    assert ["Answer", "Result", "__version__", "ab", "load", "load_history", "measure", "run"] == sorted(bench.__all__)
    assert all(getattr(bench, name) is getattr(api, name) for name in api.__all__)
    with pytest.raises(AttributeError, match="module 'bench' has no attribute 'rum'"):
        _ = bench.rum


@pytest.mark.parametrize("name", ["run", "ab", "measure", "load", "load_history"])
def test_every_function_says_what_it_takes_and_raises(name):
    """Whoever asks for help in a notebook reads it there."""
    text = inspect.getdoc(getattr(bench, name))

    assert "Args:" in text
    assert "Raises:" in text


def test_what_cannot_be_measured_is_refused_in_one_sentence(tmp_path, monkeypatch):
    """As an exception, with the words of the command line; nothing is stored, and no signal is left to a handler."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))

    with pytest.raises(UsageError, match=r"^there is no loop 'tf-fti'\. Did you mean 'tf-fit'\?"):
        bench.run("tf-fti", wait=0)
    with pytest.raises(UsageError, match=r"^bench\.measure: a list is no model of Keras 3"):
        bench.measure([], [[1.0]], [1.0])
    assert not (tmp_path / "results").exists()


def test_a_history_of_no_runs_is_refused(tmp_path):
    """With the folder that was looked through."""
    with pytest.raises(NothingComparable, match="no stored run has numbers of what was asked for"):
        bench.load_history(results_dir=tmp_path)
