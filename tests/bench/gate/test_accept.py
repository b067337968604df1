"""Slowdowns that are accepted for a time."""

import os
from dataclasses import replace
from datetime import date

import pytest

from bench.errors import UsageError
from bench.gate import accept
from bench.gate.listed import gone
from bench.gate.result import Anchored, Outcome
from bench.gate.settings import Accepted, Settings
from bench.gate.verdict_file import ended

KNOWN = Accepted(loop="my_loop", up_to=0.4, reason="checks its input now", until=date(2026, 12, 24))
ROW = gone("my_loop", workload="mnist-mlp", budget=0.2, reason="30 % slower")


def in_force(one, *, today=date(2026, 12, 1), base=None, folder=None):
    """Return whether an acceptance holds."""
    found = accept.in_force(
        Settings(accept=(one,)), today=today, base=base, folder=folder, environment=dict(os.environ)
    )
    return found == (one,)


def test_an_acceptance_holds_until_its_last_day():
    """And is named afterwards, so that somebody takes it out."""
    settings = Settings(accept=(KNOWN,))

    assert [True, True, False] == [in_force(KNOWN, today=date(2026, 12, day)) for day in (1, 24, 25)]
    (line,) = accept.ended(settings, holding=())
    assert line.startswith(
        "note: my_loop: no longer up to 40 % accepted until 2026-12-24: checks its input now; take it"
    )


def test_an_acceptance_ends_once_the_base_has_the_commit(tmp_path, make_repository):
    """From then on both sides are as slow."""
    repository = make_repository(tmp_path / "project")
    before, slow, after = (repository.commit(name, {"a.txt": name}) for name in ("before", "slow", "after"))
    known = replace(KNOWN, until=None, until_commit=slow)

    held = [in_force(known, base=base, folder=repository.folder) for base in (before, slow, after)]

    assert [True, False, False] == held
    with pytest.raises(UsageError, match="is 'nowhere' a commit here"):
        in_force(replace(known, until_commit="nowhere"), base=after, folder=repository.folder)


@pytest.mark.parametrize(
    ("verdict", "low", "loop", "accepted"),
    [
        ("slower", 0.25, "my_loop", True),
        ("slower", 0.41, "my_loop", False),
        ("slower", 0.25, "other", False),
        ("same", -0.01, "my_loop", False),
    ],
)
def test_a_slowdown_that_is_not_shown_to_be_beyond_what_is_accepted_is_marked(verdict, low, loop, accepted):
    """Its word stays: it is slower."""
    result = replace(
        ended(Outcome.PASSED, exit_code=0, reason=""), loops=(replace(ROW, verdict=verdict, low=low, loop=loop),)
    )

    (row,) = accept.apply(result, holding=(KNOWN,)).loops

    assert (accepted, verdict) == (row.accepted is not None, row.verdict)
    assert accepted == ("checks its input now" in row.reason)


@pytest.mark.parametrize(("low", "accepted"), [(0.25, True), (0.41, False)])
def test_what_is_accepted_against_the_anchor_is_marked_there(low, accepted):
    """Once the base has the change as well, only the anchor is slower than it."""
    since = Anchored(verdict="slower", slowdown=0.5, low=low, high=0.6, budget=0.04, rounds=6, reason="slower")
    row = replace(ROW, verdict="same", anchor=since)
    result = replace(ended(Outcome.PASSED, exit_code=0, reason=""), loops=(row,))

    (found,) = accept.apply(result, holding=(), since_anchor=(KNOWN,)).loops

    assert (None, accepted) == (found.accepted, found.anchor.accepted is not None)
    assert result == accept.apply(result, holding=(KNOWN,))
