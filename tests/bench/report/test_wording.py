"""Words and numbers of one loop."""

from dataclasses import replace

import pytest

from bench.analysis import summary
from bench.analysis.total_time import BreakEven, BreakEvenSteps
from bench.analysis.verdict import Verdict
from bench.records.trial import FailureKind
from bench.report import wording


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tf-eager", "tf-eager"),
        ('a|b<script>&"', 'a|b<script>&"'),
        ("🚀 rocket", "🚀 rocket"),
        ("two\nlines\x1b[31m", "two\ufffdlines\ufffd[31m"),
        ("evil\u202etxt", "evil\ufffdtxt"),
        ("\ud800", "\ufffd"),
        ("\uffff", "\ufffd"),
        ("שלום", "\u2068שלום\u2069"),  # noqa: RUF001 - Hebrew, not a mistaken l
    ],
)
def test_a_name_cannot_disturb_the_text_around_it(name, expected):
    """Controls and overrides are replaced, right-to-left names isolated, everything else is kept."""
    assert expected == wording.display_name(name)


def test_every_verdict_has_a_shape():
    """No verdict is told by colour alone."""
    assert set(Verdict) == set(wording.GLYPHS)


def test_the_baseline_has_no_verdict(make_run, cells_of):
    """The loop that others are compared with is called what it is."""
    cells = cells_of(make_run())

    assert ("", "baseline") == wording.verdict_words(cells["tf-eager"])
    assert ("▲", "faster") == wording.verdict_words(cells["tf-function"])


def test_a_loop_that_could_not_run_is_unavailable_not_failed(make_run, make_failure, cells_of):
    """A framework that is not installed is no failure of the loop."""
    failure = make_failure(FailureKind.UNAVAILABLE, phase="start", message="JAX is not installed")
    cells = cells_of(make_run(failures={"tf-fit": failure}, failed_rounds=range(6)))

    assert ("-", "unavailable") == wording.verdict_words(cells["tf-fit"])
    assert "JAX is not installed" == wording.failure_text(cells["tf-fit"])


def test_a_loop_whose_turn_never_came_is_unavailable(make_run, cells_of):
    """An interrupted run says so, and blames nobody."""
    cells = cells_of(make_run(finished_rounds=0))

    assert ("-", "unavailable") == wording.verdict_words(cells["tf-fit"])
    assert "the run ended before its turn came" == wording.failure_text(cells["tf-fit"])


def test_a_failed_loop_says_how_often_and_where(make_run, make_failure, cells_of):
    """Number of processes, kind, phase and message, on one line."""
    failure = make_failure(FailureKind.TIMEOUT, phase="warm-up", message="no answer\nfor 600 s")
    cells = cells_of(make_run(failures={"tf-fit": failure}, failed_rounds=[4]))

    assert ("✖", "failed") == wording.verdict_words(cells["tf-fit"])
    assert "1 of 6 processes failed: timeout in warm-up: no answer for 600 s" == wording.failure_text(cells["tf-fit"])


def test_a_long_message_is_cut(make_run, make_failure, cells_of):
    """A page is no log file; the journal has the whole message."""
    cells = cells_of(make_run(failures={"tf-fit": make_failure(message="x" * 5000)}))

    text = wording.failure_text(cells["tf-fit"])

    assert text.endswith("xxx... (all of it in journal.jsonl)")
    assert len(text) < 400


def test_missing_numbers_read_not_available(make_run, make_failure, cells_of):
    """A loop without any finished process has neither time nor speed."""
    cell = cells_of(make_run(failures={"tf-fit": make_failure()}))["tf-fit"]

    assert "n/a" == wording.step_text(cell)
    assert "n/a" == wording.speed_text(cell)
    assert "n/a" == wording.break_even_text(cell)
    assert "n/a" == wording.width_text(None)


@pytest.mark.parametrize(
    ("half_width", "expected"),
    [(0.0213, "± 2.1 %"), (1.0, "± 100 %"), (6.44, "a factor of 7.4"), (1e9, "a factor over 11")],
)
def test_half_an_interval_is_per_cent_or_a_factor(half_width, expected):
    """Above a hundred per cent nobody knows what a percentage means."""
    assert expected == wording.width_text(half_width)


@pytest.mark.parametrize(
    ("break_even", "expected"),
    [
        (BreakEvenSteps(kind=BreakEven.AT_ONCE), "at once"),
        (BreakEvenSteps(kind=BreakEven.NEVER), "never"),
        (
            BreakEvenSteps(kind=BreakEven.AFTER, steps=23_417, low=20_000, high=30_040),
            "after 23,400 steps (20,000 to 30,000; 15.0 epochs)",
        ),
        (BreakEvenSteps(kind=BreakEven.UNTIL, steps=781), "until 781 steps (not bounded; 0.500 epochs)"),
        (None, "n/a"),
    ],
)
def test_break_even_is_given_in_steps_and_epochs(make_run, cells_of, break_even, expected):
    """Steps are what is measured, epochs what people train."""
    cell = replace(cells_of(make_run())["tf-function"], break_even=break_even)

    assert expected == wording.break_even_text(cell)


def test_break_even_without_the_length_of_an_epoch_is_in_steps(make_run, cells_of):
    """What is not known is left out."""
    after = BreakEvenSteps(kind=BreakEven.AFTER, steps=74)
    cell = cells_of(make_run())["tf-function"]
    cell = replace(cell, break_even=after, work=replace(cell.work, steps_per_epoch=None))

    assert "after 74 steps (not bounded)" == wording.break_even_text(cell)


def test_break_even_of_equal_speeds_is_unclear(make_run, cells_of):
    """Where two lines are nearly parallel their crossing may lie anywhere."""
    cells = cells_of(make_run(steps={"tf-eager": 1e-3, "tf-fit": 1e-3}, noise=0.001))

    assert Verdict.SAME == cells["tf-fit"].verdict
    assert "unclear" == wording.break_even_text(cells["tf-fit"])


@pytest.mark.parametrize(
    ("noise", "said"),
    [(0.01, "Size: within ± "), (0.25, "Size: within a factor of "), (2.0, "Size: not known within a factor of 11.")],
)
def test_how_sure_sizes_are_is_said_in_words_that_fit(make_run, noise, said):
    """Nobody can make anything of ± 644 %."""
    order, size = wording.certainty(summary.summarise(make_run(noise=noise, rounds=3)))

    assert order.startswith("Order: certain for ")
    assert size.startswith(said)
