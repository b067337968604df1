"""Two stored runs side by side: differences first, then rows, then the sentence, in the same words everywhere."""

from collections.abc import Sequence

import msgspec

from bench import units
from bench.report import terminal, wording
from bench.report.model import Change
from bench.report.two_runs import Comparison, Row, label
from bench.text import aligned, piped, plain

_COLUMNS = ("Loop", "Verdict", "Change", "95 % interval", "Raw", "Before ms", "After ms", "Rounds")


_Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Headers and rows of text."""


def to_text(comparison: Comparison, *, encoding: str = "utf-8") -> str:
    """Return what a terminal with this character set shows."""
    lines = [f"base: {comparison.base}", f"new:  {comparison.new}", ""]
    lines += [*aligned(*_differences(comparison)), ""]
    lines += [*aligned(*_rows(comparison)), *(f"  {reason}" for reason in _reasons(comparison)), ""]
    lines += [*(f"! {notice}" for notice in comparison.notices), comparison.headline]
    return terminal.printable("\n".join(lines), encoding=encoding)


def to_markdown(comparison: Comparison) -> str:
    """Return the same for a pull request; what is alike in both runs is left out."""
    lines = [f"### {plain(comparison.headline)}", ""]
    lines += [f"Base: {plain(comparison.base)}. New: {plain(comparison.new)}.", ""]
    lines += [*piped(*_differences(comparison)), "", *piped(*_rows(comparison)), ""]
    lines += [f"- {plain(text)}" for text in (*_reasons(comparison), *comparison.notices)]
    return "\n".join(lines).rstrip()


def told(comparison: Comparison) -> Change:
    """Return the same as a part of the newer run's report."""
    difference_columns, differences = _differences(comparison)
    columns, rows = _rows(comparison)
    return Change(
        base=comparison.base,
        headline=comparison.headline,
        difference_columns=tuple(difference_columns),
        differences=tuple(tuple(row) for row in differences),
        columns=tuple(columns),
        rows=tuple(tuple(row) for row in rows),
        remarks=(*_reasons(comparison), *comparison.notices),
    )


def to_json(comparison: Comparison) -> str:
    """Return the comparison as data: ratios and seconds, nothing rounded."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode()


def _differences(comparison: Comparison) -> _Table:
    """Return what is not the same in both runs."""
    rows = [(one.what, one.base, one.new, "not alike" if one.mismatch else "") for one in comparison.differences]
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
        if row.reason is not None:
            told.append(f"{name}: {row.reason}")
        elif row.rounds_to_settle is not None:
            told.append(f"{name}: about {row.rounds_to_settle} rounds in each run would settle it")
    return told
