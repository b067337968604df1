"""Histories as pages that need no script: `history/index.html`, and its list of runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from bench import units
from bench.files import PAGE, pages_of, write_whole
from bench.history import FOLDER, RUNS, picture, words
from bench.history.events import Event, Judged
from bench.history.index import Index
from bench.report import plain_page
from bench.report.wording import setting_name
from bench.text import display_name

_TEMPLATES = Path(__file__).parent / "templates"
_ROWS = Markup("<!-- rows -->")

READING = (
    "Each picture is one loop in one setting on one machine, oldest run on the left, up is slower.",
    "Steps are multiples of the kernel's step in the same rounds, shown in milliseconds at the machine's usual speed.",
    "So a machine that ran faster or slower on one day changes nothing.",
    "A change gains more than chance does in one of a hundred flat series; its whole 95 % interval is beyond {margin}.",
    "Where it has two days, it may have happened on any of them, or between.",
    "A dotted line: from there on another thing is measured, and levels on either side are not compared.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """A run in a list of runs."""

    run: str
    started: str
    name: str
    machine: str
    commit: str
    complete: bool


def rows_of(index: Index) -> list[RunRow]:
    """Return all runs, newest first."""
    query = "SELECT run, started, name, machine_title, commit, complete FROM run_rows ORDER BY started DESC, run DESC"
    return [
        RunRow(
            run=run,
            started=f"{started:%Y-%m-%d %H:%M}" if started else units.NOT_AVAILABLE,
            name=name or "",
            machine=machine,
            commit=(commit or "")[:10],
            complete=complete,
        )
        for run, started, name, machine, commit, complete in index.rows(query)
    ]


def write(judged: Sequence[Judged], *, runs: Sequence[RunRow], reports: Path, margin: float) -> Path:
    """Write the page of histories and the list of runs.

    Args:
        judged: What to show, in order.
        runs: All runs, newest first.
        reports: Folder of pages; theirs go into `history` in it, and lead to those of runs that are there.
        margin: As the changes were judged.

    Returns:
        The path of index.html, which is written last.
    """
    folder = reports / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    addresses = {run: f"../{quote(run)}/index.html" for run in pages_of(reports)}
    write_whole(folder / RUNS, runs_page(runs, addresses=addresses, back=PAGE, title="All runs").encode())
    write_whole(folder / PAGE, to_html(judged, addresses=addresses, margin=margin).encode())
    return folder / PAGE


def to_html(judged: Sequence[Judged], *, addresses: Mapping[str, str], margin: float) -> str:
    """Return the page of histories.

    Args:
        judged: What to show; neighbours of one machine, and of one setting, stand together.
        addresses: Run -> address of its page, where it has one.
        margin: As the changes were judged.
    """
    numbered = list(enumerate(judged, start=1))
    sections = [
        {
            "title": display_name(of_machine[0][1].series.title),
            "groups": [
                {"title": title, "figures": [_figure(one, number=number, addresses=addresses) for number, one in group]}
                for title, group in groupby(of_machine, key=lambda pair: setting_name(pair[1].series.setting))
            ],
        }
        for _, of_machine in ((key, list(group)) for key, group in groupby(numbered, key=lambda p: p[1].series.machine))
    ]
    runs = {point.run for one in judged for point in one.series.points}
    return plain_page.render(
        "history.html.j2",
        templates=_TEMPLATES,
        title="History of step times",
        headlines=headlines(judged),
        summary=f"{len(runs):,} runs, {len(judged)} {'series' if len(judged) != 1 else 'loop'}.",
        alike=words.alike_sentences(judged),
        sections=sections,
        reading=[line.format(margin=units.percent(margin)) for line in READING],
    )


def headlines(judged: Sequence[Judged]) -> list[str]:
    """Return the newest changes in a sentence each, at most three; or that there are none."""
    dated = [
        (one.series.points[event.place].started, one, event)
        for one in judged
        for event in one.events
        if event.alike is None
    ]
    dated.sort(key=lambda item: item[0], reverse=True)
    lines = [
        f"{display_name(one.series.loop)} {words.change_text(event.ratio)} {words.direction(event.ratio)} "
        f"since {started:%Y-%m-%d}"
        for started, one, event in dated[:3]
    ]
    if len(dated) > len(lines):
        lines.append(f"and {len(dated) - len(lines)} earlier changes")
    return lines or ["No loop changed by itself."]


def runs_page(runs: Iterable[RunRow], *, addresses: Mapping[str, str], back: str, title: str) -> str:
    """Return a list of runs as a page; its rows are put in last, since none of their words is in the glossary."""
    page = plain_page.render(
        "runs.html.j2", templates=_TEMPLATES, title=title, back=back, back_text="Histories", rows=_ROWS
    )
    return page.replace(_ROWS, "\n".join(_run_row(run, addresses=addresses) for run in runs))


def _run_row(run: RunRow, *, addresses: Mapping[str, str]) -> str:
    """Return a row of a list of runs; ten thousand of them take Jinja a second."""
    shown = escape(display_name(run.run))
    if run.run in addresses:
        shown = f'<a href="{escape(addresses[run.run])}">{shown}</a>'
    texts = (run.started, run.name, run.machine, run.commit, "complete" if run.complete else "incomplete")
    return f'<tr><th scope="row">{shown}</th>{"".join(map(_cell, texts))}</tr>'


@lru_cache(maxsize=4096)
def _cell(text: str) -> str:
    """Return a cell of a table; names, machines and commits come again and again."""
    return f"<td>{escape(display_name(text))}</td>"


def _figure(judged: Judged, *, number: int, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return a picture with what stands around it."""
    return {
        "anchor": f"series-{number}",
        "loop": display_name(judged.series.loop),
        "now": f"{words.level_text(judged)} ms a step ({words.level_span(judged)})",
        "svg": Markup(picture.draw(judged, addresses=addresses)),  # noqa: S704 - escaped there
        "caption": picture.caption(judged),
        "events": [_told(judged, event, addresses=addresses) for event in judged.events],
        "notes": list(words.notes(judged)),
    }


def _told(judged: Judged, event: Event, *, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return an event with its size apart, for its colour."""
    text = words.event_text(judged, event)
    size = f"{words.change_text(event.ratio)} {words.direction(event.ratio)}"
    if not text.startswith(size):
        size = f"creeping {words.direction(event.ratio)}"
    return {
        "direction": words.direction(event.ratio),
        "size": size,
        "rest": text.removeprefix(size).lstrip(" ,"),
        "address": addresses.get(judged.series.points[event.place].run),
    }
