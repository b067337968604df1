"""How two compared runs are told: rows, differences and the sentence, as text and as Markdown."""

from dataclasses import replace

import pytest

from bench.analysis import two_runs
from bench.report import changes

KERNEL = 0.3e-3

STEPS = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "torch-native": 0.75e-3}

PASSPORT = {
    "cpu model": "AMD EPYC",
    "cpu cores usable": "2",
    "operating system": "Debian 12",
    "environment OMP_NUM_THREADS": "2",
    "environment TF_ENABLE_ONEDNN_OPTS": "1",
    "load average 1 min": "0.10",
}


@pytest.fixture
def make(make_run):
    """Return a factory of runs with a kernel and a passport; ``seed`` gives another session."""

    def make(*, seed=1, steps=STEPS, kernel=KERNEL, **settings):
        settings = {"environment": PASSPORT, "noise": 0.01, "run_id": f"run-{seed}"} | settings
        return make_run(seed=seed, steps=steps, kernel=kernel, **settings)

    return make


def replace_header(run, **fields):
    """Return a run with other facts in its header."""
    return replace(run, header=replace(run.header, **fields))


def test_loops_of_several_groups_keep_their_names_apart(make, make_cell):
    """The same loop at two batch sizes is two rows."""
    cells = [make_cell("tf-fit", batch_size=size) for size in (32, 256)]

    text = changes.to_text(two_runs.compare_runs(make(cells=cells), make(seed=2, cells=cells)))

    assert "tf-fit-mnist-mlp-matched-cpu-b32 " in text
    assert "tf-fit-mnist-mlp-matched-cpu-b256 " in text


def test_text_has_differences_then_rows_then_the_sentence(make):
    """In that order, and in ASCII where the terminal has nothing else."""
    slower = STEPS | {"tf-function": 0.8e-3}
    comparison = two_runs.compare_runs(make(), replace_header(make(seed=2, steps=slower), tool_version="9.0"))

    text = changes.to_text(comparison, encoding="ascii")

    assert text.isascii()
    places = [text.index(words) for words in ("run-2", "bench", "- slower", "Slower: tf-function")]
    assert sorted(places) == places


def test_markdown_escapes_names(make):
    """A name is whatever someone registered."""
    steps = {"a|b": 1e-3}

    text = changes.to_markdown(two_runs.compare_runs(make(steps=steps), make(seed=2, steps=steps)))

    assert "| a\\|b |" in text
