"""Whether what one machine says of loops holds on others: one run of each machine side by side, nothing is pooled.

    matrices    one table for each thing that was trained: a row for each loop, a column for each machine and device
    Agreement   how alike the machines order the loops
    Swap        two loops of which each is the faster one somewhere
    Across      what a loop gains on machines like these, see `bench.analysis.random_effects`

Rounds of different machines are never compared: in a column all stands against the baseline of that column.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, log, sqrt
from statistics import fmean

from scipy.stats import rankdata

from bench.analysis import random_effects
from bench.analysis.differences import Difference, differences, identity
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.judgement import Judgement
from bench.analysis.summary import CellSummary, Group, summarise
from bench.analysis.verdict import Verdict
from bench.records.cell import Training
from bench.records.machine import Machine, machine_of
from bench.records.stored_run import Run

_LEAST_ERROR = 1e-6
"""Standard error of a logarithm that is taken for none at all."""
_LOOP = "source of loop "


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One machine with one device, and so many threads as were asked for."""

    machine: Machine
    run: Run
    group: Group
    remarks: tuple[Difference, ...]
    """Sources of loops and versions that are not those of the first column."""

    @property
    def device(self) -> str:
        """The string "cpu", or "gpu"."""
        return self.group.setting.device

    @property
    def threads(self) -> int | None:
        """CPU threads, as asked for; None left them to each framework."""
        return self.group.setting.threads

    @property
    def ranked(self) -> bool:
        """Whether anything has a place there."""
        return any(cell.rank is not None for cell in self.group.cells)

    def cell(self, loop: str) -> CellSummary | None:
        """Return what was found of a loop there; None where it was not asked for."""
        return next((cell for cell in self.group.cells if cell.cell.loop == loop), None)

    def between(self, base: str, new: str) -> Judgement | None:
        """Return what is decided about a loop against another there; None where one of them has no place."""
        cells = self.cell(base), self.cell(new)
        if any(cell is None or cell.rank is None for cell in cells):
            return None
        return self.group.between(*(cell for cell in cells if cell is not None))


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """How alike the machines order the loops that have a place on all of them."""

    coefficient: float
    """Kendall's W: 1 where all have one order, 0 where they have nothing in common."""
    columns: int
    loops: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Swap:
    """Two loops of which each is faster than the other somewhere."""

    loops: tuple[str, str]
    first: tuple[int, ...]
    """Columns in which the first of them is the faster one."""
    second: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A loop to use, and where: it has the first place there."""

    loop: str
    columns: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Across:
    """What a loop gains over the baseline on the machines with one device."""

    loop: str
    device: str
    threads: int | None
    machines: int
    mean: Interval
    """Of machines like these."""
    next_machine: Interval
    """Holds what one more of them would say, nineteen times in twenty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Loops on machines, of one thing that was trained."""

    training: Training
    columns: tuple[Column, ...]
    baseline: str
    loops: tuple[str, ...]
    """The fastest first, by the mean of their gains."""
    left_out: tuple[tuple[str, str], ...]
    """Runs that train something else under the same name, and what is another there."""
    passed_over: int
    """Earlier runs of the same machines."""
    agreement: Agreement | None
    """None where fewer than two loops have a place on two machines."""
    told_apart: int
    """Pairs of loops of which one is the faster on two machines or more, whichever that is."""
    swaps: tuple[Swap, ...]
    choices: tuple[Choice, ...]
    """Loops of which every machine that gives a first place has one there, taken greedily, so that they are few."""
    across: tuple[Across, ...]
    """Nothing where fewer than three machines have one device and as many threads."""


def matrices(runs: Iterable[Run], *, baseline: str | None = None) -> tuple[Matrix, ...]:
    """Return a matrix for each thing that was trained on two machines or more, in the order in which runs have them.

    Where they trained something else under the same name, fewer of them are left in it, one at least.

    Of several runs of one machine with one device and so many threads the newest counts.

    Args:
        runs: Any number, of any machines.
        baseline: Loop that the others are compared with; the one that most machines have, where it is left out.
    """
    newest: defaultdict[Training, dict[tuple[str, str, int | None], Column]] = defaultdict(dict)
    passed_over: Counter[Training] = Counter()
    for run in sorted(runs, key=lambda run: (run.header.started, run.header.run_id)):
        machine = machine_of(run.header.environment)
        for group in summarise(run) if not run.header.plan.sides else ():
            training = group.setting.training
            place = machine.key, group.setting.device, group.setting.threads
            passed_over[training] += place in newest[training]
            newest[training].pop(place, None)
            newest[training][place] = Column(machine=machine, run=run, group=group, remarks=())
    return tuple(
        _matrix(
            training,
            columns=sorted(columns.values(), key=_by_machine),
            passed_over=passed_over[training],
            baseline=baseline,
        )
        for training, columns in newest.items()
        if len({machine for machine, _, _ in columns}) > 1
    )


def _by_machine(column: Column) -> tuple[str, str, str, int]:
    """Sort by the names of machines, and columns of one machine beside each other."""
    return column.machine.title, column.machine.key, column.device, column.threads or 0


def agreement(places: Sequence[Sequence[float]]) -> float | None:
    """Return Kendall's coefficient of concordance, with his correction for things that share a place.

    Source: Kendall and Gibbons, "Rank correlation methods", 5th edition, 1990, chapter 6.

    Args:
        places: For each machine, the place of each loop; those that share one have its mean or its least number.

    Returns:
        From 0 to 1; None where all share one place everywhere, or there is nothing to agree on.

    >>> agreement([[1, 2, 3], [1, 2, 3]]), agreement([[1, 2, 3], [3, 2, 1]])
    (1.0, 0.0)
    """
    machines, loops = len(places), len(places[0]) if places else 0
    ranks = [rankdata(row).tolist() for row in places]
    totals = [sum(column) for column in zip(*ranks, strict=True)]
    ties = sum(count**3 - count for row in ranks for count in Counter(row).values())
    whole = machines**2 * (loops**3 - loops) - machines * ties
    if machines < 2 or whole == 0:  # noqa: PLR2004 - one agrees with itself
        return None
    return float(12.0 * sum((total - fmean(totals)) ** 2 for total in totals) / whole)


def _matrix(training: Training, *, columns: Sequence[Column], passed_over: int, baseline: str | None) -> Matrix:
    """Put the newest run of each machine side by side."""
    kept, left_out = _of_one_kind(columns)
    loops = list(dict.fromkeys(cell.cell.loop for column in kept for cell in column.group.cells))
    base = baseline if baseline in loops else _baseline(kept, loops)
    gains = {loop: _gains(kept, base=base, loop=loop) for loop in loops}
    ordered = sorted(loops, key=lambda loop: -fmean(gains[loop].values()) if gains[loop] else float("inf"))
    apart = _told_apart(kept, ordered)
    return Matrix(
        training=training,
        columns=tuple(kept),
        baseline=base,
        loops=tuple(ordered),
        left_out=tuple(left_out),
        passed_over=passed_over,
        agreement=_agreement(kept, ordered),
        told_apart=len(apart),
        swaps=tuple(pair for pair in apart if pair.first and pair.second),
        choices=tuple(_choices(kept, ordered)),
        across=tuple(one for loop in ordered if loop != base for one in _across(kept, base=base, loop=loop)),
    )


def _of_one_kind(columns: Sequence[Column]) -> tuple[list[Column], list[tuple[str, str]]]:
    """Return the columns that trained the same data by the same workload as most of them, and why others did not."""
    trained = [identity(column.run, cells=[cell.cell for cell in column.group.cells]) for column in columns]
    usual = dict(Counter(tuple(sorted(one.items())) for one in trained).most_common(1)[0][0])
    kept, left_out = [], []
    for column, found in zip(columns, trained, strict=True):
        # What a run does not know may have been the same.
        why = [what for what, value in found.items() if usual.get(what, value) != value]
        if why:
            left_out.append((column.run.header.run_id, ", ".join(why)))
        else:
            kept.append(column)
    return [
        Column(machine=one.machine, run=one.run, group=one.group, remarks=tuple(_remarks(kept[0], one))) for one in kept
    ], left_out


def _remarks(base: Column, new: Column) -> list[Difference]:
    """Return which loops are of another source, and which versions are others."""
    versions = {name for column in (base, new) for trial in column.run.trials for name in trial.versions}
    cells = dict.fromkeys(cell.cell for column in (base, new) for cell in column.group.cells)
    return [
        difference
        for difference in differences(base.run, new.run, cells=list(cells))
        if None not in (difference.base, difference.new)
        and (difference.what.startswith(_LOOP) or difference.what in versions)
    ]


def _baseline(columns: Sequence[Column], loops: Sequence[str]) -> str:
    """Return the loop that has a place on most machines, and that most runs took for their baseline."""

    def wanted(loop: str) -> tuple[int, int]:
        cells = [column.cell(loop) for column in columns]
        placed = sum(cell is not None and cell.rank is not None for cell in cells)
        return placed, sum(column.run.header.plan.baseline == loop for column in columns)

    return max(loops, key=wanted)


def _gains(columns: Sequence[Column], *, base: str, loop: str) -> dict[int, float]:
    """Return column -> logarithm of how many times faster a loop is than the baseline there."""
    found = {place: column.between(base, loop) for place, column in enumerate(columns)}
    known = {place: one.speed_up for place, one in found.items() if one is not None and one.speed_up is not None}
    gains = {place: log(speed_up.estimate) for place, speed_up in known.items()}
    return gains if loop != base else dict.fromkeys(range(len(columns)), 0.0)


def _agreement(columns: Sequence[Column], loops: Sequence[str]) -> Agreement | None:
    """Return how alike the machines order the loops that all of them could place."""
    rows = [{cell.cell.loop: cell.rank for cell in column.group.cells} for column in columns if column.ranked]
    places = [[row.get(loop) for row in rows] for loop in loops]
    common = [[float(place) for place in of_loop if place is not None] for of_loop in places if None not in of_loop]
    if len(common) < 2:  # noqa: PLR2004 - one loop has no order
        return None
    coefficient = agreement(list(zip(*common, strict=True)))
    return None if coefficient is None else Agreement(coefficient=coefficient, columns=len(rows), loops=len(common))


def _told_apart(columns: Sequence[Column], loops: Sequence[str]) -> list[Swap]:
    """Return the pairs of which one is the faster in two columns or more, and where; the faster in the mean first."""
    found = []
    for one, other in combinations(loops, 2):
        by_verdict = defaultdict[Verdict, list[int]](list)
        for place, column in enumerate(columns):
            judged = column.between(other, one)
            if judged is not None:
                by_verdict[judged.verdict].append(place)
        first, second = by_verdict[Verdict.FASTER], by_verdict[Verdict.SLOWER]
        if len(first) + len(second) > 1:
            found.append(Swap(loops=(one, other), first=tuple(first), second=tuple(second)))
    return found


def _choices(columns: Sequence[Column], loops: Sequence[str]) -> Iterable[Choice]:
    """Yield loops until every column that gives a first place has one of them, the one for most columns first."""
    first: Mapping[str, set[int]] = {
        loop: {
            place for place, column in enumerate(columns) if (cell := column.cell(loop)) is not None and cell.rank == 1
        }
        for loop in loops
    }
    open_columns = set().union(*first.values())
    while open_columns:
        loop = max(loops, key=lambda loop: len(first[loop] & open_columns))
        yield Choice(loop=loop, columns=tuple(sorted(first[loop] & open_columns)))
        open_columns -= first[loop]


def _across(columns: Sequence[Column], *, base: str, loop: str) -> Iterable[Across]:
    """Yield what a loop gains on machines with each device that enough of them have."""
    for device, threads in dict.fromkeys((column.device, column.threads) for column in columns):
        alike = [column for column in columns if (column.device, column.threads) == (device, threads)]
        judged = [column.between(base, loop) for column in alike]
        known = [one.speed_up for one in judged if one is not None and one.speed_up is not None]
        errors = {place: error for place, one in enumerate(known) if (error := _error(one)) is not None}
        if len(errors) < random_effects.FEWEST:
            continue
        effects = [log(known[place].estimate) for place in errors]
        summary = random_effects.combined(effects, list(errors.values()), confidence=CONFIDENCE)
        mean, ahead = (
            Interval(
                estimate=exp(summary.mean),
                low=exp(summary.mean - reach),
                high=exp(summary.mean + reach),
                count=len(effects),
                confidence=CONFIDENCE,
            )
            for reach in (summary.reach_of_mean, summary.reach_of_next)
        )
        yield Across(loop=loop, device=device, threads=threads, machines=len(effects), mean=mean, next_machine=ahead)


def _error(speed_up: Interval) -> float | None:
    """Return the standard error of the logarithm of a ratio; None without an interval."""
    return None if speed_up.spread is None else max(speed_up.spread / sqrt(speed_up.count), _LEAST_ERROR)
