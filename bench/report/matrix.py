"""Loops on machines, in words and tables: where the order holds, what to use where, what another machine would say.

render      for a terminal, a pull request, or as data
headline    the answer, as page, terminal and Markdown begin with it
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec

from bench import units
from bench.analysis import random_effects
from bench.analysis.many_machines import Across, Column, Matrix, Swap, matrices
from bench.errors import NothingComparable, UsageError
from bench.records.machine import machine_of
from bench.records.stored_run import Run
from bench.report import terminal, wording
from bench.text import aligned, piped, places_of, plain

SCHEMA = "bench-matrix/1"
"""Changes whenever a field of the JSON changes its name or meaning."""

Format = Literal["table", "json", "md"]
Matrices = Sequence[Matrix]
Table = tuple[list[str], list[list[str]]]
"""Header and rows of text."""

FIRST = "*"
"""Marks a loop that has a first place on a machine."""
READING = (
    f"{FIRST}: the fastest loop there, or not told apart from it.",
    "All other numbers of a column are against the baseline on that machine, from the same rounds.",
)
_NAMED = 3
_ALIKE, _HARDLY = 0.9, 0.5


def side_by_side(runs: Sequence[Run], *, baseline: str | None = None) -> tuple[Matrix, ...]:
    """Return what runs of several machines say together.

    Args:
        runs: Any number.
        baseline: Loop that the others are compared with; the one that most machines have, where it is left out.

    Raises:
        UsageError: If no run has the baseline.
        NothingComparable: If there are not two machines that trained the same.
    """
    loops = dict.fromkeys(cell.loop for run in runs for cell in run.header.plan.cells)
    if baseline is not None and baseline not in loops:
        known = ", ".join(map(wording.display_name, loops))
        raise UsageError(f"--baseline: no run has measured '{wording.display_name(baseline)}'; there are {known}")
    everything = matrices(runs, baseline=baseline)
    found = tuple(one for one in everything if len({column.machine.key for column in one.columns}) > 1)
    if not found:
        why = [f"{run} has another {what}" for one in everything for run, what in one.left_out]
        why += [f"{run.header.run_id} compares environments" for run in runs if run.header.plan.sides]
        titles = dict.fromkeys(wording.display_name(machine_of(run.header.environment).title) for run in runs)
        raise NothingComparable(
            f"no two machines trained the same; there are runs of {'; '.join([*titles, *why])}: measure elsewhere and "
            "copy the runs here with 'bench runs merge', or use 'bench run --on'"
        )
    return found


def render(
    found: Matrices,
    *,
    format: Format,  # noqa: A002 - as the option
    encoding: str,
    width: int,
) -> str:
    """Return all matrices for one kind of reader.

    Args:
        found: As `bench.analysis.many_machines.matrices` returned them.
        format: "table" for a terminal, "json" for data, "md" for a pull request.
        encoding: The terminal's.
        width: Likewise, in characters; 0 where there is none.
    """
    if format == "json":
        content = {"schema": SCHEMA, "matrices": [as_data(matrix) for matrix in found]}
        return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    if format == "md":
        return "\n\n".join(map(_to_markdown, found))
    return terminal.printable("\n\n".join(_to_text(matrix, width=width) for matrix in found), encoding=encoding)


def title(matrix: Matrix) -> str:
    """Return what was trained, in words, without device and threads, which columns have."""
    setting = replace(matrix.columns[0].group.setting, threads=None)
    return wording.setting_name(setting, without="device")


def column_names(matrix: Matrix) -> list[str]:
    """Return a name for each column: the machine's, with what tells it from others of that name."""
    names = [column.machine.title for column in matrix.columns]
    keys: dict[str, set[str]] = {}
    for name, column in zip(names, matrix.columns, strict=True):
        keys.setdefault(name, set()).add(column.machine.key)
    several = len({column.device for column in matrix.columns}) > 1
    return [
        wording.display_name(
            name
            + (f" ({column.machine.fingerprint[:6]})" if len(keys[name]) > 1 else "")
            + (f", {column.device.upper()}" if several or column.device != "cpu" else "")
            + ("" if column.threads is None else f", {wording.threads_text(column.threads)}")
        )
        for name, column in zip(names, matrix.columns, strict=True)
    ]


def headline(matrix: Matrix) -> str:
    """Return what to use: one loop for all machines, or one for each kind of them."""
    named, count = column_names(matrix), len(matrix.columns)
    if not matrix.choices:
        return "No machine tells which loop is the fastest: too few rounds, or it was too busy."
    told = {place for choice in matrix.choices for place in choice.columns}
    silent = [name for place, name in enumerate(named) if place not in told]
    behind = f" {wording.listing(silent)} cannot tell." if silent else ""
    if len(matrix.choices) == 1:
        everywhere = f"all {count} {_machines(matrix)}"
        where = everywhere if len(told) == count else wording.listing([named[place] for place in told])
        loop = wording.display_name(matrix.choices[0].loop)
        return f"Use {loop} on {where}: nothing is faster on any of them.{behind}"
    parts = [
        f"{wording.display_name(choice.loop)} on {wording.listing([named[place] for place in choice.columns])}"
        for choice in matrix.choices
    ]
    return f"Use {'; '.join(parts)}.{behind}"


def _machines(matrix: Matrix) -> str:
    """Return what columns are: machines, unless one of them has several."""
    several = len({column.machine.key for column in matrix.columns}) < len(matrix.columns)
    return "settings of machines" if several else "machines"


def sentences(matrix: Matrix) -> Iterator[str]:
    """Yield whether the order holds, how alike the machines are, and what is not known."""
    names = column_names(matrix)
    if not matrix.told_apart:
        yield "Whether the order holds is not known: no two loops are told apart on two machines."
    elif not matrix.swaps:
        pairs = f"{matrix.told_apart} pair{'' if matrix.told_apart == 1 else 's'}"
        yield f"The order holds: of {pairs} told apart on two machines or more, the same loop is the faster one on all."
    for swap in matrix.swaps[:_NAMED]:
        yield swap_text(swap, names=names)
    if len(matrix.swaps) > _NAMED:
        yield f"So do {len(matrix.swaps) - _NAMED} more pairs."
    found = matrix.agreement
    if found is not None:
        meaning = (
            "the machines order the loops alike"
            if found.coefficient >= _ALIKE
            else "the order is much the same"
            if found.coefficient >= _HARDLY
            else "the machines hardly agree on an order"
        )
        yield (
            f"Kendall's W is {found.coefficient:.2f} for {found.loops} loops on {found.columns} {_machines(matrix)}: "
            f"{meaning} (1: one order everywhere; 0: nothing in common)."
        )
    if not matrix.across:
        yield (
            f"What another machine would say is not known: it takes {random_effects.FEWEST} machines with one device "
            "to see how much machines differ."
        )


def swap_text(swap: Swap, *, names: Sequence[str]) -> str:
    """Return which of two loops is the faster one where."""
    one, other = map(wording.display_name, swap.loops)
    first, second = (wording.listing([names[place] for place in places]) for places in (swap.first, swap.second))
    return f"{one} and {other} change places: {one} is faster on {first}, {other} on {second}."


def remarks(matrix: Matrix) -> Iterator[str]:
    """Yield what to know before a number is quoted."""
    names = column_names(matrix)
    for run, why in matrix.left_out:
        yield f"{wording.display_name(run)} is left out: another {why}"
    if matrix.passed_over:
        runs = f"{units.count(matrix.passed_over)} earlier run{'s' if matrix.passed_over > 1 else ''}"
        yield f"not shown: {runs} of these machines; the newest counts"
    for name, column in zip(names, matrix.columns, strict=True):
        if not column.run.complete:
            yield f"{name}: the run is not complete"
        if not column.ranked:
            yield f"{name}: no loop has a place there, for too few rounds or a busy machine"
        elif all(column.between(matrix.baseline, loop) is None for loop in matrix.loops):
            base = wording.display_name(matrix.baseline)
            yield f"{name}: {base} could not be measured there, so nothing is against it"
        parts = [f"{one.what} {one.new}" for one in column.remarks]
        if parts:
            yield f"{name} has {wording.display_name('; '.join(parts))}; {names[0]} has others"


def cell_text(matrix: Matrix, column: Column, loop: str) -> str:
    """Return what is said of a loop on a machine: its mark, its gain with the interval, or why there is none."""
    cell = column.cell(loop)
    if cell is None:
        return "not measured"
    mark = f" {FIRST}" if cell.rank == 1 else ""
    if loop == matrix.baseline:
        return f"baseline, {wording.step_text(cell)} ms{mark}" if cell.is_ranked else _why(column, loop)
    judged = column.between(matrix.baseline, loop)
    if judged is None:
        return f"{wording.step_text(cell)} ms{mark}" if cell.rank is not None else _why(column, loop)
    if judged.speed_up is None:
        return f"{wording.GLYPHS[judged.verdict]} {judged.verdict}"
    size = f"{wording.GLYPHS[judged.verdict]} {wording.ratio_text(judged.speed_up)}"
    return f"{size} ({wording.ratio_span(judged.speed_up)}){mark}"


def _why(column: Column, loop: str) -> str:
    """Return in a word or two why a loop has no place on a machine."""
    cell = column.cell(loop)
    if cell is None or cell.is_ranked:
        return "no place"
    return "too busy to tell" if cell.too_busy else " ".join(wording.verdict_words(cell)).strip()


def table(matrix: Matrix) -> Table:
    """Return loops by machines."""
    rows = [
        [wording.display_name(loop), *(cell_text(matrix, column, loop) for column in matrix.columns)]
        for loop in matrix.loops
    ]
    return ["Loop", *column_names(matrix)], rows


def summary(matrix: Matrix) -> Table | None:
    """Return what each loop gains over the machines; None where there are too few."""
    if not matrix.across:
        return None
    return ["Loop", "Machines", "Mean", "95 % interval", "One more machine"], [_across(one) for one in matrix.across]


def _across(found: Across) -> list[str]:
    """Return a row of the summary."""
    return [
        wording.display_name(found.loop),
        f"{found.machines} {found.device.upper()}"
        + ("" if found.threads is None else f", {wording.threads_text(found.threads)}"),
        wording.ratio_text(found.mean),
        wording.ratio_span(found.mean),
        wording.ratio_span(found.next_machine),
    ]


def as_data(matrix: Matrix) -> dict[str, Any]:
    """Return a matrix as what JSON can hold: ratios and seconds, nothing rounded."""
    return {
        "training": matrix.training,
        "baseline": matrix.baseline,
        "headline": headline(matrix),
        "sentences": list(sentences(matrix)),
        "remarks": list(remarks(matrix)),
        "agreement": matrix.agreement,
        "swaps": matrix.swaps,
        "choices": matrix.choices,
        "across": matrix.across,
        "columns": [
            {
                "name": name,
                "machine": column.machine,
                "fingerprint": column.machine.fingerprint,
                "device": column.device,
                "threads": column.threads,
                "run": column.run.header.run_id,
                "started": column.run.header.started,
                "loops": [_cell_data(matrix, column, loop) for loop in matrix.loops],
            }
            for name, column in zip(column_names(matrix), matrix.columns, strict=True)
        ],
    }


def _cell_data(matrix: Matrix, column: Column, loop: str) -> dict[str, Any]:
    """Return a loop on a machine as data."""
    cell = column.cell(loop)
    judged = None if loop == matrix.baseline else column.between(matrix.baseline, loop)
    return {
        "loop": loop,
        "rank": None if cell is None else cell.rank,
        "step_seconds": None if cell is None else cell.step,
        "verdict": None if judged is None else judged.verdict,
        "speed_up": None if judged is None else judged.speed_up,
        "reason": _why(column, loop) if cell is None or cell.rank is None else None,
    }


def _to_text(matrix: Matrix, *, width: int) -> str:
    """Return a matrix for a terminal of so many characters; where columns do not fit, they stand below each other."""
    lines = [f"{title(matrix)}, against {wording.display_name(matrix.baseline)}", ""]
    header, rows = table(matrix)
    for places in _stacked(header, rows, width=width):
        lines += [*aligned(_picked(header, places), [_picked(row, places) for row in rows]), ""]
    found = summary(matrix)
    if found is not None:
        lines += [*aligned(*found), ""]
    lines += [*READING, *(f"! {remark}" for remark in remarks(matrix)), *sentences(matrix), headline(matrix)]
    return "\n".join(lines)


def _picked(line: Sequence[str], places: Sequence[int]) -> list[str]:
    """Return a row's name with some of its columns."""
    return [line[0], *(line[place] for place in places)]


def _stacked(header: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> Iterator[list[int]]:
    """Yield the columns that stand beside each other: as many as fit, one at least."""
    widths = [max(places_of(line[place]) for line in (header, *rows)) + 2 for place in range(len(header))]
    beside: list[int] = []
    for place in range(1, len(header)):
        if width and beside and widths[0] + sum(widths[one] for one in (*beside, place)) > width:
            yield beside
            beside = []
        beside.append(place)
    yield beside


def _to_markdown(matrix: Matrix) -> str:
    """Return a matrix for a pull request."""
    lines = [f"### {plain(headline(matrix))}", "", f"{plain(title(matrix))}, against {plain(matrix.baseline)}.", ""]
    lines += [*piped(*table(matrix)), ""]
    found = summary(matrix)
    if found is not None:
        lines += [*piped(*found), ""]
    lines += [f"- {plain(text)}" for text in (*sentences(matrix), *READING, *remarks(matrix))]
    return "\n".join(lines)
