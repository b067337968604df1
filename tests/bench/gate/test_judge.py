"""What the gate says, and how it exits, when loops are slower, faster, new, gone, broken or too noisy to tell."""

from dataclasses import replace

import pytest

from bench import units
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
        # As of fresh rounds of the working tree alone.
        confirmation=None if confirmation is None else replace(finding(confirmation, **settings), is_paired=False),
        fail_on_unclear=fail_on_unclear,
    )


def unseen(make_gate_run, slowdown, *, seed=0, **settings):
    """Return a run that nobody looked at before its end, as one that is held against a stored one."""
    return make_gate_run({"tf-fit": slowdown}, seed=seed, looks=(), **settings)


def words(result):
    """Return loop -> verdict."""
    return {row.loop: row.verdict for row in result.loops}


def test_nothing_slower_passes(make_gate_run):
    """Exit 0, every loop the same."""
    result = judge(make_gate_run({"tf-fit": 1.0, "tf-function": 1.0}))

    assert (Outcome.PASSED, 0) == (result.outcome, result.exit_code)
    assert {"tf-fit": "same", "tf-function": "same"} == words(result)
    assert "No slowdown beyond the budget." == headline(result)


def test_a_slowdown_that_the_looks_have_decided_fails_and_names_the_loop(make_gate_run):
    """Exit 1, sure, with the rounds that it took."""
    result = judge(make_gate_run({"tf-fit": 1.1, "tf-function": 1.0}, rounds=12, looks=(6, 12)))

    (slow,) = [row for row in result.loops if row.verdict == Verdict.SLOWER]
    assert (Outcome.REGRESSION, 1) == (result.outcome, result.exit_code)
    assert ("tf-fit", True, 6) == (slow.loop, slow.confirmed, slow.rounds)
    assert pytest.approx(0.10, abs=0.02) == slow.slowdown
    assert slow.budget < slow.low < slow.slowdown < slow.high
    assert "budget 2 %, decided in 6 rounds" in slow.reason
    assert "Slower, and confirmed: tf-fit." == headline(result)


def test_what_could_not_be_decided_says_what_could_have_been(make_gate_run):
    """The smallest budget that unchanged code would have been told to be within: half of the interval's width."""
    result = judge(make_gate_run({"tf-fit": 1.0}, rounds=12, looks=(6, 12), noise=0.05))

    (row,) = result.loops
    assert (Outcome.UNCLEAR, "unclear", 12, None) == (result.outcome, row.verdict, row.rounds, row.confirmed)
    assert pytest.approx(((1.0 + row.high) / (1.0 + row.low)) ** 0.5 - 1.0) == row.decidable
    assert f"not decided in 12 rounds: this machine could have decided {units.percent(row.decidable)}" in row.reason


def test_a_budget_above_the_bound_would_have_been_decided(make_gate_run):
    """By the same rounds."""
    noisy = make_gate_run({"tf-fit": 1.0}, rounds=12, looks=(12,), noise=0.05)
    (row,) = judge(noisy).loops

    above, below = (words(judge(noisy, max_slowdown=row.high * share)) for share in (1.01, 0.99))

    assert ({"tf-fit": "same"}, {"tf-fit": "unclear"}) == (above, below)


def test_a_loop_that_may_be_much_faster_is_not_slower_and_passes(make_gate_run):
    """Whether it is as fast or faster is nothing that a gate measures on for."""
    result = judge(make_gate_run({"tf-fit": 0.97}, noise=0.02))

    assert (Outcome.PASSED, {"tf-fit": "same"}) == (result.outcome, words(result))
    assert result.loops[0].low < -0.02


def test_of_a_stored_run_a_slowdown_that_fresh_rounds_do_not_show_is_unclear(make_gate_run):
    """Not red, and not silent."""
    result = judge(unseen(make_gate_run, 1.1), confirmation=unseen(make_gate_run, 1.0, seed=1))

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
    wild = with_wild_round(unseen(make_gate_run, 1.1), side=side, factor=1.8)

    first = judging.of_sides(wild)
    result = judge(wild, confirmation=unseen(make_gate_run, 1.1, seed=1))

    assert (["unclear"], ("tf-fit",)) == ([row.verdict for row in first.rows], first.suspects)
    assert [("slower", True)] == [(row.verdict, row.confirmed) for row in result.loops]


def test_noise_that_fresh_rounds_dispel_is_no_doubt(make_gate_run):
    """What was too noisy to tell gets the word of the fresh rounds."""
    wild = with_wild_round(unseen(make_gate_run, 1.0), side="head", factor=1.8)

    result = judge(wild, confirmation=unseen(make_gate_run, 1.0, seed=1))

    assert (Outcome.PASSED, 0) == (result.outcome, result.exit_code)
    assert [("same", False)] == [(row.verdict, row.confirmed) for row in result.loops]
    assert "the first ones disagreed" in result.loops[0].reason


def test_a_little_doubt_is_not_measured_again(make_gate_run):
    """It would cost every second gate on a noisy machine as much again."""
    first = finding(unseen(make_gate_run, 1.0, noise=0.05))

    assert (["unclear"], ()) == ([row.verdict for row in first.rows], first.suspects)


def test_fresh_rounds_that_lean_the_other_way_confirm_nothing(make_gate_run):
    """However clear the first ones were."""
    result = judge(unseen(make_gate_run, 1.3), confirmation=unseen(make_gate_run, 1.0, noise=0.1, seed=1))

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
    assert "No slowdown beyond the budget. Faster: tf-fit." == headline(result)
    assert pytest.approx(-0.5, abs=0.02) == result.loops[0].slowdown


def test_a_slowdown_within_its_budget_passes(make_gate_run):
    """Each loop has its own."""
    run = make_gate_run({"tf-fit": 1.08, "tf-function": 1.08})

    assert {"tf-fit": "same", "tf-function": "slower"} == words(judge(run, budgets={"tf-fit": 0.15}))


@pytest.mark.parametrize("slowdown", [1.0, 1.1])
def test_what_one_loop_measured_twice_was_apart_decides_nothing(make_gate_run, slowdown):
    """One pair is a random number; it is shown."""
    run = make_gate_run({"tf-fit": slowdown})
    drifted = (
        replace(trial, blocks=tuple(replace(block, seconds=1.2 * block.seconds) for block in trial.blocks))
        if trial.cell.side == AGAIN
        else trial
        for trial in run.trials
    )

    result, calm = judge(replace(run, trials=tuple(drifted))), judge(run)

    assert pytest.approx(0.2, abs=0.03) == result.noise
    assert calm.loops == result.loops
    assert "Identical code came out 2" in to_text(result)
    assert "Identical code came out 2" in to_markdown(result)


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


def test_a_crash_outweighs_a_slowdown(make_gate_run):
    """Exit 5 before exit 1."""
    crash = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")
    run = make_gate_run({"tf-function": 1.5, "tf-fit": 1.0}, failures={("tf-fit", "head"): crash})
    result = judge(run)

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
    """However slow the head seems."""
    result = judge(make_starved(make_gate_run({"tf-fit": 20.0})))

    assert (Outcome.UNCLEAR, 0) == (result.outcome, result.exit_code)
    assert "too busy to tell" in result.loops[0].reason
    assert "make (2 processes, 1.5 cores)" in result.loops[0].reason


def test_beside_a_stored_run_a_starved_baseline_of_its_own_is_told_as_such(make_run, make_starved):
    """The loop that others of its run are held against has no verdict of its own: the reason is the machine's."""
    base = make_run(steps={"tf-eager": 2e-3, "tf-function": 1e-3}, kernel=1e-3)

    found = judging.of_stored(base, make_starved(base), settings=Settings())

    assert {"tf-eager": "unclear", "tf-function": "unclear"} == {row.loop: row.verdict for row in found.rows}
    assert all("too busy to tell: other work took" in row.reason for row in found.rows), found.rows


def test_fresh_rounds_that_starve_confirm_nothing(make_gate_run, make_starved):
    """The first ones alone are a suspicion, also together with what the starved ones seem to say."""
    run = unseen(make_gate_run, 1.5)

    result = judge(run, confirmation=make_starved(unseen(make_gate_run, 1.5, seed=1)))

    assert ("unclear", False, 0) == (result.loops[0].verdict, result.loops[0].confirmed, result.exit_code)


def test_a_slowdown_is_still_found_in_the_rounds_that_are_left(make_gate_run, make_starved):
    """Two of six starved."""
    run = make_starved(make_gate_run({"tf-fit": 1.5}), rounds=2)

    assert Verdict.SLOWER == finding(run).rows[0].verdict


def since_the_anchor(result):
    """Return what the only loop says of the anchor."""
    (row,) = result.loops
    return row.anchor


def test_small_changes_that_add_up_fail_against_the_anchor(make_gate_run):
    """Each was within its budget of 2 %; 8 % in all are beyond 4 %."""
    result = judge(make_gate_run({"tf-fit": 1.0}, anchor=1.08))

    found = since_the_anchor(result)
    assert (Outcome.REGRESSION, 1, {"tf-fit": "same"}) == (result.outcome, result.exit_code, words(result))
    assert ("slower", 0.04, 6) == (found.verdict, found.budget, found.rounds)
    assert found.budget < found.low < found.slowdown < found.high
    assert "budget 4 %, decided in 6 rounds" in found.reason


def test_small_changes_within_the_anchors_budget_pass(make_gate_run):
    """2 % of 4 %."""
    result = judge(make_gate_run({"tf-fit": 1.0}, anchor=1.02))

    assert (Outcome.PASSED, "same") == (result.outcome, since_the_anchor(result).verdict)


def test_what_is_open_against_the_anchor_is_unclear(make_gate_run):
    """No slowdown since then can be ruled out."""
    result = judge(make_gate_run({"tf-fit": 0.5}, anchor=1.04, noise=0.02))

    assert (Outcome.UNCLEAR, "faster", "unclear") == (
        result.outcome,
        result.loops[0].verdict,
        since_the_anchor(result).verdict,
    )
    assert headline(result).endswith("none can be ruled out for tf-fit. Faster: tf-fit.")


@pytest.mark.parametrize("kind", [FailureKind.UNAVAILABLE, FailureKind.RAISED])
def test_a_loop_that_the_anchor_lacks_or_breaks_holds_nobody_up(make_gate_run, kind):
    """An old release need not know today's loops."""
    gone = Failure(kind=kind, phase="start", message="no such loop")
    result = judge(make_gate_run({"tf-fit": 1.0}, anchor=1.0, failures={("tf-fit", "anchor"): gone}))

    assert (Outcome.PASSED, "new") == (result.outcome, since_the_anchor(result).verdict)
    assert "no such loop" in since_the_anchor(result).reason


def test_a_loop_that_fails_is_not_held_against_the_anchor(make_gate_run):
    """There is nothing to hold."""
    crash = Failure(kind=FailureKind.RAISED, phase="build", message="ValueError: no")
    result = judge(make_gate_run({"tf-fit": 1.0}, anchor=1.0, failures={("tf-fit", "head"): crash}))

    assert (5, None) == (result.exit_code, since_the_anchor(result))


def test_a_base_that_cannot_be_compared_leaves_the_anchor(make_gate_run):
    """The loop is new to the base and still slower than the release."""
    gone = Failure(kind=FailureKind.UNAVAILABLE, phase="start", message="no such loop")
    result = judge(make_gate_run({"tf-fit": 1.0}, anchor=1.3, failures={("tf-fit", "base"): gone}, control=False))

    assert (1, "new", "slower") == (result.exit_code, result.loops[0].verdict, since_the_anchor(result).verdict)
