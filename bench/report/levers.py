"""What to change: the loops of the same framework that were faster in the same run, what to type, when it does not pay.

Nothing here is judged anew: what is faster, and by how much, is what `Group.between` has decided.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench import units
from bench.analysis import total_time
from bench.analysis.intervals import Interval
from bench.analysis.reading import read
from bench.analysis.summary import CellSummary, Group
from bench.analysis.total_time import BreakEven, Line
from bench.analysis.verdict import Verdict
from bench.records.cell import Cell
from bench.records.stored_run import Run
from bench.report import wording
from bench.report.wording import Words

MOST = 4
"""Items of a list."""
PLAIN = "nothing"
"""What is to be typed to have plain `fit()`, as loops say it."""
FRAMEWORKS = frozenset({"tensorflow", "torch", "jax"})
"""As they stand among the versions of a trial."""


Lines = Mapping[Cell, Line | None]
"""Cell -> its total time by round; None where no process has all of its parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lever:
    """One thing to change."""

    loop: str
    """Display name of the loop that has it."""
    title: str
    """What people call it; the name where nobody says."""
    gain: str
    """In the same run, in words, with its interval."""
    change: str
    """What to type; code between back-ticks."""
    not_when: str
    """When it does not pay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Levers:
    """What to change about one loop."""

    group: str
    """The setting in words."""
    loop: str
    """Display name."""
    items: tuple[Lever, ...]
    """The largest gain first."""
    remark: str
    """What was measured and is no item."""


def of_group(run: Run, group: Group, *, words: Words, asked: Iterable[Cell] = ()) -> tuple[Levers, ...]:
    """Return what to change about the loops that people have: plain `fit()`, the baseline, and those asked about.

    Args:
        run: Whose group it is.
        group: Cells that may be ranked together.
        words: What the loops' sources say.
        asked: Cells that are of interest, such as those that were profiled.
    """
    if run.header.plan.sides:
        return ()
    lines = {cell.cell: read(run, cell.cell).line for cell in group.cells}
    frameworks = {cell.cell: _framework(run, cell.cell) for cell in group.cells}
    wanted, found = set(asked), []
    for cell in group.cells:
        said = words.get(cell.cell.loop)
        plain = said is not None and said.change == PLAIN
        if cell.is_ranked and cell.step and (plain or cell.cell in wanted or cell.cell.name == group.baseline):
            others = [other for other in group.cells if frameworks[other.cell] == frameworks[cell.cell] is not None]
            found.append(
                _levers(cell, [other for other in others if other is not cell], group=group, words=words, lines=lines)
            )
    return tuple(one for one in found if one.items or one.remark)


def _framework(run: Run, cell: Cell) -> str | None:
    """Return the framework of a cell, as its processes told it."""
    versions = (trial.versions for trial in run.trials_of(cell))
    return next((name for found in versions for name in found if name in FRAMEWORKS), None)


def _levers(cell: CellSummary, others: Sequence[CellSummary], *, group: Group, words: Words, lines: Lines) -> Levers:
    """Return what to change about one loop, among the others of its framework."""
    faster: list[CellSummary] = []
    untold: list[CellSummary] = []
    slower: list[CellSummary] = []
    for other in others:
        if not other.is_ranked or other.step is None:
            continue
        verdict = group.between(cell, other).verdict
        (faster if verdict is Verdict.FASTER else slower if verdict is Verdict.SLOWER else untold).append(other)
    faster.sort(key=lambda other: other.step.estimate if other.step else 0.0)
    untold.sort(key=lambda other: other.step.estimate if other.step else 0.0)
    return Levers(
        group=wording.setting_name(group.setting),
        loop=wording.display_name(cell.cell.name),
        items=tuple(_lever(cell, other, group=group, words=words, lines=lines) for other in faster[:MOST]),
        remark=" ".join(_remarks(cell, untold=untold, slower=slower, group=group)),
    )


def _remarks(
    cell: CellSummary, *, untold: Sequence[CellSummary], slower: Sequence[CellSummary], group: Group
) -> Iterator[str]:
    """Yield what was tried and does not help, or may help and was not told apart."""
    if untold:
        named = [_named(other, ratio=group.between(cell, other).speed_up) for other in untold]
        verb = "was" if len(untold) == 1 else "were"
        yield f"{wording.listing(named)} {verb} not told apart here: more --rounds, or a quieter machine."
    if slower:
        names = [wording.display_name(other.cell.name) for other in slower]
        yield f"{wording.listing(names)} {'was' if len(slower) == 1 else 'were'} slower."


def _named(other: CellSummary, *, ratio: Interval | None) -> str:
    """Return a loop with how fast it may be."""
    name = wording.display_name(other.cell.name)
    if ratio is None or ratio.low is None or ratio.high is None:
        return name
    return f"{name} ({units.speed_span(ratio.estimate, low=ratio.low, high=ratio.high)})"


def _lever(cell: CellSummary, other: CellSummary, *, group: Group, words: Words, lines: Lines) -> Lever:
    """Return one thing to change."""
    said, speed_up = words.get(other.cell.loop), group.between(cell, other).speed_up
    gain = units.NOT_AVAILABLE
    if speed_up is not None:
        gain = units.speed(speed_up.estimate, low=speed_up.low, high=speed_up.high) + " here"
        span = units.speed_span(speed_up.estimate, low=speed_up.low, high=speed_up.high)
        gain += "" if span == units.NOT_AVAILABLE else f" ({span})"
    name = wording.display_name(other.cell.name)
    reasons = [
        _start_up(lines[cell.cell], lines[other.cell]),
        "" if said is None else wording.display_name(said.caution),
    ]
    return Lever(
        loop=name,
        title=name if said is None else wording.display_name(said.title),
        gain=gain,
        change="" if said is None else wording.display_name(said.change),
        not_when="; ".join(filter(None, reasons)),
    )


def _start_up(base: Line | None, new: Line | None) -> str:
    """Return from how many steps on another loop has made up for its start, import and build counted."""
    if base is None or new is None:
        return ""
    found = total_time.break_even_steps(base, new)
    if found is None or found.kind is not BreakEven.AFTER:
        return ""
    longer = fmean(new.starts.values()) - fmean(base.starts.values())
    return f"not for under {units.about(found.steps)} steps: its start takes {units.duration(longer)} longer"
