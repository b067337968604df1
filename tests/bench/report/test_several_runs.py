"""Several runs against one base, for each kind of reader."""

import json

import pytest

from bench.analysis import two_runs
from bench.report import changes, several_runs

STEPS = {"tf-eager": 8e-3, "tf-function": 0.4e-3, "torch-native": 0.75e-3}


@pytest.fixture
def comparisons(make_run):
    """Return three runs against a base: nothing happened, a loop is twice as slow, and a loop is gone."""
    changed = [STEPS, STEPS | {"tf-function": 0.8e-3}, {name: STEPS[name] for name in ("tf-eager", "tf-function")}]
    base, *others = (
        make_run(seed=seed, steps=steps, kernel=0.3e-3, noise=0.01, run_id=f"run-{seed}")
        for seed, steps in enumerate([STEPS, *changed])
    )
    return two_runs.compare_with(base, others)


def test_each_run_has_a_column_and_a_sentence(comparisons):
    """A row for each loop of any of them; what is gone says so."""
    text = several_runs.render(comparisons, format="table", encoding="utf-8")

    lines = text.splitlines()
    assert "base: run-0" == lines[0]
    assert ["Loop", "base", "ms", "run-1", "run-2", "run-3"] == lines[2].split()
    assert 3 == sum(line.startswith(tuple(STEPS)) for line in lines)
    (row,) = [line for line in lines if line.startswith("torch-native ")]
    assert row.endswith("removed")
    (row,) = [line for line in lines if line.startswith("tf-function ")]
    assert "▼ 2." in row
    assert "run-2: Slower: tf-function (2." in lines[-2]
    assert "! run-3: torch-native: in the base and not in the new run" in text


def test_a_terminal_without_glyphs_gets_letters(comparisons):
    """As the table of two runs does."""
    assert several_runs.render(comparisons, format="table", encoding="ascii").isascii()


def test_markdown_has_the_same_table_and_sentences(comparisons):
    """For a pull request."""
    text = several_runs.render(comparisons, format="md", encoding="utf-8")

    assert text.startswith("### 3 runs against run-0\n")
    assert "| Loop | base ms | run-1 | run-2 | run-3 |" in text
    assert "- **run-2**: Slower: tf-function (2." in text


def test_data_are_those_of_each_comparison(comparisons):
    """In the order in which they were asked for."""
    found = json.loads(several_runs.render(comparisons, format="json", encoding="utf-8"))

    assert (several_runs.SCHEMA, ["run-1", "run-2", "run-3"]) == (
        found["schema"],
        [one["new"] for one in found["comparisons"]],
    )
    assert json.loads(changes.to_json(comparisons[1])) == found["comparisons"][1]


@pytest.mark.parametrize("form", ["table", "md", "json"])
def test_a_single_run_is_told_as_ever(comparisons, form):
    """With its differences."""
    (only, *_) = comparisons
    tell = {"table": changes.to_text, "md": changes.to_markdown, "json": changes.to_json}[form]

    assert tell(only) == several_runs.render([only], format=form, encoding="utf-8")
