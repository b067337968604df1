"""What the verdicts on loops mean for a gate as a whole."""

from dataclasses import replace

import pytest

from bench.gate.listed import gone
from bench.gate.policy import Policies, outcome
from bench.gate.result import Anchored, Growth, Outcome
from bench.gate.settings import Settings

ROW = gone("my_loop", workload="mnist-mlp", budget=0.2, reason="")
GREW = Growth(quantity="peak memory", growth=0.5, low=0.4, high=0.6, budget=0.1, exceeded=True, reason="")
ALL = Policies(on_unclear="fail", on_new="fail", on_removed="fail", on_faster="fail")


def rows(*words):
    """Return a loop for each verdict."""
    return [replace(ROW, verdict=word) for word in words]


@pytest.mark.parametrize(
    ("words", "usual", "strict"),
    [
        (["same"], (Outcome.PASSED, 0), (Outcome.PASSED, 0)),
        (["new"], (Outcome.NOTHING, 0), (Outcome.NOT_COMPARABLE, 4)),
        (["same", "new"], (Outcome.PASSED, 0), (Outcome.NOT_COMPARABLE, 4)),
        (["same", "removed"], (Outcome.NOT_COMPARABLE, 4), (Outcome.NOT_COMPARABLE, 4)),
        (["same", "faster"], (Outcome.PASSED, 0), (Outcome.OUTDATED, 4)),
        (["same", "unclear"], (Outcome.UNCLEAR, 0), (Outcome.UNCLEAR, 3)),
        (["unclear", "removed"], (Outcome.NOT_COMPARABLE, 4), (Outcome.UNCLEAR, 3)),
        (["slower", "unclear", "removed"], (Outcome.REGRESSION, 1), (Outcome.REGRESSION, 1)),
        (["slower", "failed", "removed"], (Outcome.FAILED, 5), (Outcome.FAILED, 5)),
        (["slower", "invalid"], (Outcome.FAILED, 5), (Outcome.FAILED, 5)),
        ([], (Outcome.NOTHING, 0), (Outcome.NOTHING, 0)),
    ],
)
def test_the_gravest_word_decides(words, usual, strict):
    """5 before 1 before 3 before 4; what is not asked to fail does not."""
    assert (usual, strict) == (outcome(rows(*words), policies=Policies()), outcome(rows(*words), policies=ALL))


def test_what_is_removed_may_pass():
    """As when a loop is dropped on purpose."""
    assert (Outcome.PASSED, 0) == outcome(rows("same", "removed"), policies=Policies(on_removed="pass"))


def test_an_accepted_slowdown_passes_and_memory_beyond_its_budget_does_not():
    """The one is known; the other is a regression like any other."""
    (slow,) = rows("slower")

    assert (Outcome.PASSED, 0) == outcome([replace(slow, accepted="up to 40 %")], policies=Policies())
    assert (Outcome.REGRESSION, 1) == outcome([replace(ROW, verdict="same", growth=(GREW,))], policies=Policies())


@pytest.mark.parametrize(
    ("word", "accepted", "usual", "strict"),
    [
        ("slower", None, (Outcome.REGRESSION, 1), (Outcome.REGRESSION, 1)),
        ("slower", "up to 40 %", (Outcome.PASSED, 0), (Outcome.PASSED, 0)),
        ("unclear", None, (Outcome.UNCLEAR, 0), (Outcome.UNCLEAR, 3)),
        ("new", None, (Outcome.PASSED, 0), (Outcome.PASSED, 0)),
        ("faster", None, (Outcome.PASSED, 0), (Outcome.PASSED, 0)),
    ],
)
def test_what_changes_since_the_anchor_came_to_counts_like_the_last_one(word, accepted, usual, strict):
    """But for what only the base can be: faster than it, or without the loop."""
    since = Anchored(
        verdict=word, slowdown=None, low=None, high=None, budget=0.04, rounds=None, reason="", accepted=accepted
    )
    row = replace(ROW, verdict="same", anchor=since)

    assert (usual, strict) == (outcome([row], policies=Policies()), outcome([row], policies=ALL))


def test_the_command_line_wins_over_the_settings():
    """And both over the usual."""
    found = Policies.of(Settings(on_new="fail", on_removed="pass"), on_new="pass", on_unclear=None)

    assert Policies(on_new="pass", on_removed="pass") == found
