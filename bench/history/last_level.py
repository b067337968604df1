"""The last level of each loop of a run, from the runs before it: what a gate holds it against."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log

from bench.errors import NothingComparable
from bench.history.segments import find_changes
from bench.history.series import Point, Series

FEWEST = 3
"""Runs that say how far runs of a machine are apart by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastLevel:
    """What runs before said about a loop; logarithms of multiples of the kernel's step, or of seconds."""

    series: Series
    level: float
    error: float
    """Standard error of the level."""
    spread: float
    """Standard deviation of one run about it."""
    runs: int
    """Behind the spread."""
    since: str
    """First run of the level, or the baseline."""
    head: Point


def last_levels(found: Sequence[Series], *, run: str, baseline: str | None) -> list[LastLevel]:
    """Return the last level of every series that a run ends, or a baseline's place in it.

    Only runs that measured the same thing count: machine, data, workload and kernel.

    Args:
        found: Series of any loops.
        run: The run that is judged.
        baseline: A run to hold it against, in place of the last level.

    Raises:
        NothingComparable: If the baseline measured something else or none of the loops.
    """
    levels = [level for series in found if (level := _of_series(series, run=run, baseline=baseline)) is not None]
    if baseline is not None and not levels:
        raise NothingComparable(f"{baseline} has no loop of {run} on the same machine, data and kernel")
    return levels


def runs_alike(found: Sequence[Series], *, run: str) -> int:
    """Return how many runs measured the same thing as this one, itself included: machine, data, workload and kernel."""
    alike = [
        sum(point.identity == own.identity for point in series.points)
        for series in found
        for own in series.points
        if own.run == run
    ]
    return max(alike, default=0)


def _of_series(series: Series, *, run: str, baseline: str | None) -> LastLevel | None:
    """Return the last level before a run; None where too few runs were alike."""
    place = next((number for number, point in enumerate(series.points) if point.run == run), None)
    if place is None:
        return None
    head = series.points[place]
    before = [point for point in series.points[:place] if point.identity == head.identity]
    if len(before) < FEWEST:
        return None
    course = find_changes(
        [log(point.value) for point in before],
        errors=[point.error for point in before],
        processes=[point.processes for point in before],
    )
    if baseline is not None:
        base = next((point for point in before if point.run == baseline), None)
        if base is None:
            return None
        error = base.error if isfinite(base.error) else course.spread
        level, since = log(base.value), baseline
        error = max(error, course.spread)
    else:
        last = course.levels[-1]
        level, since = log(last.typical.estimate), before[last.start].run
        error = _error(last.typical.low, last.typical.high)
    return LastLevel(
        series=series, level=level, error=error, spread=course.spread, runs=len(before), since=since, head=head
    )


def _error(low: float | None, high: float | None) -> float:
    """Return about the standard error of a level, from its interval."""
    assert low is not None  # levels always have bounds
    assert high is not None
    return log(high / low) / 2.0 / _TWO_SIDED


_TWO_SIDED = 1.96
