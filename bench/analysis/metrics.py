"""Metrics of timed processes by name, and which loops end with others than those that trained about as long.

A user's workload has no curve of a reference that timed processes could be held against, as `bench.analysis.band` has.
Its loops are each other's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

REACH = 1.5
"""Up to which ratio of steps two loops count as trained about as long."""

TOLERANCE = 0.12
"""How far a metric may be from those of such loops, as on the track `guide`; of what is above 1, a share of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """A loop whose validation metric is not what the others' is."""

    loop: str
    metric: str
    value: float
    steps: int
    others: tuple[float, float]
    """Lowest and highest of the loops that trained about as long."""


def medians(shown: Iterable[tuple[Mapping[str, float | None], float | None, str | None]]) -> dict[str, float]:
    """Return the median of each metric over processes.

    Args:
        shown: Per process, its metrics by name, or else the one that it knows and what that is called.
    """
    by_name: dict[str, list[float]] = {}
    for named, only, name in shown:
        for key, value in (named or {name or "metric": only}).items():
            if value is not None:
                by_name.setdefault(key, []).append(value)
    return {name: median(values) for name, values in by_name.items()}


def apart(ended: Sequence[tuple[str, int, Mapping[str, float]]]) -> list[Apart]:
    """Return the loops whose metrics part from those of all others that trained about as long.

    Args:
        ended: Loop, steps that it trained, and its validation metrics then.
    """
    return [
        one for loop, steps, metrics in ended for name in metrics if (one := _apart(loop, name, steps, ended=ended))
    ]


def _apart(loop: str, name: str, steps: int, *, ended: Sequence[tuple[str, int, Mapping[str, float]]]) -> Apart | None:
    """Return how one metric of a loop parts from the others'; None where it does not, or nobody trained as long."""
    values = {other: found[name] for other, done, found in ended if name in found and _alike(steps, done)}
    value = values.pop(loop)
    if not values:
        return None
    low, high = min(values.values()), max(values.values())
    allowed = TOLERANCE * max(1.0, abs(value), abs(low), abs(high))
    if low - allowed <= value <= high + allowed:
        return None
    return Apart(loop=loop, metric=name, value=value, steps=steps, others=(low, high))


def _alike(steps: int, others: int) -> bool:
    """Whether two loops trained about as long."""
    return max(steps, others) <= REACH * min(steps, others)
