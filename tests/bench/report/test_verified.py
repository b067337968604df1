"""How the check of loops is shown: in words, with the largest gap of each kind, and as data."""

import json
from dataclasses import replace

import pytest

from bench.records.verification import Gap, Verification
from bench.report import verified

PASSED = Verification(
    loop="numpy",
    workload="mnist-mlp",
    device="cpu",
    formula="keras-adam",
    gaps=(
        Gap(what="loss, 100 steps", largest=4e-7, allowed=1e-5, step=61),
        Gap(what="loss, evaluation", largest=1e-8, allowed=1e-5),
        Gap(what="weights", largest=2e-6, allowed=1e-4),
    ),
)
DIFFERS = replace(PASSED, loop="mine", gaps=(Gap(what="gradients", largest=0.5, allowed=1e-5, step=1),))
PEER = replace(PASSED, loop="first", workload="my_model", gaps=(), peer="first")
LIKE = replace(PASSED, loop="second", workload="my_model", peer="first")
WIDE = replace(PASSED, gaps=(Gap(what="weights", largest=0.5, allowed=1e-4, framework_wide=True),))
CANNOT = replace(PASSED, loop="third", gaps=(), problem="unavailable: it cannot carry this")


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (PASSED, "same work"),
        (DIFFERS, "DIFFERS"),
        (PEER, "not verified"),
        (LIKE, "like first"),
        (CANNOT, "not verified"),
    ],
    ids=["passed", "differs", "peer", "like", "cannot"],
)
def test_the_result_is_in_words(one, words):
    """Each kind has its own; what is not verified says why."""
    (line,) = verified.render([one], output_format="table").splitlines()[-1:]

    assert f" {words} " in line
    assert (one.reason or "") in line


def test_what_differs_in_all_loops_of_a_framework_is_said_to_be_like_fit():
    """It is ranked with a mark: the framework computes it so, and no loop can help it."""
    (line,) = verified.render([WIDE], output_format="table").splitlines()[-1:]

    assert " like fit() " in line


def test_a_check_that_failed_says_so_with_its_reason():
    """A crash is neither the same work nor another."""
    crashed = replace(PASSED, gaps=(), problem="raised: ZeroDivisionError: division by zero")

    (line,) = verified.render([crashed], output_format="table").splitlines()[-1:]

    assert " failed " in line
    assert line.endswith("raised: ZeroDivisionError: division by zero")


def test_every_check_has_a_row():
    """In the order in which they were made, below one line of heads."""
    heads, *rows = verified.render([PASSED, DIFFERS, LIKE], output_format="table").splitlines()

    assert "loss gap" in heads
    assert ["numpy", "mine", "second"] == [row.split()[0] for row in rows]


def test_the_largest_gap_of_each_kind_is_shown_with_its_step():
    """What was not compared is not available, which is not zero."""
    (line,) = verified.render([PASSED], output_format="table").splitlines()[-1:]

    assert "4e-07 at 61" in line
    assert "2e-06" in line
    assert 2 == line.count("n/a")


def test_json_has_every_gap_and_the_verdict():
    """For scripts, which read no tables."""
    first, second = json.loads(verified.render([PASSED, DIFFERS], output_format="json"))

    assert (True, "numpy", 3) == (first["passed"], first["loop"], len(first["gaps"]))
    assert (False, {"what": "gradients", "largest": 0.5, "allowed": 1e-5, "step": 1, "framework_wide": False}) == (
        second["passed"],
        second["gaps"][0],
    )
