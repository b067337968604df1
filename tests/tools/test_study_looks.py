"""What a gate that looks until it is decided promises, on noise that is known, as `tools/` simulates it."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))  # a plain script, as it is run
study = import_module("study_looks")
FEW = 60


def gates(name, *, spread, repetitions=FEW):
    """Return what gates of a case come to."""
    (case,) = (case for case in study.CASES if case.name.startswith(name))
    return study.gates(case, spread=spread, repetitions=repetitions, generator=np.random.default_rng(0))


@pytest.mark.parametrize("spread", [0.01, 0.02])
def test_unchanged_code_is_green_long_before_the_last_look(spread):
    """Where six rounds left nearly all of it unclear."""
    found = gates("unchanged", spread=spread)

    assert (0.0, 1.0) == (found.red, found.green)
    assert found.rounds < 20.0


@pytest.mark.parametrize(
    ("name", "spread", "least"), [("+3 %", 0.02, 0.78), ("+5 %", 0.05, 0.91), ("+10 %", 0.05, 0.99)]
)
def test_a_slowdown_is_found(name, spread, least):
    """As often as was promised."""
    assert gates(name, spread=spread).red >= least


def test_something_faster_is_green():
    """However restless the machine is."""
    assert 1.0 == gates("-5 %", spread=0.05).green


@pytest.mark.slow
@pytest.mark.parametrize("spread", study.SPREADS)
def test_at_the_edge_few_are_red(spread):
    """2.5 %, and what 4,000 gates may be off by."""
    assert gates("exactly", spread=spread, repetitions=4000).red < 0.025 + 3.0 * (0.025 / 4000) ** 0.5


def test_small_changes_that_add_up_are_red_with_an_anchor_and_hardly_without():
    """At the same noise."""
    settings = {"spread": 0.02, "repetitions": 20, "generator": np.random.default_rng(0)}

    without, anchored = (study.creep(anchored=anchored, **settings) for anchored in (False, True))

    assert anchored[0] > 0.95 > 0.5 > without[-1]  # noqa: PLR0133 - read from left to right
