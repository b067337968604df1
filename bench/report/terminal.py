"""The report on a terminal: the answer, one table per group, and how far it can be trusted."""

import os
from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.analysis.verdict import Verdict
from bench.report.model import GroupReport, Report
from bench.report.parts import bars
from bench.report.profiled import levers_text, to_lines
from bench.report.rows import Row
from bench.report.wording import UNAVAILABLE
from bench.text import aligned, columns_of

_USUAL_WIDTH = 100
_NAME_WIDTH = 32
_OTHER_COLUMNS = 68
"""What the other columns take at 80 characters."""
_LEAST_BESIDE = 28
"""What rank, verdict and speed-up take."""

_VALIDATION = "val.\nmetric"
_COLUMNS = (
    ("#", 0),
    ("loop", 0),
    ("verdict", 0),
    ("speed-up", 0),
    ("95 %\ninterval", 64),
    ("ms/\nstep", 48),
    ("samples\n/s", 80),
    ("first\nstep s", 80),
    (_VALIDATION, 80),
    ("what it is", 120),
)
"""Headers, and the narrowest terminal that each is shown on."""

_TITLE = "what it is"

_CHANGE_COLUMNS = 4
"""Loop, verdict, change and interval: what 80 characters carry."""

_STYLES = {"faster": "blue", "slower": "yellow", "baseline": "bold"}
_ASCII = str.maketrans({"▲": "+", "▼": "-", "≈": "=", "✖": "x", "±": "~", "…": ".", "\u2068": "", "\u2069": ""})


def to_text(report: Report, *, console: Console | None = None) -> str:
    """Return what a terminal shows; colours only where the console has them.

    Args:
        report: What to show.
        console: Decides width, colours and character set; standard output when left out.
    """
    console = Console(width=columns_of(os.environ)) if console is None else console
    with console.capture() as capture:
        for part in _parts(report, width=console.width, encoding=console.encoding):
            console.print(part, highlight=False, soft_wrap=False)
    text = "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"
    return printable(text, encoding=console.encoding)


def plain_console() -> Console:
    """Return a console of usual width without colours, wherever this process prints."""
    return Console(file=StringIO(), width=_USUAL_WIDTH, color_system=None, force_terminal=False, force_jupyter=False)


def printable(text: str, *, encoding: str) -> str:
    """Return a text as a terminal with this character set can show it."""
    if encoding.lower().startswith("utf"):
        return text
    return text.translate(_ASCII).encode(encoding, errors="replace").decode(encoding)


def _below(report: Report, *, encoding: str) -> list[RenderableType]:
    """Return where time goes and what to change, where somebody asked."""
    found: list[RenderableType] = []
    for row in (row for group in report.groups for row in group.breakdown):
        found += [Text(), Text(f"{row.loop}, {row.step} ms per step: {row.sentence}")]
        found += [Padding(Text(line), (0, 0, 0, 2)) for line in bars(row, encoding=encoding)]
    if any(group.breakdown for group in report.groups):
        with_profile = [profile.levers for profile in report.explained.profiles]
        asked = [one for one in report.explained.levers if one.items and one not in with_profile]
        found += [Text(line) for one in asked for line in levers_text(one)]
    for profile in report.explained.profiles:
        found += [Text(), *(Text(line) for line in to_lines(profile, encoding=encoding))]
    return found


def _parts(report: Report, *, width: int, encoding: str) -> list[RenderableType]:
    """Return the pieces from top to bottom."""
    decided = report.decision
    above = [] if decided is None else [Text(f"{decided.word}: {decided.sentence}", style="bold"), Text()]
    parts: list[RenderableType] = [*above, Text(report.verdict, style="bold" if decided is None else "")]
    for group in report.groups:
        named = [Text(f"{group.name}:")] if len(report.groups) > 1 else []
        to_type = [] if group.to_type is None else [Text(group.to_type)]
        parts += [*to_type, Text(), *named] if not named else [Text(), *named, *to_type]
        parts += [_table(group, width=width)]
        reasons = [f"{row.glyph} {row.loop}: {row.reason}" for row in group.rows if row.reason]
        parts += [Padding(Text(reason), (0, 0, 0, 2)) for reason in reasons]
    for sweep in report.scaling:
        parts += [Text(), Text(f"Scaling: {sweep.name}:")]
        parts += [Padding(Text(sentence), (0, 0, 0, 2)) for sentence in sweep.conclusions]
    if report.change is not None:
        since = report.change
        rows = aligned(since.columns[:_CHANGE_COLUMNS], [row[:_CHANGE_COLUMNS] for row in since.rows])
        parts += [Text(), *(Text(line) for line in (f"Since {since.base}: {since.headline}", *rows, *since.remarks))]
    parts += _below(report, encoding=encoding)
    for advice in report.advice:
        parts += [Text(), *([Text(f"{advice.group}:")] if len(report.groups) > 1 else []), Text(advice.text)]
    parts.append(Text())
    parts += [Text(f"! {notice.text}") for notice in report.notices if notice.lowers_trust]
    parts.append(Text(report.trust))
    return parts


def _table(group: GroupReport, *, width: int) -> Table:
    """Return one group's table, with as many columns as the width carries."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    # A name is never cut, since names that are can be the same: other columns give way, and then it is folded.
    room = min(_NAME_WIDTH, max(12, width - _OTHER_COLUMNS))
    longer = max(0, max((len(row.loop) for row in group.rows), default=0) - room)
    shown = [header for header, narrowest in _COLUMNS if not narrowest or width - longer >= narrowest]
    titles = {row.loop: row.title for row in group.words}
    if not titles and _TITLE in shown:
        shown.remove(_TITLE)
    if not group.validates and _VALIDATION in shown:
        shown.remove(_VALIDATION)
    for header in shown:
        if header == "loop":
            table.add_column(header, max_width=max(room, width - _LEAST_BESIDE), overflow="fold")
        elif "interval" in header:
            table.add_column(header, min_width=12)
        else:
            table.add_column(header, justify="right" if "\n" in header else "left", no_wrap=True)
    for row in group.rows:
        cells = _cells(row, title=titles.get(row.loop, ""))
        table.add_row(
            *(cells[header] for header in shown),
            style="dim" if row.verdict in (Verdict.FAILED, Verdict.INVALID, UNAVAILABLE) else "",
        )
    return table


def _cells(row: Row, *, title: str) -> dict[str, Text]:
    """Return a row's cells by column."""
    values = (
        row.rank,
        row.loop,
        row.verdict_text,
        row.speed_up,
        row.interval,
        row.step,
        row.samples_per_second,
        row.first_step,
        row.validation_metric,
        title,
    )
    cells = {header: Text(value) for (header, _), value in zip(_COLUMNS, values, strict=True)}
    cells["verdict"].stylize(_STYLES.get(row.verdict, ""))
    return cells
