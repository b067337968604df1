"""Slowdowns that a project knows of and accepts for a time, with its reason: they stay in view and fail nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from bench.analysis.verdict import Verdict
from bench.gate.result import Anchored, GateResult, LoopVerdict
from bench.gate.settings import Accepted, Settings
from bench.sides import commit


def in_force(
    settings: Settings, *, today: date, base: str | None, folder: Path, environment: Mapping[str, str]
) -> tuple[Accepted, ...]:
    """Return the accepted slowdowns that have not ended.

    Args:
        settings: Of the head.
        today: An acceptance holds on its last day.
        base: The base's commit; None where it has none, and only a date ends anything.
        folder: Of the repository.
        environment: Git is run in it.

    Raises:
        UsageError: If a commit that ends one is not known here.
    """
    return tuple(
        one
        for one in settings.accept
        if not (one.until is not None and today > one.until)
        and not (
            one.until_commit is not None
            and base is not None
            and commit.contains(base, one.until_commit, folder=folder, environment=environment)
        )
    )


def ended(settings: Settings, *, holding: tuple[Accepted, ...]) -> Iterator[str]:
    """Yield a line for each acceptance that has ended, so that it is taken out."""
    for one in settings.accept:
        if one not in holding:
            yield f"note: {one.loop}: no longer {one}; take it out of [[tool.bench.gate.accept]]"


def apply(result: GateResult, *, holding: tuple[Accepted, ...], since_anchor: tuple[Accepted, ...] = ()) -> GateResult:
    """Return the result with what is accepted marked: a slowdown that is not shown to be beyond it.

    Args:
        result: Of what was measured.
        holding: What is accepted against the base.
        since_anchor: What is accepted against the anchor, which knows no commit that came after it.
    """
    return replace(
        result,
        loops=tuple(
            replace(
                _marked(row, holding=holding, loop=row.loop),
                anchor=None if row.anchor is None else _marked(row.anchor, holding=since_anchor, loop=row.loop),
            )
            for row in result.loops
        ),
    )


Slowdown = TypeVar("Slowdown", LoopVerdict, Anchored)


def _marked(found: Slowdown, *, holding: tuple[Accepted, ...], loop: str) -> Slowdown:
    """Return what is said of a loop with its acceptance, where it has one that is large enough."""
    for one in holding:
        if found.verdict == Verdict.SLOWER and one.loop == loop and found.low is not None and found.low <= one.up_to:
            return replace(found, accepted=str(one), reason=f"{found.reason}; {one}")
    return found
