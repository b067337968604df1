"""What the gate says, and how it exits, when loops are slower, faster, new, gone, broken or too noisy to tell."""

from dataclasses import replace

import pytest

from bench.analysis.verdict import Verdict
from bench.gate import judge as judging
from bench.gate.result import Outcome
from bench.gate.settings import Settings
from bench.gate.text import headline, to_markdown, to_text
from bench.records.cell import AGAIN
from bench.records.trial import Failure, FailureKind


def finding(run, **settings):
    """Return what a run says, its plan holding what the settings ask."""
    wanted = Settings(**settings)
    plan = replace(run.header.plan, margin=wanted.max_slowdown, margins=wanted.budgets)
    return judging.of_sides(replace(run, header=replace(run.header, plan=plan)))


def judge(run, *, confirmation=None, fail_on_unclear=False, **settings):
    """Return what the gate makes of runs."""
    return judging.judge(
        finding(run, **settings),
        confirmation=None if confirmation is None else finding(confirmation, **settings),
        fail_on_unclear=fail_on_unclear,
    )


def words(result):
    """Return loop -> verdict."""
    return {row.loop: row.verdict for row in result.loops}


def test_nothing_slower_passes(make_gate_run):
    """Exit 0, every loop the same."""
    result = judge(make_gate_run({"tf-fit": 1.0, "tf-function": 1.0}))

    assert (Outcome.PASSED, 0) == (result.outcome, result.exit_code)
    assert {"tf-fit": "same", "tf-function": "same"} == words(result)
    assert "No slowdown." == headline(result)


def test_a_slowdown_is_suspected_before_it_is_confirmed(make_gate_run):
    """Only the loop that changed."""
    run = make_gate_run({"tf-fit": 1.1, "tf-function": 1.0})

    assert ("tf-fit",) == judging.of_sides(run).suspects


def test_a_confirmed_slowdown_fails_and_names_the_loop(make_gate_run):
    """Exit 1, with both measurements in the reason."""
    result = judge(
        make_gate_run({"tf-fit": 1.1, "tf-function": 1.0}), confirmation=make_gate_run({"tf-fit": 1.1}, seed=1)
    )

    (slow,) = [row for row in result.loops if row.verdict == Verdict.SLOWER]
    assert (Outcome.REGRESSION, 1) == (result.outcome, result.exit_code)
    assert ("tf-fit", True) == (slow.loop, slow.confirmed)
    assert pytest.approx(0.10, abs=0.02) == slow.slowdown
    assert slow.low < slow.slowdown < slow.high
    assert "fresh rounds: " in slow.reason
    assert "Slower, and confirmed by fresh rounds: tf-fit." == headline(result)


def test_a_slowdown_that_fresh_rounds_do_not_show_is_unclear(make_gate_run):
    """Not red, and not silent."""
    result = judge(make_gate_run({"tf-fit": 1.1}), confirmation=make_gate_run({"tf-fit": 1.0}, seed=1))

    assert (Outcome.UNCLEAR, 0) == (result.outcome, result.exit_code)
    assert [("unclear", False)] == [(row.verdict, row.confirmed) for row in result.loops]
    assert "not confirmed by fresh rounds" in result.loops[0].reason


def with_wild_round(run, *, side, factor, number=2):
    """Return the run of a gate with one process that took so many times as long."""

    def slowed(trial):
        if (trial.cell.side, trial.round) != (side, number):
            return trial
        return replace(trial, blocks=tuple(replace(block, seconds=factor * block.seconds) for block in trial.blocks))

    return replace(run, trials=tuple(map(slowed, run.trials)))


@pytest.mark.parametrize("side", ["base", "head"])
def test_rounds_that_hide_a_large_slowdown_are_measured_again(make_gate_run, side):
    """One wild process among twelve, on either side, makes any interval of six rounds useless."""
    wild = with_wild_round(make_gate_run({"tf-fit": 1.1}), side=side, factor=1.8)

    first = judging.of_sides(wild)
    result = judge(wild, confirmation=make_gate_run({"tf-fit": 1.1}, seed=1))

    assert (["unclear"], ("tf-fit",)) == ([row.verdict for row in first.rows], first.suspects)
    assert [("slower", True)] == [(row.verdict, row.confirmed) for row in result.loops]


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_wild_round_among_the_fresh_ones_does_not_hide_a_slowdown(make_gate_run, side):
    """All rounds together show it, by ranks, and the fresh ones lean the same way."""
    again = with_wild_round(make_gate_run({"tf-fit": 1.1}, seed=1), side=side, factor=1.8)

    result = judge(make_gate_run({"tf-fit": 1.1}), confirmation=again)

    assert (Outcome.REGRESSION, 1) == (result.outcome, result.exit_code)
    assert "all together: 9." in result.loops[0].reason


def test_noise_that_fresh_rounds_dispel_is_no_doubt(make_gate_run):
    """What was too noisy to tell gets the word of the fresh rounds."""
    wild = with_wild_round(make_gate_run({"tf-fit": 1.0}), side="head", factor=1.8)

    result = judge(wild, confirmation=make_gate_run({"tf-fit": 1.0}, seed=1))

    assert (Outcome.PASSED, 0) == (result.outcome, result.exit_code)
    assert [("same", False)] == [(row.verdict, row.confirmed) for row in result.loops]
    assert "the first ones disagreed" in result.loops[0].reason


def test_a_little_doubt_is_not_measured_again(make_gate_run):
    """It would cost every second gate on a noisy machine as much again."""
    first = finding(make_gate_run({"tf-fit": 1.0}, noise=0.05))

    assert (["unclear"], ()) == ([row.verdict for row in first.rows], first.suspects)


def test_fresh_rounds_that_lean_the_other_way_confirm_nothing(make_gate_run):
    """However clear the first ones were."""
    result = judge(make_gate_run({"tf-fit": 1.3}), confirmation=make_gate_run({"tf-fit": 1.0}, noise=0.1, seed=1))

    assert "slower" not in words(result).values()


def test_unclear_fails_where_that_was_asked_for(make_gate_run):
    """Exit 3."""
    noisy = make_gate_run({"tf-fit": 1.0}, noise=0.2)

    assert [(Outcome.UNCLEAR, 0), (Outcome.UNCLEAR, 3)] == [
        (found.outcome, found.exit_code) for found in (judge(noisy, fail_on_unclear=fail) for fail in (False, True))
    ]


def test_a_faster_loop_is_said_to_be_faster(make_gate_run):
    """Exit 0, and good news stands in the headline."""
    result = judge(make_gate_run({"tf-fit": 0.5}))

    assert (Outcome.PASSED, {"tf-fit": "faster"}) == (result.outcome, words(result))
    assert "No slowdown. Faster: tf-fit." == headline(result)
    assert pytest.approx(-0.5, abs=0.02) == result.loops[0].slowdown


def test_a_slowdown_within_its_budget_passes(make_gate_run):
    """Each loop has its own."""
    run = make_gate_run({"tf-fit": 1.08, "tf-function": 1.08})

    assert ("tf-function",) == finding(run, budgets={"tf-fit": 0.15}).suspects


def test_a_difference_smaller_than_that_of_identical_loops_is_unclear_and_says_why(make_gate_run):
    """Never `same`, and never red: the repetition was 20 % away from its twin."""
    run = make_gate_run({"tf-fit": 1.1})
    drifted = (
        replace(trial, blocks=tuple(replace(block, seconds=1.2 * block.seconds) for block in trial.blocks))
        if trial.cell.side == AGAIN
        else trial
        for trial in run.trials
    )
    result = judge(replace(run, trials=tuple(drifted)))

    assert ("unclear", Outcome.UNCLEAR) == (result.loops[0].verdict, result.outcome)
    assert "budget 2 % refused, as identical loops were 2" in result.loops[0].reason
    assert pytest.approx(0.2, abs=0.03) == result.noise
    assert "Budgets below that are refused" in to_text(result)
    assert "Budgets below that are refused" in to_markdown(result)


def test_fresh_rounds_confirm_nothing_that_is_within_the_noise_of_the_first_ones(make_gate_run):
    """They measure no loop twice; identical loops went red here, with a budget of a tenth of a per cent."""
    noisy = make_gate_run({"tf-fit": 1.0}, noise=0.05)
    calm = make_gate_run({"tf-fit": 1.018}, noise=0.002, seed=1, control=False)

    first = finding(noisy, max_slowdown=0.001)
    again = finding(calm, max_slowdown=0.001)
    result = judge(noisy, confirmation=calm, max_slowdown=0.001)

    assert (("tf-fit",), "slower") == (first.suspects, again.rows[0].verdict)
    assert first.noise > 0.018
    assert (Outcome.UNCLEAR, 0, "unclear") == (result.outcome, result.exit_code, result.loops[0].verdict)
    assert "of identical loops in the first rounds" in result.loops[0].reason
    assert "Budgets below that are refused" in to_text(result)


def test_a_budget_above_the_noise_is_not_refused(make_gate_run):
    """Identical loops were apart, by less."""
    result = judge(make_gate_run({"tf-fit": 1.1}), max_slowdown=0.05)

    assert 0.0 < result.noise < 0.05
    assert "refused" not in to_text(result)


def test_one_odd_repetition_does_not_hide_a_slowdown(make_gate_run):
    """Its interval is wide, and the loops themselves are clear."""
    run = make_gate_run({"tf-fit": 1.1})
    odd = next(trial for trial in run.trials if trial.cell.side == AGAIN)
    slow = replace(odd, blocks=tuple(replace(block, seconds=1.3 * block.seconds) for block in odd.blocks))
    trials = tuple(slow if trial == odd else trial for trial in run.trials)

    assert ("tf-fit",) == finding(replace(run, trials=trials)).suspects


@pytest.mark.parametrize(
    ("side", "word", "outcome", "code"),
    [("base", Verdict.NEW, Outcome.PASSED, 0), ("head", Verdict.REMOVED, Outcome.NOT_COMPARABLE, 4)],
)
def test_a_loop_that_only_one_side_has_gets_its_own_word(make_gate_run, side, word, outcome, code):
    """Gone is an exit code of its own; new is listed."""
    gone = Failure(kind=FailureKind.UNAVAILABLE, phase="start", message=f"{side} has no tf-fit")
    result = judge(make_gate_run({"tf-function": 1.0, "tf-fit": 1.0}, failures={("tf-fit", side): gone}))

    assert (outcome, code) == (result.outcome, result.exit_code)
    assert {"tf-function": "same", "tf-fit": word} == words(result)


def test_nothing_but_new_loops_is_nothing_to_compare_yet(make_gate_run):
    """The change that introduces a gate is not held up by it, and no slowdown is denied either."""
    gone = Failure(kind=FailureKind.UNAVAILABLE, phase="start", message="base has no tf-fit")
    result = judge(make_gate_run({"tf-fit": 1.0}, failures={("tf-fit", "base"): gone}, control=False))

    assert (Outcome.NOTHING, 0) == (result.outcome, result.exit_code)
    assert "Nothing to compare yet. New: tf-fit." == headline(result)


@pytest.mark.parametrize(
    ("side", "kind", "word"),
    [
        ("base", FailureKind.RAISED, "new"),
        ("head", FailureKind.RAISED, "failed"),
        ("base", FailureKind.OUTSIDE_COMMIT, "failed"),
    ],
)
def test_a_base_that_the_head_mends_holds_nobody_up(make_gate_run, side, kind, word):
    """Unless the base was not run as it is: what was not built, or came from the working tree, is to be put right."""
    crash = Failure(kind=kind, phase="build", message="ValueError: no")
    result = judge(make_gate_run({"tf-fit": 1.0}, failures={("tf-fit", side): crash}, control=False))

    assert {"tf-fit": word} == words(result)
    assert f"{side}: {kind.value}: ValueError: no" in result.loops[0].reason


def test_a_budget_that_is_refused_is_never_a_pass(make_gate_run):
    """Identical loops were further apart than it allows, so nothing is known at that scale."""
    run = make_gate_run({"tf-fit": 1.0}, noise=0.0005)
    apart = [
        replace(trial, blocks=tuple(replace(block, seconds=1.1 * block.seconds) for block in trial.blocks))
        if trial.cell.side == AGAIN
        else trial
        for trial in run.trials
    ]

    words = [judging.of_sides(one).rows[0].verdict for one in (run, replace(run, trials=tuple(apart)))]

    assert ["same", "unclear"] == words


def test_a_crash_outweighs_a_slowdown(make_gate_run):
    """Exit 5 before exit 1."""
    crash = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")
    run = make_gate_run({"tf-function": 1.5, "tf-fit": 1.0}, failures={("tf-fit", "head"): crash})
    result = judge(run, confirmation=make_gate_run({"tf-function": 1.5}, seed=1))

    assert (Outcome.FAILED, 5) == (result.outcome, result.exit_code)
    assert {"tf-function": "slower", "tf-fit": "failed"} == words(result)
    assert "head: raised: ValueError: no" in next(row.reason for row in result.loops if row.loop == "tf-fit")


def test_a_loop_that_was_not_verified_is_invalid(make_gate_run):
    """Faster by doing something else is not faster."""
    run = make_gate_run({"tf-fit": 0.5})
    run = replace(run, header=replace(run.header, plan=replace(run.header.plan, verify=True)))
    result = judge(run)

    assert (5, {"tf-fit": "invalid"}) == (result.exit_code, words(result))


def test_a_starved_machine_is_never_red_and_says_who_was_busy(make_gate_run, make_starved):
    """However slow the head seems, and without being measured again: fresh rounds would starve as well."""
    run = make_starved(make_gate_run({"tf-fit": 20.0}))

    result = judge(run)

    assert (Outcome.UNCLEAR, 0) == (result.outcome, result.exit_code)
    assert () == finding(run).suspects
    assert "too busy to tell" in result.loops[0].reason
    assert "make (2 processes, 1.5 cores)" in result.loops[0].reason


def test_fresh_rounds_that_starve_confirm_nothing(make_gate_run, make_starved):
    """The first ones alone are a suspicion, also together with what the starved ones seem to say."""
    run = make_gate_run({"tf-fit": 1.5})

    result = judge(run, confirmation=make_starved(make_gate_run({"tf-fit": 1.5}, seed=1)))

    assert ("unclear", False, 0) == (result.loops[0].verdict, result.loops[0].confirmed, result.exit_code)


def test_a_slowdown_is_still_found_in_the_rounds_that_are_left(make_gate_run, make_starved):
    """Two of six starved."""
    run = make_starved(make_gate_run({"tf-fit": 1.5}), rounds=2)

    assert Verdict.SLOWER == finding(run).rows[0].verdict
