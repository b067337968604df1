"""How large a slowdown the rounds of a gate could have confirmed."""

from dataclasses import replace

import pytest

from bench.gate import sensitivity
from bench.gate.listed import gone

ROW = replace(gone("my_loop", workload="w", budget=0.02, reason=""), verdict="unclear")


def test_few_noisy_rounds_say_what_they_could_not_have_seen():
    """A slowdown of 20 budgets could pass them."""
    noisy = replace(ROW, slowdown=0.0, low=-0.28, high=0.4)

    (said,) = sensitivity.remarks((noisy,), rounds=2)

    assert pytest.approx(0.428) == sensitivity.least_confirmed(noisy)
    assert said == (
        "my_loop: 2 rounds at this noise confirm no slowdown below 43 %, 21 budgets; "
        "more rounds or a quieter machine would"
    )


def test_without_an_interval_nothing_could_have_been_confirmed():
    """As after a single round that both sides finished, or where other work had the processor: that is told."""
    (said,) = sensitivity.remarks((replace(ROW, reason="too busy to tell"),), rounds=2)

    assert "my_loop: no slowdown could have been confirmed: too busy to tell" == said


@pytest.mark.parametrize("verdict", ["same", "slower", "new"])
def test_rounds_that_tell_enough_say_nothing(verdict):
    """Nor is anything said of a loop that was not compared, or that is slower."""
    high = 0.01 if verdict == "same" else 0.4
    row = replace(ROW, verdict=verdict, slowdown=0.0, low=-0.01, high=high)

    assert [] == list(sensitivity.remarks((row,), rounds=6))


def test_what_looks_left_open_says_what_would_decide_it():
    """And what they decided says nothing more."""
    left = replace(ROW, slowdown=0.0, low=-0.04, high=0.041, rounds=48, decidable=0.041)

    (said,) = sensitivity.remarks((left, replace(left, verdict="same")), rounds=6)

    assert said == (
        "my_loop: 48 rounds did not decide a budget of 2 %; one of 4.1 %, more time (--time-budget), more --rounds or "
        "a quieter machine would"
    )
