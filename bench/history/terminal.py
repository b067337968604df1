"""A history for a terminal, and as data."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bench import text
from bench.history import words
from bench.history.events import Judged
from bench.report.wording import setting_name
from bench.text import display_name

SCHEMA = "bench-history/1"
"""Changes whenever a field of the JSON changes its name or meaning."""

HEADER = ("loop", "setting", "machine", "runs", "course", "ms/step", "95 %", "since the last change")


def to_text(judged: Sequence[Judged], *, encoding: str | None) -> str:
    """Return a table with one row per loop, then what happened, oldest first."""
    bars = words.BARS if (encoding or "").lower().replace("-", "") == "utf8" else words.PLAIN_BARS
    lines = text.aligned(HEADER, _shortened([_row(one, bars=bars) for one in judged]))
    alike = words.alike_sentences(judged)
    if alike:
        lines += ["", *alike]
    for one in judged:
        said = [words.event_text(one, event) for event in one.events if event.alike is None]
        said += list(words.notes(one))
        if said:
            lines += ["", f"{_name(one)}:", *(f"  {sentence}" for sentence in said)]
    return "\n".join(lines)


def to_markdown(judged: Sequence[Judged]) -> str:
    """Return the same in Markdown."""
    lines = text.piped(HEADER, [_row(one, bars=words.BARS) for one in judged])
    said = [*words.alike_sentences(judged)]
    said += [
        f"{_name(one)}: {words.event_text(one, event)}" for one in judged for event in one.events if event.alike is None
    ]
    return "\n".join([*lines, "", *(f"- {text.plain(sentence)}" for sentence in said)]).rstrip("\n")


def to_json(judged: Sequence[Judged]) -> str:
    """Return every level and event as data."""
    return json.dumps({"schema": SCHEMA, "series": [plain(one) for one in judged]}, indent=2)


def to_csv(judged: Sequence[Judged]) -> str:
    """Return one row of plain numbers per run of each series."""
    columns, rows = points(judged)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([value.isoformat() if isinstance(value, datetime) else value for value in row] for row in rows)
    return file.getvalue().rstrip("\n")


def points(judged: Sequence[Judged]) -> tuple[Sequence[str], list[list[Any]]]:
    """Return columns, and one row of plain numbers per run of each series."""
    rows = [
        [
            one.series.machine,
            one.series.loop,
            setting_name(one.series.setting),
            point.run,
            point.started,
            point.seconds,
            point.value,
            level.typical.estimate,
        ]
        for one in judged
        for level in one.levels
        for point in one.series.points[level.start : level.stop]
    ]
    return ("machine", "loop", "setting", "run", "started", "step_seconds", "value", "level"), rows


def _row(judged: Judged, *, bars: str) -> list[str]:
    """Return the row of a series."""
    change = judged.last_change
    since = "none found"
    if change is not None:
        alike = " (all loops)" if change.alike is not None else ""
        size = f"{words.change_text(change.ratio)} {words.direction(change.ratio)}{alike}"
        since = f"{size}, {judged.series.points[change.place].started:%Y-%m-%d}"
    return [
        display_name(judged.series.loop),
        setting_name(judged.series.setting),
        display_name(judged.series.title),
        str(len(judged.series.points)),
        words.spark(judged, bars=bars),
        words.level_text(judged),
        words.level_span(judged),
        since,
    ]


def _shortened(rows: list[list[str]]) -> list[list[str]]:
    """Return rows that leave setting and machine out where the row above has the same."""
    shown, above = [], ["", ""]
    for row in rows:
        repeated = row[1:3] == above
        above = row[1:3]
        shown.append([row[0], *(["", ""] if repeated else above), *row[3:]])
    return shown


def _name(judged: Judged) -> str:
    """Return what a series is called."""
    series = judged.series
    return f"{display_name(series.loop)}, {setting_name(series.setting)}, {display_name(series.title)}"


def plain(judged: Judged) -> dict[str, Any]:
    """Return a series as data."""
    series, points = judged.series, judged.series.points
    return {
        "machine": series.machine,
        "loop": series.loop,
        "setting": setting_name(series.setting),
        "unit": "multiples of the kernel's step" if series.calibrated else "seconds",
        "unit_seconds": series.unit_seconds,
        "runs": len(points),
        "spread": judged.spread,
        "levels": [
            {
                "first": points[level.start].run,
                "last": points[level.stop - 1].run,
                "value": level.typical.estimate,
                "low": level.typical.low,
                "high": level.typical.high,
            }
            for level in judged.levels
        ],
        "events": [
            {
                "kind": "step" if event.per_run is None else "creep",
                "run": points[event.place].run,
                "earliest": points[event.earliest].run,
                "latest": points[event.latest].run,
                "ratio": event.ratio.estimate,
                "low": event.ratio.low,
                "high": event.ratio.high,
                "all_loops_alike": event.alike is not None,
                "changed": list(event.changed),
            }
            for event in judged.events
        ],
        "breaks": [{"run": points[one.place].run, "what": one.what} for one in judged.breaks],
    }
