"""Two stored runs side by side, in words: differences first, then rows, then the sentence, the same everywhere.

admit          refuses runs whose numbers do not mean the same thing
since          what a report says of the change since an earlier run
sessions_beside    what two sessions of its machine differ by
to_text, to_markdown, to_json, told    what `bench.analysis.two_runs` found, for each kind of reader
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from math import log, log1p
from pathlib import Path
from typing import Any

import msgspec

from bench import units
from bench.analysis import sessions
from bench.analysis.differences import Difference
from bench.analysis.intervals import Interval
from bench.analysis.sessions import Sessions
from bench.analysis.two_runs import ORDER, Comparison, Doubt, DoubtKind, Row, compare_runs, median_half_width
from bench.analysis.verdict import Verdict
from bench.errors import NothingComparable
from bench.records.cell import Cell
from bench.records.neighbours import neighbours
from bench.records.stored_run import Run
from bench.report import terminal, wording
from bench.report.model import Change
from bench.report.notices import FEW_ROUNDS
from bench.text import aligned, piped, plain

SCHEMA = "bench-comparison/1"
"""Changes whenever a field of the JSON changes its name or meaning."""

OTHER_SPEED = 0.03
"""Kernels further apart than this are pointed out: more than the margin, and more than quiet sessions differ by."""

_COLUMNS = ("Loop", "Verdict", "Change", "95 % interval", "Raw", "Before ms", "After ms", "Rounds")
_NAMED = 3


_Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Headers and rows of text."""


def since(base: Run, run: Run, *, apart: Sessions = sessions.UNKNOWN) -> Change:
    """Return what a run's report says of the change since an earlier one.

    Args:
        base: The earlier run.
        run: The run of the report.
        apart: What two sessions of this machine differ by.

    Raises:
        NothingComparable: If the two were measured on other machines or other data.
    """
    plan = run.header.plan
    comparison = compare_runs(base, run, margin=plan.margin, margins=plan.margins, apart=apart)
    admit(comparison, allow_mismatch=False)
    return told(comparison)


def sessions_beside(run: Run, *, results: Path, but: Collection[str]) -> Sessions:
    """Return what sessions of a run's machine differ by, as other runs say that are stored beside it.

    Args:
        run: Any.
        results: Where runs are stored.
        but: Ids of runs that are about to be compared.
    """
    return sessions.of_machine(neighbours(run, results=results, but=but))


def to_text(comparison: Comparison, *, encoding: str = "utf-8") -> str:
    """Return what a terminal with this character set shows."""
    base, new = _ids(comparison)
    lines = [f"base: {base}", f"new:  {new}", ""]
    lines += [*aligned(*_differences(comparison)), ""]
    lines += [*aligned(*_rows(comparison)), *(f"  {reason}" for reason in _reasons(comparison)), ""]
    lines += [*(f"! {notice}" for notice in notices(comparison)), headline(comparison)]
    return terminal.printable("\n".join(lines), encoding=encoding)


def to_markdown(comparison: Comparison) -> str:
    """Return the same for a pull request; what is alike in both runs is left out."""
    base, new = _ids(comparison)
    lines = [f"### {plain(headline(comparison))}", ""]
    lines += [f"Base: {plain(base)}. New: {plain(new)}.", ""]
    lines += [*piped(*_differences(comparison)), "", *piped(*_rows(comparison)), ""]
    lines += [f"- {plain(text)}" for text in (*_reasons(comparison), *notices(comparison))]
    return "\n".join(lines).rstrip()


def told(comparison: Comparison) -> Change:
    """Return the same as a part of the newer run's report."""
    difference_columns, differences = _differences(comparison)
    columns, rows = _rows(comparison)
    return Change(
        base=_ids(comparison)[0],
        headline=headline(comparison),
        difference_columns=tuple(difference_columns),
        differences=tuple(tuple(row) for row in differences),
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        remarks=(*_reasons(comparison), *notices(comparison)),
    )


def to_json(comparison: Comparison) -> str:
    """Return the comparison as data: ratios and seconds, nothing rounded."""
    return msgspec.json.format(msgspec.json.encode(as_data(comparison)), indent=2).decode()


def as_data(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as what JSON can hold."""
    base, new = _ids(comparison)
    return {
        "schema": SCHEMA,
        "base": base,
        "new": new,
        "margin": comparison.margin,
        "differences": [_shown(one) for one in comparison.differences],
        "machine": comparison.machine,
        "noise": comparison.noise,
        "sessions": comparison.apart,
        "alike": comparison.alike,
        "rows": [_row_data(row) for row in comparison.rows],
        "notices": notices(comparison),
        "headline": headline(comparison),
    }


def _row_data(row: Row) -> dict[str, Any]:
    """Return one loop as data."""
    return {
        "cell": row.cell,
        "verdict": row.verdict,
        "reason": reason(row),
        "decided_by": row.decided_by,
        "speed_up": row.speed_up,
        "calibrated": row.calibrated,
        "raw": row.raw,
        "base_step": row.base_step,
        "new_step": row.new_step,
        "rounds_to_settle": row.rounds_to_settle,
    }


def _ids(comparison: Comparison) -> tuple[str, str]:
    """Return the names of both runs, fit to be shown."""
    return wording.display_name(comparison.base), wording.display_name(comparison.new)


def _shown(one: Difference) -> Difference:
    """Return a difference whose values are fit to be shown."""
    base, new = (units.NOT_AVAILABLE if value is None else wording.display_name(value) for value in (one.base, one.new))
    return replace(one, what=wording.display_name(one.what), base=base, new=new)


def admit(comparison: Comparison, *, allow_mismatch: bool) -> None:
    """Refuse a comparison that would mislead, or that holds no number.

    Raises:
        NothingComparable: If the runs are not alike and that was not allowed, or no loop was measured in both.
    """
    found = [_shown(one) for one in comparison.mismatches]
    if found and not allow_mismatch:
        named = "; ".join(f"{one.what}: {one.base} against {one.new}" for one in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise NothingComparable(f"not alike: {named}{more}; --allow-mismatch compares all the same")
    if all(row.speed_up is None for row in comparison.rows):
        reasons = "; ".join(
            f"{label(row.cell, comparison)} is {row.verdict}{f' ({why})' if (why := reason(row)) else ''}"
            for row in comparison.rows[:_NAMED]
        )
        raise NothingComparable(f"no loop was measured in both runs: {reasons or 'both are empty'}")


def label(cell: Cell, comparison: Comparison) -> str:
    """Return what a row is called: the loop, or all of the cell where the loop alone could be another row."""
    settings = {row.cell.setting for row in comparison.rows}
    return wording.display_name(cell.name if len(settings) == 1 else str(cell))


def reason(row: Row) -> str | None:
    """Return why a loop has no numbers; None where it has."""
    absent = next((one for one in (row.base, row.new) if one is not None and one.never_ran), None)
    told = "" if absent is None or absent.failure is None else f": {wording.failure_text(absent)}"
    if row.verdict is Verdict.NEW:
        return f"in the new run and not in the base{told}"
    if row.verdict is Verdict.REMOVED:
        return f"in the base and not in the new run{told}"
    for name, one in (("new", row.new), ("base", row.base)):
        if one is None:
            continue
        # What its own run holds others against has no verdict there, also where it starved.
        starved = row.verdict is Verdict.UNCLEAR and one.too_busy
        if starved or (one.verdict is row.verdict and not one.is_ranked):
            return f"{name}: {wording.failure_text(one)}"
    return None


def headline(comparison: Comparison) -> str:
    """Return the answer in one sentence or two."""
    by_word: dict[Verdict, list[str]] = {}
    for row in comparison.rows:
        change = "" if row.speed_up is None else f" ({wording.ratio_text(row.speed_up)})"
        name = wording.display_name(row.cell.name)
        shown = f"{name}{change}" if row.verdict in (Verdict.SLOWER, Verdict.FASTER) else name
        by_word.setdefault(row.verdict, []).append(shown)
    parts = [] if comparison.alike is None else [f"All loops moved alike, {_alike_text(comparison.alike)}."]
    parts += [
        f"{str(word).capitalize()}: {', '.join(by_word[word])}."
        for word in ORDER
        if word in by_word and word not in (Verdict.SAME, Verdict.UNCLEAR)
    ]
    if Verdict.UNCLEAR in by_word:
        parts.append(f"Can't tell: {', '.join(by_word[Verdict.UNCLEAR])}.")
    if Verdict.SAME in by_word:
        parts.append(f"Unchanged to within {units.percent(comparison.margin)}: {', '.join(by_word[Verdict.SAME])}.")
    return " ".join(parts)


def _alike_text(factor: float) -> str:
    """Return how all loops changed."""
    return wording.ratio_text(Interval(estimate=factor, low=None, high=None, count=1))


def notices(comparison: Comparison) -> tuple[str, ...]:
    """Return what to know before a number is quoted."""
    return tuple(_notices(comparison, rows=[row for row in comparison.rows if row.speed_up is not None]))


def _notices(comparison: Comparison, *, rows: Sequence[Row]) -> Iterable[str]:
    """Yield one sentence each; rows are those that are compared."""
    mismatches = [wording.display_name(one.what) for one in comparison.mismatches]
    if mismatches:
        yield f"Not alike, compared because it was asked for: {', '.join(mismatches)}."
    for side in comparison.incomplete:
        run_id = dict(zip(("base", "new"), _ids(comparison), strict=True))[side]
        yield f"The {_SIDES[side]} is incomplete; finish it with `bench run --resume {run_id}`."
    if comparison.alike is not None:
        calibrated = all(row.decided_by == "calibrated" for row in rows)
        what = "The kernel did not, so it is" if calibrated else "That is the machine, or"
        yield f"All loops moved alike: no single one is to blame. {what} what all of them share, such as a version."
    machine = comparison.machine
    if machine is not None and abs(log(machine.estimate)) > log(1.0 + OTHER_SPEED):
        span = units.speed_span(machine.estimate, low=machine.low, high=machine.high)
        speed = units.speed(machine.estimate, low=machine.low, high=machine.high)
        yield f"The machine ran at another speed: the kernel was {speed} in the new run (95 % interval {span})."
    if comparison.doubt is not None and rows:
        yield (
            f"Not calibrated, since {_doubt_text(comparison.doubt)}: raw times decide, and a machine that ran at "
            "another speed counts as a change of the loops, which their intervals do not hold."
        )
    if any(row.calibrated is not None and row.decided_by == "raw" for row in rows):
        yield "The kernel tells the speed of the CPU: on the GPU raw times decide, and its clock may have changed."
    apart = comparison.apart
    if apart.runs and rows:
        size = units.percent(apart.deviation)
        yield f"Two sessions of this machine differ by {size} (standard deviation), as {apart.runs} runs of it say."
    rounds = min((row.speed_up.count for row in rows if row.speed_up is not None), default=None)
    if rounds is not None and rounds < FEW_ROUNDS:
        yield f"Only {rounds} {'round' if rounds == 1 else 'rounds'} in a run: the intervals are wide."
    cost = _cost(comparison, rows=rows)
    if cost is not None:
        yield cost


_SIDES = {"base": "base", "new": "new run"}


def _doubt_text(doubt: Doubt) -> str:
    """Return why the kernel does not tell how fast the machine was."""
    named = [wording.display_name(one) for one in doubt.named]
    if doubt.kind is DoubtKind.NO_KERNEL:
        runs = [f"the {_SIDES[one]}" for one in named]
        return f"{' and '.join(runs)} {'has' if len(runs) == 1 else 'have'} no kernel times of two rounds"
    if doubt.kind is DoubtKind.OTHER_CONDITIONS:
        return f"the kernel itself ran under other conditions ({', '.join(named[:_NAMED])})"
    return f"on another machine ({', '.join(named)}) kernel and loops need not have changed alike"


def _cost(comparison: Comparison, *, rows: Sequence[Row]) -> str | None:
    """Return how much wider the intervals are because the runs share no rounds, and because of the kernel."""
    if not rows:
        return None
    widths = {
        "calibrated": median_half_width(row.calibrated for row in rows),
        "raw": median_half_width(row.raw for row in rows),
    }
    if widths["raw"] is None:
        return "No interval: each run needs two rounds at least."
    told = [f"{wording.width_text(width)} {name}" for name, width in widths.items() if width is not None]
    paired = comparison.paired_half_width
    inside = f", {wording.width_text(paired)} between loops inside the runs, where rounds are paired" if paired else ""
    wider = ""
    if widths["calibrated"] is not None and widths["raw"] > 0.0:
        ratio = log1p(widths["calibrated"]) / log1p(widths["raw"])
        wider = f" Calibrated ones are {units.number(ratio)} times as wide as raw ones, which hold no change of speed."
    return (
        f"Median 95 % interval: {', '.join(told)}{inside}.{wider} `bench ab` measures both in the same rounds, "
        "at no such cost."
    )


def _differences(comparison: Comparison) -> _Table:
    """Return what is not the same in both runs."""
    rows = [
        (one.what, one.base or "", one.new or "", "not alike" if one.mismatch else "")
        for one in map(_shown, comparison.differences)
    ]
    return ("Different", "base", "new", ""), rows or [("nothing that is recorded", "", "", "")]


def _rows(comparison: Comparison) -> _Table:
    """Return one row per loop; the change is of calibrated times where these decide, raw ones beside it."""
    return _COLUMNS, [_row(row, name=label(row.cell, comparison)) for row in comparison.rows]


def _row(row: Row, *, name: str) -> tuple[str, ...]:
    """Return one loop as text."""
    change = units.NOT_AVAILABLE if row.speed_up is None else wording.ratio_text(row.speed_up)
    raw = units.NOT_AVAILABLE if row.raw is None else wording.ratio_text(row.raw)
    counts = [units.NOT_AVAILABLE if step is None else str(step.count) for step in (row.base_step, row.new_step)]
    return (
        name,
        f"{wording.GLYPHS[row.verdict]} {row.verdict}",
        change,
        wording.ratio_span(row.speed_up),
        raw,
        wording.interval_milliseconds(row.base_step),
        wording.interval_milliseconds(row.new_step),
        " + ".join(counts),
    )


def _reasons(comparison: Comparison) -> list[str]:
    """Return why loops have no numbers, and what would settle those that are unclear."""
    told = []
    for row in comparison.rows:
        name = label(row.cell, comparison)
        if (why := reason(row)) is not None:
            told.append(f"{name}: {why}")
        elif row.rounds_to_settle is not None:
            told.append(f"{name}: about {row.rounds_to_settle} rounds in each run would settle it")
    return told
