"""A run against the past: yes, no, or not to be told, with what sessions differ by counted in."""

from math import log

import pytest

from bench.analysis.verdict import Verdict
from bench.errors import NothingComparable
from bench.gate.against_history import Past, judge_run, too_busy
from bench.gate.settings import Settings


def past(loop="tf-fit", **fields):
    """Return a loop that took one kernel step in forty runs, each within 1 %."""
    common = {"level": 0.0, "error": 0.002, "spread": 0.01, "runs": 40, "head": 0.0, "unit_seconds": 1e-3}
    return Past(loop=loop, workload="mnist-mlp", **(common | fields))


def judged(*loops, fail_on_unclear=False, budget=0.02):
    """Return what a gate with one budget says."""
    settings = Settings(max_slowdown=budget)
    return judge_run(loops, base="history", run="today", rounds=6, settings=settings, fail_on_unclear=fail_on_unclear)


@pytest.mark.parametrize(
    ("slower", "budget", "word", "code"),
    [(0.10, 0.02, "slower", 1), (0.0, 0.05, "same", 0), (0.02, 0.02, "unclear", 0), (-0.10, 0.02, "faster", 0)],
)
def test_the_whole_interval_decides(slower, budget, word, code):
    """Beyond the budget, within it, or neither."""
    result = judged(past(head=log(1.0 + slower)), budget=budget)

    assert (word, code) == (result.loops[0].verdict, result.exit_code)
    assert result.loops[0].slowdown == pytest.approx(slower)
    assert result.loops[0].low < slower < result.loops[0].high


def test_steps_are_held_against_the_level_and_told_in_seconds():
    """A loop that took twenty kernel steps of 1 ms and takes 22 has become a tenth slower."""
    result = judged(past(level=log(20.0), head=log(22.0)))

    [row] = result.loops
    assert (Verdict.SLOWER, pytest.approx(0.1)) == (row.verdict, row.slowdown)
    assert pytest.approx((20e-3, 22e-3)) == (row.base_step_seconds, row.head_step_seconds)
    assert 0 == result.confirmation_rounds


def test_what_cannot_be_told_fails_where_it_is_asked_to():
    """Exit code 3."""
    assert 3 == judged(past(head=0.02), fail_on_unclear=True).exit_code


def test_three_runs_leave_two_degrees_of_freedom():
    """Their quantile of Student's t is 4.303, in any table; spread and error of the level add up by squares."""
    [row] = judged(past(runs=3, error=0.003, spread=0.004)).loops

    assert pytest.approx((-0.0213, 0.0217), abs=1e-4) == (row.low, row.high)


def test_sessions_that_differ_make_the_interval_wider():
    """One run is one session, however many processes it has."""
    quiet, noisy = (judged(past(head=0.05, spread=spread)).loops[0] for spread in (0.005, 0.05))

    assert ("slower", "unclear") == (quiet.verdict, noisy.verdict)


def test_more_loops_have_to_prove_more():
    """All verdicts hold together."""
    alone, among = judged(past(head=0.05)), judged(past(head=0.05), *(past(f"loop-{n}") for n in range(9)))

    assert among.loops[0].low < alone.loops[0].low


def test_creep_is_found_against_a_baseline_where_no_step_was():
    """Ten times 1 % is 10.5 %."""
    result = judged(past(level=0.0, error=0.01, head=10 * log(1.01)), budget=0.05)

    assert ("slower", 1) == (result.loops[0].verdict, result.exit_code)


def test_nothing_to_hold_it_against_is_an_error():
    """Exit code 4 with the way out."""
    with pytest.raises(NothingComparable, match="no loop of today has a history on this machine"):
        judged()


def test_a_run_on_a_machine_that_was_too_busy_is_unclear_and_not_slower(make_gate_run, make_starved):
    """Its numbers never came into the history, so without these rows nothing would be said of it."""
    run = make_starved(make_gate_run({"tf-fit": 20.0}))
    settings = Settings(max_slowdown=0.02)
    starved = too_busy(run, settings=settings)[:1]

    result = judge_run(
        [], base="history", run="today", rounds=6, settings=settings, fail_on_unclear=True, starved=starved
    )

    assert ("unclear", 3) == (result.loops[0].verdict, result.exit_code)
    assert "too busy to tell" in result.loops[0].reason
