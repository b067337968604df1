"""What to change: only what was faster in the same run and framework."""

from dataclasses import replace

import pytest

from bench.analysis import summary
from bench.records.words import LoopWords
from bench.report import levers, wording

STEPS = {"tf-fit-stock": 1e-3, "tf-fit-steps": 0.5e-3, "tf-function": 0.7e-3, "tf-slow": 3e-3, "torch-native": 0.1e-3}


@pytest.fixture
def found(make_run):
    """Return a function: settings of a run -> what to change, by loop."""

    def found(*, steps=STEPS, sides=(), asked=(), **settings):
        words = [
            LoopWords(loop="tf-fit-stock", workload="mnist-mlp", title="plain fit()", change="nothing"),
            LoopWords(
                loop="tf-fit-steps",
                workload="mnist-mlp",
                title="many steps per call",
                change="`compile(steps_per_execution=100)`",
                caution="callbacks see one batch in 100",
            ),
        ]
        run = make_run(steps=steps, loops=tuple(words), **settings)
        trials = tuple(replace(trial, versions=framework(trial.cell.loop)) for trial in run.trials)
        plan = replace(run.header.plan, sides=sides)
        run = replace(run, header=replace(run.header, plan=plan), trials=trials)
        (group,) = summary.summarise(replace(run, header=replace(run.header, plan=replace(plan, sides=()))))
        said = wording.of_workload(run.header.loops, workload="mnist-mlp")
        of_group = levers.of_group(run, group, words=said, asked=[c.cell for c in group.cells if c.cell.loop in asked])
        return {one.loop: one for one in of_group}

    return found


def framework(loop):
    """Return the versions that a loop's process tells."""
    return {"python": "3.11", "tensorflow" if loop.startswith("tf") else "torch": "2"}


def test_faster_loops_of_the_framework_are_listed_the_largest_gain_first(found):
    """With what to type, and when it does not pay. PyTorch's is faster still, and another framework."""
    plain = found()["tf-fit-stock"]

    assert ["tf-fit-steps", "tf-function"] == [one.loop for one in plain.items]
    first, second = plain.items
    assert ("many steps per call", "`compile(steps_per_execution=100)`") == (first.title, first.change)
    assert "1.99x faster here (1.91 to 2.08)" == first.gain
    assert first.not_when.endswith("callbacks see one batch in 100")
    assert ("tf-function", "") == (second.title, second.change)
    assert "tf-slow was slower." == plain.remark


def test_only_what_people_have_is_listed(found):
    """Plain `fit()` and the baseline, and whatever was asked about: a table of all pairs is for nobody."""
    baseline = "tf-fit-stock"

    assert {"tf-fit-stock"} == set(found(baseline=baseline))
    assert {"tf-fit-stock", "tf-function"} == set(found(baseline=baseline, asked=["tf-function"]))


def test_the_fastest_has_nothing_to_change(found):
    """And the others are named, so that nobody tries them."""
    plain = found(steps={"tf-fit-stock": 1e-3, "tf-function": 2e-3})["tf-fit-stock"]

    assert ((), "tf-function was slower.") == (plain.items, plain.remark)


def test_what_was_not_told_apart_may_still_help(found):
    """With the interval that says how much, and what would settle it."""
    plain = found(steps={"tf-fit-stock": 1e-3, "tf-function": 0.97e-3}, rounds=2)["tf-fit-stock"]

    assert () == plain.items
    assert plain.remark.startswith("tf-function (")
    assert plain.remark.endswith("was not told apart here: more --rounds, or a quieter machine.")
