"""Several stored runs against one base: a column for each, then a sentence for each.

compare   which of the runs may be compared, and what came of it
render    that, for each kind of reader
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from bench import units
from bench.analysis import sessions
from bench.analysis.sessions import Sessions
from bench.analysis.two_runs import Comparison, Row, compare_with
from bench.errors import NothingComparable
from bench.records.stored_run import Run
from bench.report import changes, terminal, wording
from bench.text import aligned, piped, plain

if TYPE_CHECKING:
    from bench.records.cell import Cell

SCHEMA = "bench-comparisons/1"
"""Changes whenever a field of the JSON changes its name or meaning."""


Format = Literal["table", "json", "md"]


def compare(
    base: Run,
    others: Sequence[Run],
    *,
    margin: float,
    allow_mismatch: bool,
    apart: Sessions = sessions.UNKNOWN,
) -> tuple[list[Comparison], list[tuple[str, NothingComparable]]]:
    """Compare a run with others, those of which are told that are alike enough.

    Args:
        base: The baseline.
        others: What is compared with it; all verdicts hold together.
        margin: Smallest relative difference that matters.
        allow_mismatch: Whether runs are compared that are not alike.
        apart: What two sessions of this machine differ by.

    Returns:
        Comparisons that may be told; and the others' names, with why not.
    """
    admitted, refused = [], []
    for one in compare_with(base, others, margin=margin, apart=apart):
        try:
            changes.admit(one, allow_mismatch=allow_mismatch)
            admitted.append(one)
        except NothingComparable as error:
            refused.append((one.new, error))
    return admitted, refused


def render(comparisons: Sequence[Comparison], *, format: Format, encoding: str) -> str:  # noqa: A002 - as the option
    """Return what runs say against one base; a single one fills a page of its own.

    Args:
        comparisons: As `compare_with` returned them.
        format: "table" for a terminal, "json" for data, "md" for a pull request.
        encoding: The terminal's.
    """
    if len(comparisons) == 1:
        (only,) = comparisons
        if format == "table":
            return changes.to_text(only, encoding=encoding)
        return changes.to_json(only) if format == "json" else changes.to_markdown(only)
    if format == "table":
        return to_text(comparisons, encoding=encoding)
    return to_json(comparisons) if format == "json" else to_markdown(comparisons)


def to_text(comparisons: Sequence[Comparison], *, encoding: str = "utf-8") -> str:
    """Return what a terminal with this character set shows."""
    lines = [f"base: {_base(comparisons)}", "", *aligned(*_table(comparisons)), ""]
    for one in comparisons:
        name = wording.display_name(one.new)
        lines += [f"! {name}: {notice}" for notice in _remarks(one)]
    lines += [f"{wording.display_name(one.new)}: {changes.headline(one)}" for one in comparisons]
    return terminal.printable("\n".join(lines), encoding=encoding)


def to_markdown(comparisons: Sequence[Comparison]) -> str:
    """Return the same for a pull request."""
    lines = [f"### {len(comparisons)} runs against {plain(_base(comparisons))}", ""]
    lines += [*piped(*_table(comparisons)), ""]
    for one in comparisons:
        lines.append(f"- **{plain(wording.display_name(one.new))}**: {plain(changes.headline(one))}")
        lines += [f"  - {plain(notice)}" for notice in _remarks(one)]
    return "\n".join(lines)


def to_json(comparisons: Sequence[Comparison]) -> str:
    """Return all comparisons as data: ratios and seconds, nothing rounded."""
    content = {"schema": SCHEMA, "comparisons": [changes.as_data(one) for one in comparisons]}
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _base(comparisons: Sequence[Comparison]) -> str:
    """Return the name of the run that all are compared with."""
    return wording.display_name(comparisons[0].base)


def _remarks(comparison: Comparison) -> Iterator[str]:
    """Yield what to know before a number of one run is quoted: why loops have none, and what else differs."""
    for row in comparison.rows:
        why = changes.reason(row)
        if why is not None:
            yield f"{changes.label(row.cell, comparison)}: {why}"
    yield from changes.notices(comparison)


def _table(comparisons: Sequence[Comparison]) -> tuple[list[str], list[list[str]]]:
    """Return a row for each loop: its step in the base, and how it changed until each of the other runs."""
    rows: dict[Cell, list[Row | None]] = {}
    for place, one in enumerate(comparisons):
        for row in one.rows:
            rows.setdefault(row.cell, [None] * len(comparisons))[place] = row
    several = len({cell.setting for cell in rows}) > 1
    shown = [
        [
            wording.display_name(str(cell) if several else cell.name),
            next(
                (wording.interval_milliseconds(row.base_step) for row in found if row is not None), units.NOT_AVAILABLE
            ),
            *map(_change, found),
        ]
        for cell, found in rows.items()
    ]
    return ["Loop", "base ms", *(wording.display_name(one.new) for one in comparisons)], shown


def _change(row: Row | None) -> str:
    """Return verdict and change of a loop in one run."""
    if row is None:
        return units.NOT_AVAILABLE
    change = "" if row.speed_up is None else f" {wording.ratio_text(row.speed_up)}"
    glyph = wording.GLYPHS[row.verdict]
    return f"{glyph}{change}" if change and str(row.verdict) in change else f"{glyph} {row.verdict}{change}"
