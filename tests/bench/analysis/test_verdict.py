"""Words for an interval: which verdict it supports, how many rounds would settle it, and what noise hides."""

from math import exp, log

import pytest

from bench.analysis import intervals, verdict
from bench.analysis.intervals import Interval
from bench.analysis.verdict import Verdict


def interval(low: float, high: float) -> Interval:
    """Return an interval over six rounds, its estimate in the middle of the log scale."""
    return Interval(estimate=(low * high) ** 0.5, low=low, high=high, count=6)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.03, 1.10, Verdict.FASTER),
        (0.90, 0.97, Verdict.SLOWER),
        (0.99, 1.01, Verdict.SAME),
        (0.99, 1.05, Verdict.UNCLEAR),
        (1.01, 1.10, Verdict.UNCLEAR),
        (0.50, 2.00, Verdict.UNCLEAR),
        (None, None, Verdict.UNCLEAR),
    ],
)
def test_verdict_needs_the_whole_interval_on_one_side_of_the_margin(low, high, expected):
    """Outside is a difference, inside is the same, anything else is unclear."""
    speed_up = Interval(estimate=1.0, low=low, high=high, count=6)

    assert expected is verdict.verdict(speed_up)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.90, 0.97, Verdict.SLOWER),
        (0.97, 0.99, Verdict.UNCLEAR),
        (0.99, 1.01, Verdict.SAME),
        (0.99, 1.50, Verdict.SAME),
        (1.03, 1.10, Verdict.FASTER),
        (None, None, Verdict.UNCLEAR),
    ],
)
def test_against_a_budget_only_slowness_counts(low, high, expected):
    """However much faster it may be, it is not slower than it may be."""
    speed_up = Interval(estimate=1.0, low=low, high=high, count=6)

    assert expected is verdict.against_budget(speed_up, budget=0.02)


@pytest.mark.parametrize("speed_up", [interval(1.01, 1.10), interval(0.98, 1.05), interval(0.80, 0.99)])
def test_the_promised_number_of_rounds_settles_the_verdict(speed_up):
    """An interval of the same spread over so many rounds is clear; over one fewer it is not."""
    rounds = verdict.rounds_to_settle(speed_up)
    assert rounds is not None

    def after(count: int) -> Verdict:
        spread = log(speed_up.high / speed_up.low) / 2 * 6**0.5 / intervals.stdtrit(5, 0.975)
        half = intervals.stdtrit(count - 1, 0.975) * spread / count**0.5
        centre = log(speed_up.estimate)
        return verdict.verdict(
            Interval(estimate=speed_up.estimate, low=exp(centre - half), high=exp(centre + half), count=count)
        )

    assert (Verdict.UNCLEAR, False) == (after(rounds - 1), after(rounds) is Verdict.UNCLEAR)


@pytest.mark.parametrize(
    "speed_up",
    [Interval(estimate=1.01, low=None, high=None, count=1), interval(0.5, 2.08), interval(1.02 / 1.3, 1.02 * 1.3)],
)
def test_no_number_of_rounds_is_promised_where_none_would_do(speed_up):
    """Without an interval, right on the edge of the margin, or beyond a thousand rounds there is no promise."""
    assert verdict.rounds_to_settle(speed_up, limit=200) is None


@pytest.mark.parametrize(
    ("estimate", "expected"), [(1.05, Verdict.UNCLEAR), (1.10, Verdict.FASTER), (1 / 1.05, Verdict.UNCLEAR)]
)
def test_a_difference_has_to_exceed_the_noise(estimate, expected):
    """Identical loops came to 6 % in this run."""
    speed_up = Interval(estimate=estimate, low=estimate * 0.99, high=estimate * 1.01, count=6)

    assert expected is verdict.verdict(speed_up, noise=0.06)


def test_a_wider_level_needs_more_rounds_to_settle():
    """An interval that is shown at Holm's level is settled at that level."""
    speed_up = interval(1.01, 1.10)

    assert verdict.rounds_to_settle(speed_up.at(0.995)) > verdict.rounds_to_settle(speed_up)
