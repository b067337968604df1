"""What a gate finds: which loops are measured again before anything is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.verdict import Verdict
from bench.gate.result import LARGE, Finding, LoopVerdict, Outcome, is_suspected


def row(verdict=Verdict.SAME, *, loop="tf-fit", high=0.01, budget=0.05):
    """Return the verdict of one loop."""
    return LoopVerdict(
        loop=loop,
        workload="mnist-mlp",
        verdict=verdict,
        slowdown=0.0,
        low=-0.01,
        high=high,
        budget=budget,
        confirmed=None,
        base_step_seconds=1e-3,
        head_step_seconds=1e-3,
        reason="",
    )


def suspects(*rows):
    """Return the loops that are measured again."""
    return Finding(rows=rows, base="a", head="b", noise=None, rounds=3, run_id="run").suspects


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_a_slower_loop_is_suspected_for_its_verdict(verdict):
    """An unclear one not without reason."""
    assert (verdict == Verdict.SLOWER) == is_suspected(row(verdict))


@given(high=st.floats(min_value=-0.9, max_value=10.0), budget=st.floats(min_value=0.001, max_value=1.0))
def test_an_unclear_loop_is_suspected_where_many_budgets_cannot_be_ruled_out(high, budget):
    """Exactly beyond so many of them."""
    assert (high > LARGE * budget) == is_suspected(row(Verdict.UNCLEAR, high=high, budget=budget))


def test_an_unclear_loop_without_an_interval_is_not_measured_again():
    """More of the same would not make one."""
    assert not is_suspected(row(Verdict.UNCLEAR, high=None))


@pytest.mark.parametrize("verdict", [Verdict.SAME, Verdict.FASTER, Verdict.NEW, Verdict.FAILED])
def test_a_wide_interval_alone_is_no_suspicion(verdict):
    """Of a loop that is told to be something else."""
    assert not is_suspected(row(verdict, high=10.0))


def test_suspects_keep_their_order():
    """And those that are sound are not among them."""
    assert ("c", "a") == suspects(
        row(Verdict.SLOWER, loop="c"), row(loop="b"), row(Verdict.UNCLEAR, loop="a", high=1.0), row(loop="d")
    )
    assert () == suspects()


def test_words_of_outcomes_are_those_that_scripts_know():
    """They are written to a file that others read."""
    assert {
        *("passed", "regression", "unclear", "not-comparable", "failed", "nothing-to-compare", "outdated", "error"),
        *("interrupted", "fault"),
    } == {str(one) for one in Outcome}
