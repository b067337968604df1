"""Conclusions in plain language: every template, word for word."""

import re
from dataclasses import replace

import pytest

from bench.analysis.total_time import BreakEven, BreakEvenSteps
from bench.analysis.verdict import Verdict
from bench.records.trial import FailureKind
from bench.records.words import LoopWords
from bench.report import sentences
from bench.report.model import build

TWICE = {"old": 4e-3, "new": 2e-3}


def group_of(run):
    """Return the report of a run's only group."""
    (group,) = build(run).groups
    return group


def test_a_faster_loop_is_named_with_speed_times_and_interval(make_run):
    """The sentence that people quote has its evidence in brackets."""
    group = group_of(make_run(steps=TWICE, noise=0.01))

    assert group.headline == (
        "new is the fastest loop: 1.98x faster than old (2.04 vs 4.03 ms per step; 95 % interval 1.96 to 2.00)."
    )
    assert group.conclusions == (
        "new is 1.98x faster than old on this CPU (2.04 vs 4.03 ms per step; 95 % interval 1.96 to 2.00).",
        "old is the baseline: 4.03 ms per step (95 % interval 3.87 to 4.20).",
        "Smallest slowdown that this run would have found for every loop, four times in five: 3.8 % (margin 2 %).",
        (
            "What 6 rounds may not have seen: a state that fewer than 39 % of a loop's processes are in. Where it did "
            "not come up, no interval holds it."
        ),
    )


def test_swapping_base_and_new_swaps_the_word_and_nothing_else(make_run):
    """The same measurement seen from the other side: 1.98x slower instead of 1.98x faster."""
    group = group_of(make_run(steps=TWICE, noise=0.01, baseline="new"))

    assert group.headline == "new, the baseline, is the fastest loop: the nearest is old, 1.98x slower (1.96 to 2.00)."
    assert group.conclusions[1] == (
        "old is 1.98x slower than new on this CPU (4.03 vs 2.04 ms per step; 95 % interval 1.96 to 2.00)."
    )


def test_loops_of_the_same_speed_are_equally_fast(make_run):
    """`same` is an answer of its own, with the margin that it rests on."""
    group = group_of(make_run(steps={"old": 1e-3, "new": 1e-3}, noise=0.002))

    assert (
        group.headline == "No loop is faster than old by more than 2 %: the nearest, new, reads 1.00x (1.00 to 1.00)."
    )
    assert group.conclusions[1] == (
        "new and old are equally fast: any difference is under 2 % "
        "(1.02 vs 1.01 ms per step; 95 % interval 1.00 to 1.00)."
    )


def test_an_unclear_loop_says_how_many_rounds_would_settle_it(make_run):
    """Doubt comes with its remedy and what that costs."""
    group = group_of(make_run(steps={"a": 1e-3, "b": 1e-3, "c": 4e-3}, noise=0.01))

    assert group.headline == (
        "Can't tell whether any loop is faster than a: the nearest, b, reads 1.01x faster "
        "(1.01x slower to 1.03x faster)."
    )
    assert group.conclusions[0] == (
        "Can't tell b from a: the 95 % interval runs from 1.01x slower to 1.03x faster (1.01 vs 1.02 ms per step). "
        "About 8 more rounds would settle it (about 1 min 54 s)."
    )


def test_a_difference_across_the_margin_is_unclear_too(make_run):
    """Faster for sure, but perhaps by less than what counts."""
    group = group_of(make_run(steps={"old": 1.035e-3, "new": 1e-3}, noise=0.01))

    assert group.conclusions[0] == (
        "Can't tell new from old: the 95 % interval runs from 1.01 to 1.03 times faster, and under 2 % does not count "
        "(1.02 vs 1.04 ms per step). About 21 more rounds would settle it (about 4 min 59 s)."
    )


def test_an_unclear_loop_that_no_number_of_rounds_settles_says_what_to_change(make_run, cells_of):
    """When more of the same does not help, something else is proposed."""
    cells = cells_of(make_run(steps={"a": 1e-3, "b": 1e-3}, noise=0.03))
    hopeless = replace(cells["b"], rounds_to_settle=None)

    text = sentences.conclusion(hopeless, baseline=cells["a"])

    assert text.endswith(
        "More than 1,000 rounds would be needed: a quieter machine or `--threads 1` narrows the interval."
    )


def test_one_thread_is_not_proposed_to_who_has_one(make_run, cells_of):
    """The page of a run on one thread did."""
    cells = cells_of(make_run(steps={"a": 1e-3, "b": 1e-3}, noise=0.03))
    hopeless = replace(cells["b"], rounds_to_settle=None, cell=replace(cells["b"].cell, threads=1))

    text = sentences.conclusion(hopeless, baseline=cells["a"])

    assert text.endswith("More than 1,000 rounds would be needed: a quieter machine narrows the interval.")


def test_an_interval_that_says_nothing_is_not_written_out(make_run, cells_of):
    """Two rounds that differ by a half have one over many orders of magnitude."""
    cells = cells_of(make_run(steps={"a": 1e-3, "b": 2e-3}, noise=0.01))
    wild = replace(cells["b"].speed_up, low=1e-6, high=1e6)

    text = sentences.conclusion(
        replace(cells["b"], speed_up=wild, verdict=Verdict.UNCLEAR, rounds_to_settle=8), baseline=cells["a"]
    )

    assert text.startswith("Can't tell b from a: its interval says next to nothing (")


@pytest.mark.parametrize(
    ("smallest", "written"), [(0.021, ": 2.1 % (margin"), (10.0, ": 1,000 % ("), (1e30, ": over 1,000 % (margin")]
)
def test_the_smallest_slowdown_that_would_have_been_found_has_a_limit(make_run, cells_of, smallest, written):
    """Beyond it, the run would have found none, and thirty digits say no more."""
    cells = cells_of(make_run(steps={"a": 1e-3, "b": 1e-3}, noise=0.01))

    text = sentences.sensitivity([cells["a"], replace(cells["b"], smallest_difference=smallest)], noise=None)

    assert written in text


def test_one_more_round_is_singular(make_run, cells_of):
    """Grammar, and no time where the length of a round is not known."""
    cells = cells_of(make_run(steps={"a": 1e-3, "b": 1e-3}, noise=0.03))
    near = replace(cells["b"], rounds_to_settle=7)

    text = sentences.conclusion(near, baseline=cells["a"])

    assert text.endswith(" About 1 more round would settle it.")


def test_a_single_round_has_no_interval_and_asks_for_six(make_run):
    """Nothing is claimed from one process."""
    group = group_of(make_run(steps=TWICE, rounds=1))

    assert group.headline == "Can't tell which loop is fastest: one round gives no interval. Run 6 rounds."
    assert group.conclusions == (
        (
            "Can't tell new from old: one round gives no interval and reads 1.91x faster (2.04 vs 3.91 ms per step). "
            "Run 6 rounds."
        ),
        "old is the baseline: 3.91 ms per step.",
    )


def test_a_failed_loop_says_why(make_run, make_failure):
    """A loop that failed is named, with its reason, and not ranked."""
    failure = make_failure(FailureKind.OUT_OF_MEMORY, message="needs 12 GiB")
    group = group_of(make_run(steps=TWICE | {"big": 1e-3}, failures={"big": failure}))

    assert group.conclusions[2] == "big is not ranked: 6 of 6 processes failed: out-of-memory in measure: needs 12 GiB."


def test_when_nothing_finished_the_headline_says_so(make_run, make_failure):
    """No loop is fastest where none ran."""
    group = group_of(make_run(steps=TWICE, failures={"old": make_failure(), "new": make_failure()}))

    assert group.headline == "No loop finished: old, new."


def test_a_single_loop_is_not_compared(make_run):
    """A time alone is no comparison."""
    group = group_of(make_run(steps={"old": 1e-3}))

    assert group.headline == (
        "old takes 1.00 ms per step (95 % interval 0.96 to 1.04); it is the only loop that was asked for, so nothing "
        "is compared."
    )


def test_a_loop_that_finished_alone_is_not_compared(make_run, make_failure):
    """Others were asked for."""
    group = group_of(make_run(steps=TWICE, failures={"new": make_failure()}))

    assert group.headline.endswith("; no other loop finished, so nothing is compared.")


def test_a_tie_at_the_top_is_named(make_run):
    """The fastest loop is not alone when the interval does not separate it from the next."""
    group = group_of(make_run(steps={"a": 4e-3, "b": 1e-3, "c": 1e-3}, noise=0.01))

    assert group.headline == (
        "b is the fastest loop, not told apart from c: 4.03x faster than a "
        "(1.01 vs 4.06 ms per step; 95 % interval 3.94 to 4.12)."
    )


def test_a_noisy_leader_does_not_hide_a_clear_winner(make_run, cells_of):
    """The headline claims what is known, and mentions what may be."""
    cells = cells_of(make_run(steps={"a": 4e-3, "b": 1e-3, "c": 0.9e-3}, noise=0.01))
    doubtful = replace(cells["c"], verdict=sentences.Verdict.UNCLEAR)

    text = sentences.headline([doubtful, replace(cells["b"], rank=1), cells["a"]], baseline="a")

    assert text == (
        "b is 4.03x faster than a (1.01 vs 4.06 ms per step; 95 % interval 3.94 to 4.12); c may be faster still."
    )


def test_loops_that_share_no_round_with_the_baseline_are_not_compared(make_run, cells_of):
    """Ratios are paired by round; without a pair there is none."""
    cells = cells_of(make_run(steps=TWICE))
    alone = replace(cells["new"], speed_up=None, verdict=sentences.Verdict.UNCLEAR)

    headline = sentences.headline([alone, cells["old"]], baseline="old")

    assert headline == "Nothing is compared: no loop shares a finished round with the baseline old."
    assert sentences.conclusion(alone, baseline=cells["old"]) == (
        "new is not compared: it shares no finished round with the baseline old."
    )


@pytest.mark.parametrize(
    ("break_even", "expected"),
    [
        (
            BreakEvenSteps(kind=BreakEven.AFTER, steps=23_417),
            (
                "tf-function overtakes tf-eager after 23,400 steps (not bounded; 15.0 epochs) "
                "(start-up 3.73 s against 3.16 s)."
            ),
        ),
        (
            BreakEvenSteps(kind=BreakEven.UNTIL, steps=781),
            (
                "tf-function is ahead of tf-eager until 781 steps (not bounded; 0.500 epochs) "
                "(start-up 3.73 s against 3.16 s), then falls behind."
            ),
        ),
        (
            BreakEvenSteps(kind=BreakEven.AT_ONCE),
            "tf-function is ahead of tf-eager at once (start-up 3.73 s against 3.16 s).",
        ),
        (
            BreakEvenSteps(kind=BreakEven.NEVER),
            "tf-function never catches up with tf-eager (start-up 3.73 s against 3.16 s).",
        ),
    ],
)
def test_break_even_sentences(make_run, cells_of, break_even, expected):
    """When compiling has paid, in steps and epochs, with both first steps."""
    cells = cells_of(make_run())
    cell = replace(cells["tf-function"], break_even=break_even)

    assert expected == sentences.start_up(cell, baseline=cells["tf-eager"])


def test_epochs_are_left_out_where_their_length_is_not_known(make_run, cells_of):
    """Steps alone, then."""
    cells = cells_of(make_run())
    cell = cells["tf-function"]
    cell = replace(cell, work=replace(cell.work, steps_per_epoch=None))

    assert "after 74 steps (72 to 77) (start-up" in str(sentences.start_up(cell, baseline=cells["tf-eager"]))


def test_no_break_even_is_claimed_for_equal_speeds(make_run, cells_of):
    """The crossing of two parallel lines is nowhere."""
    cells = cells_of(make_run(steps={"a": 1e-3, "b": 1e-3}, noise=0.002))

    assert sentences.start_up(cells["b"], baseline=cells["a"]) is None


def test_every_plot_has_its_numbers_in_words(make_run):
    """What a plot shows can be read aloud."""
    group = group_of(make_run(steps=TWICE, noise=0.01))

    assert sentences.speed_up_plot(group.cells, baseline="old") == (
        "Speed against old, 95 % interval in brackets: new 1.98x faster (1.96 to 2.00)."
    )
    assert sentences.step_time_plot(group.cells) == (
        "Milliseconds per step, lowest to highest process in brackets: "
        "new 2.04 (1.94 to 2.15, n = 6), old 4.03 (3.83 to 4.21, n = 6)."
    )
    assert sentences.break_even_plot(group.cells, baseline="old") == (
        "Total time ahead of old, start-up included: new at once."
    )


def test_plots_without_numbers_say_so(make_run, make_failure):
    """An empty plot has words, too."""
    group = group_of(make_run(steps={"old": 1e-3}, failures={"old": make_failure()}))

    assert sentences.speed_up_plot(group.cells, baseline="old").endswith("nothing to compare.")
    assert sentences.step_time_plot(group.cells).endswith("no process finished.")
    assert sentences.break_even_plot(group.cells, baseline="old").endswith("nothing to compare.")


def test_a_long_list_of_loops_is_counted(make_run):
    """A sentence names a dozen loops at most."""
    group = group_of(make_run(steps={"old": 4e-3} | {f"n{i}": 1e-3 for i in range(20)}, rounds=2))

    assert sentences.step_time_plot(group.cells).endswith(", 9 more in the table.")


def test_the_headline_says_what_the_loops_are_and_what_to_type(named_report):
    """A registered name tells a stranger nothing; one that says nothing goes by it."""
    (group,) = named_report.groups

    assert group.headline.startswith(
        "tf-function, a step under tf.function, is the fastest loop: 21.7x faster than tf-eager, a step op by op ("
    )
    assert "What to type in place of plain fit(), for tf-function (a step under tf.function): copy `step`." == (
        group.to_type
    )


def test_a_headline_without_a_winner_names_the_baseline_for_people(make_run):
    """Whatever else it says."""
    words = tuple(
        LoopWords(loop=loop, workload="mnist-mlp", title=f"the {loop} one", change="nothing") for loop in ("a", "b")
    )

    def headline(**settings):
        (group,) = build(make_run(loops=words, **settings)).groups
        return group.headline

    assert headline(steps={"a": 1e-3, "b": 2e-3}).startswith("a, the a one, the baseline, is the fastest loop: ")
    assert headline(steps={"a": 1e-3, "b": 1e-3}, noise=0.001).startswith("No loop is faster than a, the a one, by ")
    assert headline(steps={"a": 1e-3, "b": 1e-3}, noise=0.3).startswith(
        "Can't tell whether any loop is faster than a, "
    )
    assert headline(steps={"a": 1e-3}).startswith("a, the a one, takes 1.")


@pytest.mark.parametrize(
    ("anchor", "said"),
    [
        (1.08, r"Slower than the anchor ref=v1.2 by more than the 4 % that it may be: step time \+8(\.\d)? % \(\+"),
        (1.04, r"Not decided whether it is slower than the anchor ref=v1.2 by more than 4 %: step time \+"),
        (1.0, r"Not slower than the anchor ref=v1.2 by more than 4 %: step time "),
    ],
)
def test_the_page_of_a_gate_says_what_changes_since_the_anchor_came_to(make_gate_run, anchor, said):
    """Beside what each loop says of its base; as the gate itself has it."""
    group = group_of(make_gate_run({"tf-fit": 1.0}, anchor=anchor))

    assert any(re.match(said, sentence) for sentence in group.conclusions), group.conclusions


def test_a_loop_that_may_be_faster_than_the_margin_is_not_said_to_be_equally_fast(make_gate_run):
    """A gate measures no longer than it takes to know that it is not slower."""
    group = group_of(make_gate_run({"tf-fit": 0.98}, noise=0.012))

    assert any("is not slower than tf-fit [base] by more than 2 %" in sentence for sentence in group.conclusions)
    assert not any("equally fast" in sentence for sentence in group.conclusions)


def test_where_looks_decide_nothing_is_called_unclear_for_the_noise_of_one_pair(make_gate_run):
    """It is shown, and the sentence says no more."""
    group = group_of(make_gate_run({"tf-fit": 1.0}))

    (said,) = (sentence for sentence in group.conclusions if sentence.startswith("Noise: "))
    assert "unclear" not in said
