"""Render the report as one self-contained HTML page and as Markdown for a pull request."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from bench.report import glossary, svg, tables
from bench.report.model import GroupReport, Report
from bench.report.pictures import Picture
from bench.report.plots import Plot
from bench.report.sweep import ScalingReport
from bench.report.tables import Table
from bench.text import plain

MARKDOWN_LIMIT = 65_536
"""Characters that GitHub accepts in a comment."""

_KEPT_ROWS = (1000, 300, 100, 40, 15, 5, 1)
_SHORT_COLUMNS = 6
"""Of the main table, what is shown before anything is opened: rank to milliseconds."""
_TEXT_COLUMNS = (
    *("Verdict", "Speed-up", "95 % interval", "Ahead of baseline", "Reason", "Value", "Loop", "What"),
    *("Change", "Different", "base", "new", "", "What it is", "In place of plain fit()"),
    *("Where it goes", "In a sentence", "Alone", "Change to", "Gain", "What to type", "Not when", "Group"),
)
_WRAPPING_COLUMNS = ("Speed-up", "95 % interval")
_PROSE_COLUMNS = ("Where it goes", "In a sentence", "Alone", "Change to", "Gain", "What to type", "Not when")
_MARKDOWN_COLUMNS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A group with its tables and plots, as the templates want it."""

    group: GroupReport
    loops: Table
    words: Table | None
    failures: Table | None
    start_up: Table
    work: Table
    memory: Table
    limit: Table | None
    breakdown: Table | None
    plots: dict[str, Plot]
    """By kind: "speed-up", "step-time", "trace", "break-even"."""
    pictures: Sequence[Picture]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """Groups side by side, as the templates want them."""

    report: ScalingReport
    table: Table
    plot: Plot | None
    """None in Markdown, which shows no pictures."""


def to_html(
    report: Report,
    *,
    plots: Sequence[Sequence[Plot]],
    scaling: Sequence[Plot],
    pictures: Sequence[Sequence[Picture]],
    flames: Mapping[str, str] = MappingProxyType({}),
    results_address: str = ".",
) -> str:
    """Return the page.

    Args:
        report: What to show.
        plots: One sequence per group, in order; empty where there is nothing to draw.
        scaling: One for each sweep.
        pictures: One sequence per group, what generators drew.
        flames: Folder of a profile -> its flame graph, as a `data:` address.
        results_address: Of the run's folder, relative to the page.
    """
    sections = [_section(*parts) for parts in zip(report.groups, plots, pictures, strict=True)]
    files = [f"{plot.name}.{ending}" for group in plots for plot in group for ending in ("svg", "png")]
    files += [f"{plot.name}.{ending}" for plot in scaling for ending in ("svg", "png")]
    files += [f"{picture.name}.png" for group in pictures for picture in group]
    text = (
        _environment()
        .get_template("index.html.j2")
        .render(
            words_place=glossary.PLACE,
            report=report,
            sections=sections,
            sweeps=[
                Sweep(report=sweep, table=tables.scaling(sweep), plot=plot)
                for sweep, plot in zip(report.scaling, scaling, strict=True)
            ],
            provenance=tables.provenance(report),
            change=None if report.change is None else tables.change(report.change),
            levers=tables.levers(report),
            flames=flames,
            results_address=results_address,
            own_files=["report.json", "report.md", *files],
            light=svg.COLOURS,
            dark=svg.DARK,
            short_columns=_SHORT_COLUMNS,
            text_columns=_TEXT_COLUMNS,
            wrapping_columns=_WRAPPING_COLUMNS,
            prose_columns=_PROSE_COLUMNS,
            data=Markup(_script_json(to_json(report))),  # noqa: S704 - escaped by `_script_json`
        )
    )
    return glossary.linked(text)


def to_markdown(report: Report, *, limit: int = MARKDOWN_LIMIT) -> str:
    """Return Markdown of at most so many characters; what is cut is counted in it.

    Args:
        report: What to show.
        limit: Characters that the reader's tool accepts.
    """
    template = _environment().get_template("report.md.j2")
    sections = [_section(group, (), ()) for group in report.groups]
    sweeps = [Sweep(report=sweep, table=tables.scaling(sweep), plot=None) for sweep in report.scaling]
    text = ""
    for kept in _KEPT_ROWS:
        text = template.render(
            report=report,
            sections=sections,
            sweeps=sweeps,
            provenance=tables.provenance(report),
            change=None if report.change is None else tables.change(report.change),
            levers=tables.levers(report),
            kept=kept,
            width=_MARKDOWN_COLUMNS,
            text_columns=_TEXT_COLUMNS,
        )
        if len(text) <= limit:
            break
    return text.rstrip("\n") + "\n"


def to_json(report: Report) -> str:
    """Return the model as JSON, indented, non-finite numbers as null."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def _section(group: GroupReport, drawn: Sequence[Plot], pictures: Sequence[Picture]) -> Section:
    """Collect what the templates show of one group."""
    return Section(
        group=group,
        loops=tables.loops(group),
        words=tables.words(group),
        failures=tables.failures(group),
        start_up=tables.start_up(group),
        work=tables.work(group),
        memory=tables.memory(group),
        limit=tables.limit(group),
        breakdown=tables.breakdown(group),
        plots={plot.kind: plot for plot in drawn},
        pictures=pictures,
    )


@cache
def _environment() -> Environment:
    """Return the templates; HTML escapes by itself, Markdown by its own filter."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": _code, "breakable": _breakable, "verbatim": _verbatim, "markdown": plain}
    return environment


def _code(text: str) -> Markup:
    """Return escaped text with `back-ticked` parts as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _breakable(text: str) -> Markup:
    """Return an escaped name that may be broken after an underscore."""
    return Markup(str(escape(text)).replace("_", "_<wbr>"))  # noqa: S704 - escaped before


def _verbatim(text: str) -> Markup:
    """Return an SVG of ours, whose names matplotlib and `bench.report.svg` have escaped."""
    return Markup(text)  # noqa: S704 - escaped before


def _script_json(text: str) -> str:
    """Return JSON that cannot end or open an element, nor hold a line break that JavaScript does not expect."""
    compact = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", compact)
