"""What profilers saw of a loop, in words, rows and one small picture; with what to change about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from bench import units
from bench.analysis import python_stacks
from bench.analysis.breakdown import STEP, break_down
from bench.analysis.summary import CellSummary
from bench.records import profiles
from bench.records.profile import MemoryReading, Profile, Sampled, Traced
from bench.records.trial import Trial
from bench.report import parts, wording
from bench.report.levers import Levers
from bench.report.parts import BreakdownRow

_MOST_POINTS = 300
"""Of a picture of memory over time, so that a page stays small."""
_WIDTH, _HEIGHT = 640, 120
"""Of that picture, in its own units."""
_WORDS = {
    python_stacks.STEP: "in the step",
    python_stacks.PIPELINE: "pipeline: fetching batches",
    python_stacks.CALLBACKS: "callbacks",
    python_stacks.WAITING: "waiting for the device",
    python_stacks.FIT: "fit() itself",
    python_stacks.ELSEWHERE: "elsewhere, such as between two blocks",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationRow:
    """One of the dearest operations."""

    name: str
    calls: str
    """In a step."""
    step: str
    """Milliseconds of its own in a step."""
    share: str
    """Of the time of all operations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BetweenRow:
    """What the thread that trains was doing."""

    what: str
    share: str
    """Of the samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileReport:
    """One loop, profiled."""

    loop: str
    """Display name."""
    folder: str
    """Of its files, from that of the run."""
    headline: str
    """Where the time goes, in a sentence."""
    parts: BreakdownRow
    operations: tuple[OperationRow, ...]
    """The ten dearest."""
    operations_caption: str
    between: tuple[BetweenRow, ...]
    """The largest share first."""
    between_caption: str
    overhead: str
    """What profiling cost."""
    memory: str
    """In words."""
    memory_line: str
    """Points of a line, left to right, in the units of `memory_box`; empty without readings."""
    memory_box: str
    """The view box of that line."""
    levers: Levers | None
    """What to change; None where no other loop was measured."""
    missing: tuple[str, ...]
    """What could not be had, with the way out."""
    files: tuple[str, ...]
    """Names of what lies in its folder."""


def build(profile: Profile, *, cell: CellSummary | None, levers: Levers | None) -> ProfileReport:
    """Return what is said about a profile.

    Args:
        profile: As it was stored.
        cell: What was measured of the same loop in the run; None where it did not finish.
        levers: What to change about it.
    """
    loop = wording.display_name(profile.cell.name)
    measured = None if cell is None or cell.step is None else cell.step.estimate
    trial = Trial(
        cell=profile.cell,
        round=0,
        ablations=profile.ablations,
        pipeline_seconds=profile.pipeline_seconds,
        step_alone_seconds=profile.step_alone_seconds,
    )
    found = break_down([trial], steps={0: measured or profile.step_seconds})
    assert found is not None  # there is a process of round 0
    if not found.parts and profile.traced is not None:  # nothing could be left out, but a trace divides all of it
        found = replace(found, parts={STEP: measured or profile.step_seconds})
    step = units.milliseconds(profile.step_seconds) if cell is None else wording.step_text(cell)
    broken_down = parts.row(found, loop=loop, step=step, traced=profile.traced)
    return ProfileReport(
        loop=loop,
        folder=f"{profiles.FOLDER}/{profile.cell}",
        headline=broken_down.sentence,
        parts=broken_down,
        operations=tuple(_operations(profile.traced)),
        operations_caption=_operations_caption(profile.traced),
        between=tuple(_between(profile.sampled)),
        between_caption=_between_caption(profile.sampled),
        overhead=_overhead(profile),
        memory=_memory(profile.memory),
        memory_line=_line(profile.memory),
        memory_box=f"0 0 {_WIDTH} {_HEIGHT}",
        levers=levers,
        missing=tuple(wording.display_name(one) for one in profile.missing),
        files=profile.files,
    )


def _operations(traced: Traced | None) -> Iterator[OperationRow]:
    """Yield the dearest operations."""
    for one in () if traced is None else traced.operations:
        yield OperationRow(
            name=wording.display_name(one.name),
            calls=units.number(one.calls),
            step=units.milliseconds(one.step_seconds),
            share=units.percent(one.share),
        )


def _operations_caption(traced: Traced | None) -> str:
    """Return what the times of operations are."""
    if traced is None:
        return ""
    if not traced.operations:
        return f"The profiler saw no operations in {units.count(traced.steps)} steps."
    outside = ""
    if traced.outside_seconds is not None:
        outside = f" Between two calls of the step: {units.milliseconds(traced.outside_seconds)} ms."
    return (
        f"Of {units.count(traced.kinds)} kinds in {units.count(traced.steps)} traced steps. An operation's own time, "
        f"added up over threads; all of them take {units.milliseconds(traced.operation_seconds)} ms per step, and at "
        f"least one is running for {units.milliseconds(traced.busy_seconds)} of "
        f"{units.milliseconds(traced.step_seconds)} ms.{outside}"
    )


def _between(sampled: Sampled | None) -> Iterator[BetweenRow]:
    """Yield what the thread that trains was seen doing."""
    if sampled is not None:
        for kind, share in sampled.shares.items():
            yield BetweenRow(what=wording.display_name(_WORDS.get(kind, kind)), share=units.percent(share))


def _between_caption(sampled: Sampled | None) -> str:
    """Return how that was seen."""
    if sampled is None:
        return ""
    return (
        f"The thread that trains, as py-spy saw it {units.count(sampled.samples)} times. A stack tells which line of "
        "Python is at work, not whether Python or what it has called is."
    )


def _overhead(profile: Profile) -> str:
    """Return what profiling cost, against the same process without a profiler."""
    found = [
        f"{units.milliseconds(one.step_seconds)} ms while {what} ({_more(profile.overhead(one))})"
        for one, what in ((profile.traced, "operations were traced"), (profile.sampled, "py-spy looked"))
        if one is not None
    ]
    alone = f"A step of the profiled process took {units.milliseconds(profile.step_seconds)} ms without a profiler"
    return f"{alone}, {wording.listing(found)}." if found else f"{alone}; there was none."


def _more(overhead: float) -> str:
    """Return a share more, or that there is none."""
    return f"{units.percent(overhead)} more" if overhead > 0.0 else f"{units.percent(-overhead)} less: within its noise"


def _memory(readings: Sequence[MemoryReading]) -> str:
    """Return how much memory the process held, phase by phase."""
    if not readings:
        return ""
    most: dict[str, int] = {}
    for one in readings:
        most[one.phase] = max(most.get(one.phase, 0), one.bytes)
    steps = [one.bytes for one in readings if one.phase not in ("start", "warm-up")]
    told = [f"{units.mebibytes(value)} MiB at most in {phase}" for phase, value in most.items()]
    grown = max(0, steps[-1] - steps[0]) if steps else 0
    more = f" From the first measured step on it grew by {units.mebibytes(grown)} MiB." if steps else ""
    return f"Resident memory: {wording.listing(told)}.{more}"


def _line(readings: Sequence[MemoryReading]) -> str:
    """Return the points of memory over time, thinned evenly."""
    if not readings:
        return ""
    every = -(-len(readings) // _MOST_POINTS)
    last, top = readings[-1].seconds or 1.0, max(one.bytes for one in readings) or 1
    return " ".join(
        f"{_WIDTH * one.seconds / last:.0f},{_HEIGHT - (_HEIGHT - 4) * one.bytes / top:.0f}"
        for one in readings[::every]
    )


def render(found: Sequence[ProfileReport], *, format: Literal["table", "json"], encoding: str) -> str:  # noqa: A002
    """Return profiles as text for people, or as JSON.

    Args:
        found: What is said of each.
        format: "table" or "json".
        encoding: Of the terminal.
    """
    if format == "json":
        return msgspec.json.format(msgspec.json.encode(list(found)), indent=2).decode()
    return "\n\n".join("\n".join(to_lines(one, encoding=encoding)) for one in found)


def to_lines(profile: ProfileReport, *, encoding: str) -> Iterator[str]:
    """Yield what a terminal shows, line by line."""
    yield f"{profile.loop}: {profile.headline}"
    yield ""
    yield f"Where a step of {profile.parts.step} ms goes:"
    yield from (f"  {line}" for line in parts.bars(profile.parts, encoding=encoding))
    if profile.operations:
        yield ""
        yield "The dearest operations (calls per step, ms per step, share):"
        yield from (f"  {one.calls:>6}  {one.step:>9}  {one.share:>6}  {one.name}" for one in profile.operations)
        yield f"  {profile.operations_caption}"
    if profile.between:
        yield ""
        yield "What the thread that trains was doing:"
        yield from (f"  {one.share:>6}  {one.what}" for one in profile.between)
    yield ""
    yield profile.overhead
    if profile.memory:
        yield profile.memory
    yield from levers_text(profile.levers)
    yield from (f"! {one}" for one in profile.missing)


def levers_text(levers: Levers | None) -> Iterator[str]:
    """Yield what to change, line by line."""
    if levers is None:
        return
    yield ""
    yield (
        f"What to change about {levers.loop}:"
        if levers.items
        else f"No other loop of its framework was faster than {levers.loop}."
    )
    for one in levers.items:
        yield f"  {one.title}: {one.gain}"
        if one.change:
            yield f"      {one.change}"
        if one.not_when:
            yield f"      but: {one.not_when}"
    if levers.remark:
        yield f"  {levers.remark}"
