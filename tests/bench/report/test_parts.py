"""Where the time of a step goes, in rows, bars and sentences."""

from dataclasses import replace

import pytest

from bench.analysis.breakdown import Bounds, Breakdown
from bench.records.profile import Operation, Traced
from bench.report import parts


def broken(parts_of, *, bounds=None, pipeline=None):
    """Return a breakdown of milliseconds."""
    return Breakdown(
        parts={name: value * 1e-3 for name, value in parts_of.items()},
        bounds={name: Bounds(low=low * 1e-3, high=high * 1e-3) for name, (low, high) in (bounds or {}).items()},
        agreement=1.01,
        pipeline=pipeline,
        step_alone=None,
    )


def traced(*, busy, inside=1.0, parts_of=None, outside=0.0):
    """Return a trace in which operations run for so many milliseconds of a step."""
    return Traced(
        steps=10,
        step_seconds=(inside + outside) * 1e-3,
        operations=(Operation(name="MatMul", calls=1.0, step_seconds=busy * 6e-4, share=0.6),),
        kinds=3,
        operation_seconds=busy * 1e-3,
        busy_seconds=busy * 1e-3,
        parts={name: value * 1e-3 for name, value in (parts_of or {}).items()},
        outside_seconds=outside * 1e-3,
    )


def names(found, **options):
    """Return the parts by name, in order."""
    return [row.name for row in parts.rows(found, **options)]


EAGER = {"metric": 0.1, "optimizer": 0.4, "backward": 0.3, "forward": 0.6, "step": 0.05, "data": 0.01, "rest": 0.02}


def test_an_eager_step_is_told_in_its_own_order():
    """From fetching a batch to what is around it."""
    assert [
        "fetching batches",
        "forward pass",
        "backward pass",
        "optimizer",
        "metric",
        "Python in the step",
        "the loop around the step",
    ] == names(broken(EAGER))


def test_the_sentence_names_the_dearest_part():
    """With its share and its time."""
    found = parts.row(broken(EAGER), loop="torch-native", step="1.5")

    assert found.sentence == (
        "41 % of the step is the forward pass in single operations, each called from Python (0.600 ms)."
    )
    assert "101 %" == found.agreement


def test_what_cannot_be_told_from_nothing_is_under_something():
    """Never a negative time, nor a share below nothing."""
    found = list(
        parts.rows(
            broken(
                {"metric": -0.05, "forward": 1.0, "rest": 0.5}, bounds={"metric": (-0.3, 0.2), "forward": (0.9, 1.1)}
            )
        )
    )

    forward, metric, _ = found
    assert ("under 0.200", 0.0, "metric under 0.200 ms") == (metric.milliseconds, metric.share, metric.text)
    assert "1.00" == forward.milliseconds


def test_what_cannot_be_told_from_nothing_is_never_the_cause():
    """However large its number: on a busy machine it may be the largest."""
    found = broken({"metric": 0.9, "forward": 0.6, "rest": 0.1}, bounds={"metric": (-0.4, 2.2), "forward": (0.5, 0.7)})

    said = parts.row(found, loop="torch-keras", step="1.6").sentence

    assert said.startswith("37 % of the step is the forward pass")


def test_where_nothing_is_told_the_sentence_says_so():
    """And what would help."""
    found = broken({"metric": 0.9, "rest": -0.1}, bounds={"metric": (-0.4, 2.2)})

    assert parts.row(found, loop="a", step="1").sentence.startswith("No part of this step can be told from nothing")


def test_a_compiled_step_is_one_part_and_fit_the_other():
    """What leaving out can tell of `fit()` anywhere."""
    found = parts.row(broken({"fit step": 0.3, "rest": 0.7}), loop="jax-fit-stock", step="1.0")

    assert ["the compiled step", "fit() itself"] == [row.name for row in found.parts]
    assert found.sentence == (
        "70 % of the step is fit() itself, with its callbacks: many steps per call hide it (0.700 ms)."
    )


def test_a_trace_divides_a_compiled_step():
    """By the time of its operations, and what is left is dispatch; it says so."""
    found = list(
        parts.rows(
            broken({"fit step": 0.8, "rest": 0.2}),
            traced=traced(busy=0.5, parts_of={"backward": 0.3, "forward": 0.2}),
        )
    )

    assert ["forward pass", "backward pass", parts.DISPATCH, "fit() itself"] == [row.name for row in found]
    assert pytest.approx([0.16, 0.24, 0.4, 0.2]) == [row.share for row in found]
    assert [True, True, True, False] == [row.by_trace for row in found]


def test_a_program_without_parts_is_operations():
    """XLA fuses forward and backward pass."""
    found = parts.row(broken({"step": 0.9, "rest": 0.1}), loop="jax-jit", step="1.0", traced=traced(busy=0.8))

    assert ["operations", parts.DISPATCH, "the loop around the step"] == [row.name for row in found.parts]
    assert "operations" in found.sentence
    assert found.sentence.endswith("the dearest operation is MatMul, 60 % of all operations' time.")


@pytest.mark.parametrize(("busy", "waits"), [(0.1, True), (1.0, False)])
def test_a_gpu_that_waits_for_python_is_the_cause(busy, waits):
    """And not its dearest operation, of a tenth of a millisecond."""
    on_gpu = replace(traced(busy=busy), on_device=True)

    found = parts.row(broken(EAGER), loop="torch-native", step="1.48", traced=on_gpu)

    told = "the GPU computes for 0.100 of 1.48 ms, and waits for Python to launch the next operation otherwise"
    assert waits == (told in found.sentence)
    assert waits != ("the dearest operation is MatMul" in found.sentence)


def test_a_step_of_which_nothing_is_known_says_so():
    """No row of n/a."""
    found = parts.row(broken({}), loop="mine", step="1.0")

    assert ((), "Nothing of this step could be left out, so it is not known where its time goes.") == (
        found.parts,
        found.sentence,
    )


def test_bars_are_as_long_as_the_shares():
    """And every part has a fill of its own, in plain characters where a terminal has no others."""
    found = parts.row(broken({"fit step": 0.75, "rest": 0.25}), loop="a", step="1.0")

    bar, *legend = parts.bars(found, encoding="ascii")

    assert "#" * 30 + "=" * 10 == bar
    assert ["# the compiled step 0.750 ms (75 %)", "= fit() itself 0.250 ms (25 %)"] == legend
    assert "█" in next(parts.bars(found, encoding="utf-8"))
