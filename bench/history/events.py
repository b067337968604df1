"""What happened in a history: changes of one loop, of all loops of a machine alike, slow creep, and breaks.

judge    every series with its levels, and what happened to it
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import pairwise
from math import exp, log, sqrt
from pathlib import Path

import msgspec
import numpy as np

from bench import units
from bench.analysis import between
from bench.analysis.intervals import Interval
from bench.analysis.two_runs import FEWEST_ALIKE
from bench.history import creep, noise, segments
from bench.history.index import Index
from bench.history.segments import Course, Level, Step
from bench.history.series import IDENTITY, Point, Series
from bench.text import display_name

_FAR, _TWO_SIDED = 3.0, 1.96
"""Standard errors that a loop may be from the others and still move alike, and those of a 95 % interval."""

_NEARBY = 20
"""Runs on either side that say whether a loop without a change of its own moved with the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """All loops that were measured moved alike: that is the machine, or something that all of them share."""

    loops: tuple[str, ...]
    """Those whose own change was found, sorted."""
    ratio: Interval
    """Of all of them together; `count` is their number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A change that holds."""

    number: int
    """Within its series, from 1, oldest first."""
    place: int
    """Index of the first point on the new level, or in the creep."""
    earliest: int
    latest: int
    ratio: Interval
    """After over before: 1.05 takes 5 % longer. Of a creep, its end over its beginning."""
    per_run: Interval | None
    """Of a creep: each run over the one before."""
    alike: Alike | None
    """Set where all loops of the machine moved alike at this time: one thing that happened, and not one per loop."""
    changed: tuple[str, ...]
    """What else changed there, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """From here on another thing is measured."""

    place: int
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A series, its levels and what happened to it."""

    series: Series
    levels: tuple[Level, ...]
    """Values of the series, not yet in seconds."""
    events: tuple[Event, ...]
    breaks: tuple[Break, ...]
    spread: float
    """Typical standard deviation of a run about its level, relative."""
    lone: tuple[int, ...]

    @property
    def last_change(self) -> Event | None:
        """The newest event, if no break came after it."""
        start = max((one.place for one in self.breaks), default=0)
        return next((event for event in reversed(self.events) if event.place >= start), None)


def judge(index: Index, found: Sequence[Series], *, margin: float = segments.LEAST_CHANGE) -> list[Judged]:
    """Return what happened to each series; answers are kept in the index, so the same runs are judged once.

    Args:
        index: Where answers are kept, and passports are found.
        found: Series of any machines.
        margin: Smallest relative change that matters.
    """
    judged = [_judged(index, one, margin=margin) for one in found]
    by_machine: defaultdict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(judged):
        by_machine[one.series.machine].append(place)
    for places in by_machine.values():
        for place, one in zip(places, _with_alike([judged[place] for place in places]), strict=True):
            judged[place] = one
    return _with_facts(index, judged)


def _judged(index: Index, series: Series, *, margin: float) -> Judged:
    """Judge each stretch between breaks by itself."""
    bounds = [0, *series.breaks, len(series.points)]
    levels: list[Level] = []
    events: list[Event] = []
    lone: list[int] = []
    spreads = []
    for start, stop in pairwise(bounds):
        course = _course(index, series.points[start:stop], margin=margin)
        levels += [replace(one, start=one.start + start, stop=one.stop + start) for one in course.levels]
        lone += [place + start for place in course.lone]
        spreads.append(course.spread)
        events += [
            replace(event, place=event.place + start, earliest=event.earliest + start, latest=event.latest + start)
            for event in _events(series.points[start:stop], course)
        ]
    return Judged(
        series=series,
        levels=tuple(levels),
        events=tuple(replace(event, number=number) for number, event in enumerate(events, start=1)),
        breaks=tuple(Break(place=place, what=_what_broke(series, place)) for place in series.breaks),
        spread=spreads[-1],
        lone=tuple(lone),
    )


def _course(index: Index, points: Sequence[Point], *, margin: float) -> Course:
    """Find changes, or recall what was found in the same numbers."""
    values = np.log([point.value for point in points])
    errors = np.array([point.error for point in points])
    processes = np.array([point.processes for point in points], dtype=np.int64)
    digest = sha256(f"{margin}".encode())
    for source in (segments.__file__, noise.__file__, between.__file__):
        digest.update(Path(str(source)).read_bytes())
    for numbers in (values, errors, processes):
        digest.update(numbers.tobytes())
    question = digest.hexdigest()
    known = index.recall(question)
    if known is not None:
        return msgspec.json.decode(known, type=Course)
    course = segments.find_changes(values.tolist(), errors=errors.tolist(), processes=processes.tolist(), margin=margin)
    index.keep(question, msgspec.json.encode(course).decode())
    return course


def _events(points: Sequence[Point], course: Course) -> list[Event]:
    """Return steps, those that a slow creep explains better as one creep."""
    values = np.log([point.value for point in points])
    errors = np.array([point.error for point in points])
    processes = np.array([float(point.processes) for point in points])
    spread = noise.spreads(values, errors=errors, processes=processes) if course.steps else values
    found: list[Event] = []
    for steps in creep.staircases(course.steps):
        slope = creep.fitted(values, spread=spread, course=course, steps=steps) if len(steps) > 1 else None
        if slope is None:
            found += [_of_step(step) for step in steps]
        else:
            found.append(
                Event(
                    number=0,
                    place=slope.start,
                    earliest=slope.start,
                    latest=slope.stop,
                    ratio=slope.total,
                    per_run=slope.per_run,
                    alike=None,
                    changed=(),
                )
            )
    return found


def _of_step(step: Step) -> Event:
    """Return a step as an event."""
    return Event(
        number=0,
        place=step.place,
        earliest=step.earliest,
        latest=step.latest,
        ratio=step.ratio,
        per_run=None,
        alike=None,
        changed=(),
    )


def _what_broke(series: Series, place: int) -> str:
    """Return in words what is another one from a point on."""
    pairs = zip(IDENTITY, series.points[place - 1].identity, series.points[place].identity, strict=True)
    return " and ".join(what for what, before, after in pairs if before != after)


def _with_alike(judged: Sequence[Judged]) -> list[Judged]:
    """Name the loops that moved alike where all that were measured then did."""
    steps = [(place, event) for place, one in enumerate(judged) for event in one.events if event.per_run is None]
    steps.sort(key=lambda step: judged[step[0]].series.points[step[1].place].started)
    alike: dict[tuple[int, int], Alike] = {}
    for place, event in steps:
        if (place, event.number) in alike:
            continue
        together = [
            (other, another)
            for other, another in steps
            if (other, another.number) not in alike and _same_time(judged[place], event, judged[other], another)
        ]
        middle = float(np.median([log(another.ratio.estimate) for _, another in together]))
        moved = [step for step in together if abs(log(step[1].ratio.estimate) - middle) <= _FAR * _error(step[1].ratio)]
        loops = tuple(sorted({judged[other].series.loop for other, _ in moved}))
        when = judged[place].series.points[event.place].started
        rest = [one for other, one in enumerate(judged) if other not in {other for other, _ in moved}]
        if len(loops) >= FEWEST_ALIKE and all(_may_have_moved(one, when=when, ratio=exp(middle)) for one in rest):
            shared = Alike(loops=loops, ratio=_together([another.ratio for _, another in moved]))
            alike |= {(other, another.number): shared for other, another in moved}
    return [
        replace(one, events=tuple(replace(event, alike=alike.get((place, event.number))) for event in one.events))
        for place, one in enumerate(judged)
    ]


def _same_time(one: Judged, event: Event, other: Judged, another: Event) -> bool:
    """Whether two steps may have happened between the same two runs, give or take a run."""

    def span(judged: Judged, event: Event) -> tuple[datetime, datetime]:
        points = judged.series.points
        return points[max(0, event.earliest - 2)].started, points[min(len(points) - 1, event.latest + 1)].started

    (first, last), (start, stop) = span(one, event), span(other, another)
    return first < stop and start < last


def _error(ratio: Interval) -> float:
    """Return about the standard error of a ratio's logarithm."""
    return 1.0 if ratio.low is None or ratio.high is None else log(ratio.high / ratio.low) / (2.0 * _TWO_SIDED)


def _together(ratios: Sequence[Interval]) -> Interval:
    """Return the weighted mean of ratios, wider where they scatter more than their intervals say."""
    logarithms, weights = (np.array([f(one) for one in ratios]) for f in (_logarithm, _weight))
    middle = float(np.average(logarithms, weights=weights))
    scale = max(1.0, float((weights * (logarithms - middle) ** 2).sum()) / (len(ratios) - 1))
    reach = _TWO_SIDED * sqrt(scale / float(weights.sum()))
    low, estimate, high = exp(middle - reach), exp(middle), exp(middle + reach)
    return Interval(estimate=estimate, low=low, high=high, count=len(ratios))


def _logarithm(ratio: Interval) -> float:
    """Return the logarithm of a ratio."""
    return log(ratio.estimate)


def _weight(ratio: Interval) -> float:
    """Return what a ratio weighs in a mean."""
    return 1.0 / _error(ratio) ** 2


def _may_have_moved(judged: Judged, *, when: datetime, ratio: float) -> bool:
    """Whether a loop without a change of its own could have moved with the others: too few runs, or too noisy."""
    points = judged.series.points
    place = next((number for number, point in enumerate(points) if point.started >= when), len(points))
    level = next((one for one in judged.levels if one.start < place < one.stop), None)
    if level is None:
        return True  # measured on one side of it only, or it changed there in its own way, which is an event
    before, after = points[max(level.start, place - _NEARBY) : place], points[place : min(level.stop, place + _NEARBY)]
    moved = float(np.mean([log(point.value) for point in after]) - np.mean([log(point.value) for point in before]))
    error = judged.spread * sqrt(1.0 / len(before) + 1.0 / len(after))
    return abs(moved - log(ratio)) <= _TWO_SIDED * error


def _with_facts(index: Index, judged: Sequence[Judged]) -> list[Judged]:
    """Say what else changed where something changed, from versions, commits and passports."""
    runs = {one.series.points[place].run for one in judged for event in one.events for place in _around(event)}
    passports = {
        run: msgspec.json.decode(text, type=dict[str, str])
        for run, text in (
            index.rows("SELECT run, passport FROM run_rows WHERE list_contains(?, run)", [sorted(runs)]) if runs else ()
        )
    }
    return [
        replace(
            one,
            events=tuple(
                replace(event, changed=tuple(_changed(one.series, event, passports=passports))) for event in one.events
            ),
        )
        for one in judged
    ]


def _around(event: Event) -> tuple[int, int]:
    """Return the last point that is certainly before a change, and the first that is certainly after it."""
    return (max(0, event.earliest - 1), event.latest)


_PASSING = ("cpu frequency", "memory available", "swap used", "load average", "steal time", "git ", "project ", "tool ")
_PASSING_ENDS = (" version", "SM clock MHz", "temperature Celsius")
"""Facts of the passport that are never the same, or that stand elsewhere."""
_SHORT = 10


def _changed(series: Series, event: Event, *, passports: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    """Yield what is not the same before and after, in words: versions, commits, the loop's source, the passport."""
    before, after = (series.points[place] for place in _around(event))
    yield from _differences(_versions(before), _versions(after))
    hashes = [
        {"commit": one.commit, "commit of bench": one.tool_commit, "source of the loop": one.loop_sha256}
        for one in (before, after)
    ]
    known = [name for name in hashes[0] if hashes[0][name] and hashes[1][name]]
    yield from _differences(*({name: (one[name] or "")[:_SHORT] for name in known} for one in hashes))
    facts = [
        {
            name: value
            for name, value in passports.get(point.run, {}).items()
            if not name.startswith(_PASSING) and not name.endswith(_PASSING_ENDS)
        }
        for point in (before, after)
    ]
    yield from _differences(*facts)


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[str]:
    """Yield what two sets of facts do not have in common."""
    for name in sorted({*before, *after}):
        old, new = (facts.get(name, units.NOT_AVAILABLE) for facts in (before, after))
        if old != new:
            yield display_name(f"{name} {old} to {new}")


def _versions(point: Point) -> dict[str, str]:
    """Return package -> version."""
    pairs = (part.partition(" ") for part in point.versions.split(", "))
    return {name: version for name, _, version in pairs if version}
