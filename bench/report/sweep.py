"""What a sweep shows: time per sample against size, where loops meet, and a cost model to predict one's own case with.

Each size is a group of its own in the rest of the report; only here they stand side by side.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations, groupby
from math import sqrt

from bench import units
from bench.analysis import cost_model
from bench.analysis.cost_model import CostModel
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary, Group
from bench.report import wording

_MICROSECONDS = 1e6
_FEWEST_THAT_MEET = 2


class Quantity(StrEnum):
    """What was swept."""

    BATCH = "batch"
    WIDTH = "width"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One loop at one size."""

    size: int
    """Samples per step, or units of each hidden layer."""
    sample: Interval
    """Seconds per sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingLine:
    """The numbers of one loop."""

    loop: str
    """Display name."""
    points: tuple[Point, ...]
    """By ascending size."""
    model: CostModel | None
    """Seconds; None for a sweep of widths, and where no round has every size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingRow:
    """One loop in the table. Times in microseconds."""

    loop: str
    samples: tuple[str, ...]
    """Per sample, at each size of the sweep."""
    fixed: str
    """For each step, with its interval."""
    per_sample: str
    """For each sample, with its interval."""
    residual: str
    """The model's largest relative error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting:
    """Two loops that take the same time at some batch size."""

    small: str
    """The one that is faster below."""
    large: str
    """The one that is faster above."""
    batch_size: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingReport:
    """One sweep: cells that differ in the loop and in one size."""

    name: str
    """What all of them have in common, in words."""
    quantity: Quantity
    sizes: tuple[int, ...]
    """Ascending."""
    rows: tuple[ScalingRow, ...]
    """Fastest at the largest size first."""
    lines: tuple[ScalingLine, ...]
    """The numbers behind the rows, in the same order."""
    meetings: tuple[Meeting, ...]
    conclusions: tuple[str, ...]


def build(groups: Sequence[Group]) -> tuple[ScalingReport, ...]:
    """Return one report for each sweep of batch sizes, then one for each sweep of widths.

    Args:
        groups: Of a run; those that differ in the swept size alone belong together. One in which the machine was too
            busy to know all loops is left out, as nobody leads there.
    """
    groups = [group for group in groups if not any(cell.too_busy for cell in group.cells)]
    found = []
    for quantity in Quantity:
        sweeps: dict[tuple[object, ...], list[Group]] = {}
        for group in groups:
            sweeps.setdefault(_common(group, quantity), []).append(group)
        found += [_report(sweep, quantity=quantity) for sweep in sweeps.values() if len(_sizes(sweep, quantity)) > 1]
    return tuple(report for report in found if report.lines)


def plot_sentence(report: ScalingReport) -> str:
    """Return the numbers of the plot, for those who do not see it."""
    parts = [
        f"{line.loop} " + ", ".join(f"{_sample(point)} at {units.count(point.size)}" for point in line.points)
        for line in report.lines
    ]
    return f"Microseconds per sample by {report.quantity}: {'; '.join(parts)}."


def costs_text(model: CostModel | None) -> str:
    """Return a cost model in a few words."""
    if model is None:
        return units.NOT_AVAILABLE
    if not model.fits:
        return "no fit"
    return f"{_microseconds(model.fixed)} + {_microseconds(model.per_sample)} us"


def _common(group: Group, quantity: Quantity) -> tuple[object, ...]:
    """Return what the groups of a sweep share."""
    setting = group.setting
    return replace(setting, batch_size=0) if quantity is Quantity.BATCH else replace(setting, width=None), group.loop


def _size(group: Group, quantity: Quantity) -> int | None:
    """Return the size that is swept."""
    return group.setting.batch_size if quantity is Quantity.BATCH else group.setting.width


def _sizes(groups: Iterable[Group], quantity: Quantity) -> list[int]:
    """Return the known sizes, ascending."""
    return sorted({size for group in groups if (size := _size(group, quantity)) is not None})


def _report(groups: Sequence[Group], *, quantity: Quantity) -> ScalingReport:
    """Describe one sweep."""
    sizes = _sizes(groups, quantity)
    by_size = {size: _ranked(group for group in groups if _size(group, quantity) == size) for size in sizes}
    names = dict.fromkeys(cell.cell.name for size in reversed(sizes) for cell in by_size[size])
    lines = [_line(name, by_size=by_size, quantity=quantity) for name in names]
    # A loop of one size alone says nothing about scaling.
    lines = [line for line in lines if len(line.points) > 1]
    meetings = _meetings(lines)
    return ScalingReport(
        name=wording.setting_name(groups[0].setting, without="batch_size" if quantity is Quantity.BATCH else "width"),
        quantity=quantity,
        sizes=tuple(sizes),
        rows=tuple(_row(line, sizes=sizes) for line in lines),
        lines=tuple(lines),
        meetings=meetings,
        conclusions=(
            *_leaders(by_size, quantity=quantity),
            *_meeting_texts(meetings, lines=lines),
            *_no_meeting(lines, meetings=meetings, sizes=sizes, quantity=quantity),
            *_example(lines, sizes=sizes),
        ),
    )


def _ranked(groups: Iterable[Group]) -> list[CellSummary]:
    """Return the measured and valid cells, fastest first."""
    cells = (cell for group in groups for cell in group.cells if cell.is_ranked)
    return sorted((cell for cell in cells if cell.step is not None), key=lambda cell: cell.step.estimate)  # type: ignore[union-attr]


def _line(name: str, *, by_size: dict[int, list[CellSummary]], quantity: Quantity) -> ScalingLine:
    """Collect one loop's numbers."""
    cells = {size: cell for size, ranked in by_size.items() for cell in ranked if cell.cell.name == name}
    points = [
        Point(size=size, sample=_divided(cell.step, cell.cell.batch_size))
        for size, cell in cells.items()
        if cell.step is not None
    ]
    model = cost_model.fit({size: dict(cell.evidence) for size, cell in cells.items()})
    return ScalingLine(
        loop=wording.display_name(name),
        points=tuple(points),
        model=model if quantity is Quantity.BATCH else None,
    )


def _divided(interval: Interval, divisor: int) -> Interval:
    """Return the interval of a quotient."""
    return replace(
        interval,
        estimate=interval.estimate / divisor,
        low=None if interval.low is None else interval.low / divisor,
        high=None if interval.high is None else interval.high / divisor,
    )


def _row(line: ScalingLine, *, sizes: Sequence[int]) -> ScalingRow:
    """Format one loop."""
    at, model = {point.size: _sample(point) for point in line.points}, line.model
    usable = model is not None and model.fits
    return ScalingRow(
        loop=line.loop,
        samples=tuple(at.get(size, units.NOT_AVAILABLE) for size in sizes),
        fixed=_with_bounds(model.fixed) if model is not None and usable else units.NOT_AVAILABLE,
        per_sample=_with_bounds(model.per_sample) if model is not None and usable else units.NOT_AVAILABLE,
        residual=_residual(model),
    )


def _residual(model: CostModel | None) -> str:
    """Return how far off a cost model is where it was tested."""
    if model is None:
        return units.NOT_AVAILABLE
    if model.left_out_error is None:
        return "not tested"
    off = units.percent(model.left_out_error)
    return off if model.fits else f"does not fit: {off}"


def _meetings(lines: Sequence[ScalingLine]) -> tuple[Meeting, ...]:
    """Return every pair that is known to meet, smallest batch first."""
    found = []
    for first, second in combinations(lines, 2):
        if first.model is None or second.model is None:
            continue
        batch_size = cost_model.crossing(first.model, second.model)
        if batch_size is not None:
            small, large = sorted(
                (first, second), key=lambda line: line.model.per_sample.estimate if line.model else 0.0, reverse=True
            )
            found.append(Meeting(small=small.loop, large=large.loop, batch_size=batch_size))
    return tuple(sorted(found, key=lambda meeting: meeting.batch_size.estimate))


def _leaders(by_size: dict[int, list[CellSummary]], *, quantity: Quantity) -> tuple[str, ...]:
    """Return which loops are fastest at which sizes, in one sentence; nothing where no round can be compared."""
    leaders = []
    for size, cells in by_size.items():
        names = sorted(wording.display_name(cell.cell.name) for cell in cells if cell.rank == 1)
        if names:
            leaders.append((wording.alternatives(names), units.count(size)))
    parts = [
        f"{wording.listing([size for _, size in group])}: {names}"
        for names, group in groupby(leaders, key=lambda leader: leader[0])
    ]
    return (f"Fastest at {quantity} {f'; at {quantity} '.join(parts)}.",) if parts else ()


def _meeting_texts(meetings: Sequence[Meeting], *, lines: Sequence[ScalingLine]) -> tuple[str, ...]:
    """Return where the fastest loop changes, one sentence each, and how many other pairs meet."""
    changes = [meeting for meeting in meetings if _leads(meeting, lines=lines)]
    others = len(meetings) - len(changes)
    more = f"{others} other {'pair meets' if others == 1 else 'pairs meet'} as well; report.json has the sizes."
    return (*(_meeting_text(meeting) for meeting in changes), *((more,) if others else ()))


def _leads(meeting: Meeting, *, lines: Sequence[ScalingLine]) -> bool:
    """Whether no other loop's model is below the two where they meet."""
    models = {line.loop: line.model for line in lines if line.model is not None and line.model.fits}
    times = {loop: model.step_seconds(meeting.batch_size.estimate) for loop, model in models.items()}
    return min(times, key=lambda loop: times[loop]) in (meeting.small, meeting.large)


def _meeting_text(meeting: Meeting) -> str:
    """Return where two loops meet, in a sentence."""
    size, low, high = (
        units.about(None if value is None else round(value))
        for value in (meeting.batch_size.estimate, meeting.batch_size.low, meeting.batch_size.high)
    )
    return (
        f"{meeting.small} and {meeting.large} take the same time at about batch {size} (95 % interval {low} to {high}):"
        f" {meeting.small} is faster below it, {meeting.large} above."
    )


def _no_meeting(
    lines: Sequence[ScalingLine], *, meetings: Sequence[Meeting], sizes: Sequence[int], quantity: Quantity
) -> tuple[str, ...]:
    """Say that nothing is known to meet, or why nothing was looked for."""
    if quantity is Quantity.WIDTH:
        return ("No cost model is fitted over the width: the work does not grow in proportion to it.",)
    fitted = [line for line in lines if line.model is not None and line.model.fits]
    if meetings or len(fitted) < _FEWEST_THAT_MEET:
        return ()
    return (f"No two loops are known to meet between batch {units.count(sizes[0])} and {units.count(sizes[-1])}.",)


def _example(lines: Sequence[ScalingLine], *, sizes: Sequence[int]) -> tuple[str, ...]:
    """Return how to predict one's own case, with the fastest loop whose model fits."""
    model, loop = next(
        ((line.model, line.loop) for line in lines if line.model is not None and line.model.fits), (None, "")
    )
    if model is None or model.left_out_error is None:  # what was not tested predicts nothing
        return ()
    size = int(float(f"{sqrt(sizes[0] * sizes[-1]):.2g}"))
    sentence = (
        f"To predict your own case, add the fixed cost and so many times the cost per sample: at batch "
        f"{units.count(size)}, {loop} takes about {_microseconds(model.fixed)} us + {units.count(size)} x "
        f"{_microseconds(model.per_sample)} us = {units.duration(model.step_seconds(size))} per step."
    )
    return (sentence,)


def _sample(point: Point) -> str:
    """Return microseconds per sample with the digits that the interval supports."""
    return _microseconds(point.sample)


def _microseconds(interval: Interval) -> str:
    """Return a time in microseconds, the number alone."""
    half_width = None
    if interval.low is not None and interval.high is not None:
        half_width = (interval.high - interval.low) / 2.0 * _MICROSECONDS
    return units.number(interval.estimate * _MICROSECONDS, half_width=half_width)


def _with_bounds(interval: Interval) -> str:
    """Return a time in microseconds with its interval in brackets, where there is one."""
    text = _microseconds(interval)
    if interval.low is None or interval.high is None:
        return text
    low, high, estimate = (_MICROSECONDS * value for value in (interval.low, interval.high, interval.estimate))
    return f"{text} ({units.span(low, high, estimate=estimate)})"
