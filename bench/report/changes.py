"""Two stored runs side by side: differences first, then rows, then the sentence, in the same words everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bench import units
from bench.across import Comparison, Row, label
from bench.markdown import plain
from bench.report import terminal, wording

_COLUMNS = ("Loop", "Verdict", "Change", "95 % interval", "Raw", "Before ms", "After ms", "Rounds")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """Headers and rows of text; no rows, no table."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def to_text(comparison: Comparison, *, encoding: str = "utf-8") -> str:
    """Return what a terminal with this character set shows."""
    lines = [f"base: {comparison.base}", f"new:  {comparison.new}", ""]
    lines += [*_aligned(_differences(comparison)), ""]
    lines += [*_aligned(_rows(comparison)), *(f"  {reason}" for reason in _reasons(comparison)), ""]
    lines += [*(f"! {notice}" for notice in comparison.notices), comparison.headline]
    return terminal.printable("\n".join(lines), encoding=encoding)


def to_markdown(comparison: Comparison) -> str:
    """Return the same for a pull request; what is alike in both runs is left out."""
    lines = [f"### {plain(comparison.headline)}", ""]
    lines += [f"Base: {plain(comparison.base)}. New: {plain(comparison.new)}.", ""]
    lines += [*_piped(_differences(comparison)), "", *_piped(_rows(comparison)), ""]
    lines += [f"- {plain(text)}" for text in (*_reasons(comparison), *comparison.notices)]
    return "\n".join(lines).rstrip()


def to_json(comparison: Comparison) -> str:
    """Return the comparison as data: ratios and seconds, nothing rounded."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode()


def _differences(comparison: Comparison) -> _Table:
    """Return what is not the same in both runs."""
    return _Table(
        header=("Different", "base", "new", ""),
        rows=[(one.what, one.base, one.new, "not alike" if one.mismatch else "") for one in comparison.differences]
        or [("nothing that is recorded", "", "", "")],
    )


def _rows(comparison: Comparison) -> _Table:
    """Return one row per loop; the change is of calibrated times where these decide, raw ones beside it."""
    return _Table(header=_COLUMNS, rows=[_row(row, name=label(row.cell, comparison)) for row in comparison.rows])


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
        if row.reason is not None:
            told.append(f"{name}: {row.reason}")
        elif row.rounds_to_settle is not None:
            told.append(f"{name}: about {row.rounds_to_settle} rounds in each run would settle it")
    return told


def _aligned(table: _Table) -> list[str]:
    """Return a table in columns of equal width."""
    lines = [table.header, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return [line.rstrip() for line in padded]


def _piped(table: _Table) -> list[str]:
    """Return a table in Markdown."""
    lines = [table.header, tuple("---" for _ in table.header), *(tuple(map(plain, row)) for row in table.rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
