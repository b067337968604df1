"""profile in process: what it chooses, what it refuses, and a real one of the quickest loop."""

import json

import pytest

from bench.cli import profile as command
from bench.records import profiles
from bench.records.profile import TRACE
from loops import registry

QUICK = ("--alone", "--rounds", "1", "--steps", "20", "--threads", "1", "--wait", "0", "--on-busy", "count")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nunpy",), "Error: there is no loop 'nunpy'. Did you mean 'numpy'?"),
        (
            ("numpy", "--workload", "mnist-cnn"),
            "Error: numpy cannot train mnist-cnn: it is written for chains of dense",
        ),
        (("numpy", "--workload", "mnist"), "Error: there is no workload 'mnist'."),
        ((), "Error: Missing argument 'LOOP'."),
    ],
)
def test_what_cannot_be_profiled_is_one_sentence_and_exit_2(refused, tmp_path, arguments, sentence):
    """Nothing is measured for it."""
    assert refused(2, "profile", *arguments).startswith(sentence)
    assert not (tmp_path / "results").exists()


def chosen(loop, *, against=(), alone=False):
    """Return what a loop is held against."""
    return command.chosen(loop, workload=None, against=against, alone=alone)[1]


def test_a_loop_is_held_against_those_of_its_framework():
    """That are not itself, can be had here and train the workload."""
    others = chosen("tf-fit-stock")

    assert {"tf-fit-steps", "tf-function"} <= set(others)
    assert "tf-fit-stock" not in others
    assert {"tensorflow"} == {registry.describe_loop(other).backend for other in others}


def test_others_are_held_against_it_where_they_are_named():
    """Once, and never against itself; or nobody."""
    assert ("torch-native",) == chosen("numpy", against=("torch-native", "numpy"))
    assert () == chosen("tf-fit-stock", alone=True)


@pytest.mark.slow
def test_a_profile_is_printed_stored_and_shown_on_the_page(bench, tmp_path):
    """Of NumPy, which has no profiler of its own: a line says so, and the rest is there."""
    done = bench("profile", "numpy", *QUICK, "--no-verify", "--format", "json")

    assert 0 == done.exit_code, done.output
    (told,) = json.loads(done.stdout)
    assert "no trace of operations: NumPy has no profiler of its own" == told["missing"][0]
    assert {"forward pass", "optimizer"} <= {part["name"] for part in told["parts"]["parts"]}
    (folder,) = (tmp_path / "results").iterdir()
    (stored,) = profiles.load(folder)
    assert stored.memory
    (page,) = (tmp_path / "reports").glob("*/index.html")
    assert "Profile of <bdi>numpy</bdi>" in page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["tf-fit-stock", "torch-native", "jax-fit-stock"])
def test_every_framework_traces_its_operations(bench, tmp_path, loop):
    """By its own profiler, whose file is stored."""
    done = bench("profile", loop, *QUICK, "--no-verify", "--no-report")

    assert 0 == done.exit_code, done.output
    (folder,) = (tmp_path / "results").iterdir()
    (stored,) = profiles.load(folder)
    assert 10 == len(stored.traced.operations)
    assert 0.0 < stored.traced.busy_seconds <= stored.traced.step_seconds
    assert (profiles.folder_of(folder, stored.cell) / TRACE).stat().st_size > 1000
    assert stored.ablations[-1].left_out[-1] in {"step", "fit step", "forward"}
    assert "The dearest operations" in done.stdout
