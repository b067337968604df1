"""Two stored runs, baseline first: which loops became faster or slower, and what differs between the runs besides.

Rounds of different runs are not paired: between two sessions the machine may have changed its speed, which no number of
rounds in either tells. So each run measures a kernel in every round, and steps are compared as multiples of its step.
What is found here is put into words in `bench/report/changes.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from math import exp, hypot, log, log1p
from statistics import fmean, median
from typing import Literal

from bench.analysis import holm, sessions
from bench.analysis import intervals as estimates
from bench.analysis import verdict as deciding
from bench.analysis.differences import MACHINE, VARIABLE, Difference, collate_finished, differences, of_frameworks
from bench.analysis.intervals import Interval, UnpairedInterval
from bench.analysis.judgement import Condition, judge
from bench.analysis.sessions import FEWEST_ROUNDS, Sessions, kernel_facts, kernel_steps
from bench.analysis.summary import CellSummary, Group, paired_intervals, summarise
from bench.analysis.verdict import Verdict
from bench.records.cell import Cell
from bench.records.stored_run import Run
from bench.units import Seconds

FEWEST_ALIKE = 3
"""Loops that have to move alike before that is said; two may have a framework in common."""

APART = 0.05
"""Ceilings differ when memory and arithmetic moved apart by more than this from one run to the other."""


class DoubtKind(StrEnum):
    """Why the kernel cannot tell how fast the machine was in one run against the other."""

    NO_KERNEL = "no-kernel"
    """`Doubt.named` says in which runs: "base", "new"."""
    OTHER_CONDITIONS = "other-conditions"
    """The kernel itself ran under others, which are named."""
    OTHER_MACHINE = "other-machine"
    """Its facts are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Why raw times decide."""

    kind: DoubtKind
    named: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What two runs say about one loop."""

    cell: Cell
    verdict: Verdict
    base: CellSummary | None
    """None where that run does not plan it."""
    new: CellSummary | None
    decided_by: Literal["calibrated", "raw"] | None
    speed_up: Interval | None
    """Of the times that decide: base / new, above 1 is faster; at a level at which all rows hold together."""
    calibrated: Interval | None
    """Steps as multiples of the kernel's step in the same round; None where a run lacks them."""
    raw: Interval | None
    """Steps in seconds."""
    rounds_to_settle: int | None
    """For `unclear`: rounds in either run that would settle it, if the spread stays."""

    @property
    def base_step(self) -> Interval | None:
        """Seconds per step in the base."""
        return None if self.base is None else self.base.step

    @property
    def new_step(self) -> Interval | None:
        """Seconds per step in the new run."""
        return None if self.new is None else self.new.step


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What two runs say about one another."""

    base: str
    """Run id."""
    new: str
    margin: float
    """Smallest relative difference that matters, but for loops with one of their own."""
    differences: tuple[Difference, ...]
    """Mismatches first, then what may have been changed on purpose, then circumstances."""
    doubt: Doubt | None
    """None where the kernel tells how fast the machine was."""
    machine: Interval | None
    """How many times faster the kernel ran in the new run; None where its times cannot be compared."""
    noise: float | None
    """The largest that identical loops differed by in either run."""
    rows: tuple[Row, ...]
    """Slower first, then unclear, faster, same, and what has no numbers."""
    incomplete: tuple[Literal["base", "new"], ...]
    """Runs that lack trials."""
    paired_half_width: float | None
    """Median relative half-width of the intervals between loops inside the runs, where rounds are paired."""
    alike: float | None
    """How many times faster all loops became, where they moved alike; then it is nothing that one loop did."""
    apart: Sessions = sessions.UNKNOWN
    """What two sessions differ by, which the intervals count."""

    @property
    def mismatches(self) -> tuple[Difference, ...]:
        """The differences that forbid a comparison."""
        return tuple(difference for difference in self.differences if difference.mismatch)


def compare_runs(
    base: Run,
    new: Run,
    *,
    margin: float = deciding.MARGIN,
    margins: Mapping[str, float] | None = None,
    apart: Sessions = sessions.UNKNOWN,
) -> Comparison:
    """Compare a run with one other, see `compare_with`."""
    (only,) = compare_with(base, [new], margin=margin, margins=margins, apart=apart)
    return only


def compare_with(
    base: Run,
    others: Sequence[Run],
    *,
    margin: float = deciding.MARGIN,
    margins: Mapping[str, float] | None = None,
    apart: Sessions = sessions.UNKNOWN,
) -> list[Comparison]:
    """Compare every loop that a run has in common with others, and name those that only one has.

    All verdicts hold together: the more runs there are, the more each pair has to prove.

    A pair is decided by calibrated times where both runs have a kernel that was the same and that tells how fast the
    device was, otherwise by raw times, whose interval knows nothing of a machine at another speed.

    Args:
        base: The baseline.
        others: What is compared with it.
        margin: Smallest relative difference that matters.
        margins: Loop -> its own margin, where it is not that.
        apart: What two sessions of this machine differ by.

    Returns:
        One for each of the others.
    """
    groups = [summarise(run) for run in (base, *others)]
    doubts = []
    pairs: list[list[_Pair]] = []
    for new, of_new in zip(others, groups[1:], strict=True):
        before, after = _by_cell(base, groups[0]), _by_cell(new, of_new)
        found = differences(base, new, cells=[cell for cell in before if cell in after])
        doubts.append((found, _doubt(base, new, found=found)))
        kernels = None if doubts[-1][1] else (kernel_steps(base), kernel_steps(new))
        every = [
            _pair(
                cell,
                found=(before.get(cell), after.get(cell)),
                kernels=kernels,
                tilt=_tilt(base, new, cell=cell),
                apart=apart,
            )
            for cell in dict.fromkeys([*before, *after])
        ]
        pairs.append([one for one in every if {one.base_condition, one.new_condition} != {Condition.ABSENT}])
    edges = [[(margins or {}).get(pair.cell.loop, margin) for pair in of_new] for of_new in pairs]
    shown = iter(holm.simultaneous([pair.deciding for of_new in pairs for pair in of_new], margins=list(chain(*edges))))
    comparisons = []
    for place, new in enumerate(others):
        of_both = (*groups[0], *groups[place + 1])
        noise = max((group.noise.relative for group in of_both if group.noise is not None), default=None)
        rows = [
            _row(pair, speed_up=next(shown), margin=edge, noise=noise)
            for pair, edge in zip(pairs[place], edges[place], strict=True)
        ]
        found, doubt = doubts[place]
        comparison = _comparison(base, new, found=found, doubt=doubt, rows=rows, margin=margin, noise=noise)
        comparisons.append(replace(comparison, apart=apart))
    return comparisons


def _comparison(
    base: Run,
    new: Run,
    *,
    found: tuple[Difference, ...],
    doubt: Doubt | None,
    rows: Sequence[Row],
    margin: float,
    noise: float | None,
) -> Comparison:
    """Put together what two runs say about one another."""
    kernels = kernel_steps(base), kernel_steps(new)
    return Comparison(
        base=base.header.run_id,
        new=new.header.run_id,
        margin=margin,
        differences=found,
        doubt=doubt,
        machine=None if doubt else estimates.unpaired_ratio_interval(*map(_values, kernels)),
        noise=noise,
        rows=tuple(sorted(rows, key=_place)),
        incomplete=tuple(name for name, run in _named(base, new).items() if not run.complete),
        paired_half_width=median_half_width(interval for run in (base, new) for interval in paired_intervals(run)),
        alike=_alike(rows, margin=margin),
    )


def _alike(rows: Iterable[Row], *, margin: float) -> float | None:
    """Return how many times faster all loops became, if that is more than the margin and the same for all of them.

    It is the same where each loop's interval at the usual level reaches within the margin of their mean.
    """
    found = [row.speed_up.at(estimates.CONFIDENCE) for row in rows if row.speed_up is not None]
    if len(found) < FEWEST_ALIKE:
        return None
    common = fmean(log(one.estimate) for one in found)
    near = log1p(margin)
    if abs(common) <= near or any(one.low is None or one.high is None for one in found):
        return None
    alike = all(log(one.low or 1.0) - near <= common <= log(one.high or 1.0) + near for one in found)
    beyond = sum(log(one.low or 1.0) > 0.0 if common > 0.0 else log(one.high or 1.0) < 0.0 for one in found)
    return exp(common) if alike and 2 * beyond > len(found) else None


def median_half_width(intervals: Iterable[Interval | None]) -> float | None:
    """Return the median relative half-width of those that have one, at the usual level."""
    widths = [one.at(estimates.CONFIDENCE).relative_half_width for one in intervals if one is not None]
    known = [width for width in widths if width is not None]
    return median(known) if known else None


def _named(base: Run, new: Run) -> dict[Literal["base", "new"], Run]:
    """Return both runs by what they are called."""
    return {"base": base, "new": new}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """One cell in both runs; None where a run does not plan it."""

    cell: Cell
    base: CellSummary | None
    new: CellSummary | None
    raw: UnpairedInterval | None = None
    calibrated: UnpairedInterval | None = None
    trusted: bool = False
    """Whether calibrated times decide."""

    @property
    def base_condition(self) -> Condition:
        """What became of it in the base."""
        return Condition.ABSENT if self.base is None else self.base.condition

    @property
    def new_condition(self) -> Condition:
        """What became of it in the new run."""
        return Condition.ABSENT if self.new is None else self.new.condition

    @property
    def deciding(self) -> UnpairedInterval | None:
        """The comparison that gives the verdict."""
        return self.calibrated if self.trusted else self.raw


def _by_cell(run: Run, groups: Iterable[Group]) -> dict[Cell, CellSummary]:
    """Return what each cell's trials say together, in the order of the plan, without cells that repeat another one."""
    found = {summary.cell: summary for group in groups for summary in group.cells}
    return {cell: found[cell] for cell in run.header.plan.cells if cell in found}


def _values(steps: Mapping[int, Seconds]) -> list[Seconds]:
    """Return the times in the order of rounds."""
    return [seconds for _, seconds in sorted(steps.items())]


def _pair(
    cell: Cell,
    *,
    found: tuple[CellSummary | None, CellSummary | None],
    kernels: tuple[Mapping[int, Seconds], Mapping[int, Seconds]] | None,
    tilt: float,
    apart: Sessions,
) -> _Pair:
    """Compare one cell, raw and, where there are kernels to calibrate with, calibrated, at the usual level.

    The kernel is arithmetic. Where memory moved otherwise, a loop lies between the two, who knows where: the estimate
    is put in the middle, and half the way to either side counts as one more standard deviation.
    """
    base, new = found
    pair = _Pair(cell=cell, base=base, new=new)
    if base is None or new is None or {pair.base_condition, pair.new_condition} != {Condition.SOUND}:
        return pair
    steps = base.evidence, new.evidence
    shares = [
        {number: seconds / kernel[number] for number, seconds in times.items() if number in kernel}
        for times, kernel in zip(steps, kernels or ({}, {}), strict=True)
    ]
    calibrated = all(len(share) >= FEWEST_ROUNDS for share in shares)
    return _Pair(
        cell=cell,
        base=base,
        new=new,
        raw=_unpaired(steps, apart=apart),
        calibrated=_unpaired(shares, apart=apart, tilt=tilt) if calibrated else None,
        trusted=calibrated and cell.device == "cpu",
    )


def _unpaired(times: Sequence[Mapping[int, float]], *, apart: Sessions, tilt: float = 0.0) -> UnpairedInterval | None:
    """Return the interval of the new run's times against the base's, with memory at another speed than arithmetic."""
    base, new = map(_values, times)
    return estimates.unpaired_ratio_interval(
        base,
        [value * exp(tilt / 2.0) for value in new],
        session=hypot(apart.deviation, tilt / 2.0),
        session_freedom=apart.freedom,
    )


def _tilt(base: Run, new: Run, *, cell: Cell) -> float:
    """Return the logarithm of how much faster memory became than arithmetic, by both runs' ceilings; 0 if hardly.

    So many times longer is a step that only moves memory, as a multiple of the kernel's, where nothing changed.
    """
    before, after = base.least_step_of(cell), new.least_step_of(cell)
    if before is None or after is None or before.threads != after.threads:
        return 0.0
    memory = after.bytes_per_second / before.bytes_per_second
    arithmetic = after.operations_per_second / before.operations_per_second
    apart = log(memory / arithmetic)
    return apart if abs(apart) > log1p(APART) else 0.0


def _doubt(base: Run, new: Run, *, found: Iterable[Difference]) -> Doubt | None:
    """Return why the kernel cannot tell how fast the machine was in one run against the other, or None if it can."""
    missing = [name for name, run in _named(base, new).items() if len(kernel_steps(run)) < FEWEST_ROUNDS]
    if missing:
        return Doubt(kind=DoubtKind.NO_KERNEL, named=tuple(missing))
    facts = [collate_finished(run.calibration, kernel_facts) for run in (base, new)]
    changed = [
        f"{what} {facts[0].get(what)} against {value}"
        for what, value in facts[1].items()
        if facts[0].get(what) != value
    ]
    changed += [one.what for one in found if one.what.startswith(VARIABLE) and not of_frameworks(one.what)]
    if changed:
        return Doubt(kind=DoubtKind.OTHER_CONDITIONS, named=tuple(changed))
    machine = [one.what for one in found if one.what in MACHINE]
    return Doubt(kind=DoubtKind.OTHER_MACHINE, named=tuple(machine)) if machine else None


def _row(pair: _Pair, *, speed_up: Interval | None, margin: float, noise: float | None) -> Row:
    """Judge one pair."""
    judged = judge(
        speed_up,
        base=pair.base_condition,
        new=pair.new_condition,
        margin=margin,
        noise=noise,
    )
    settle = None
    if judged.verdict is Verdict.UNCLEAR and speed_up is not None:
        settle = deciding.rounds_to_settle(speed_up, margin=margin)
    return Row(
        cell=pair.cell,
        verdict=judged.verdict,
        base=pair.base,
        new=pair.new,
        decided_by=None if judged.speed_up is None else "calibrated" if pair.trusted else "raw",
        speed_up=judged.speed_up,
        calibrated=pair.calibrated,
        raw=pair.raw,
        rounds_to_settle=settle,
    )


ORDER = (
    *(Verdict.SLOWER, Verdict.FAILED, Verdict.INVALID, Verdict.REMOVED, Verdict.UNCLEAR),
    *(Verdict.FASTER, Verdict.SAME, Verdict.NEW),
)
"""What calls for action first."""


def _place(row: Row) -> tuple[int, float]:
    """Sort what calls for action first, and the largest change of each kind."""
    return (ORDER.index(row.verdict), 0.0 if row.speed_up is None else -abs(log(row.speed_up.estimate)))
