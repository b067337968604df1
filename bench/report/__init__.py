"""Reports of stored runs.

build     the model: everything a report says, as data
render    the model as a terminal table, JSON, CSV or Markdown
write     a folder with the page, the model, Markdown and plots
"""

import hashlib
import os
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from bench.files import write_all
from bench.records.lines import JOURNAL
from bench.records.profiles import FLAME_GRAPH
from bench.records.stored_run import Run
from bench.report.model import Change, DataFile, Report, build

if TYPE_CHECKING:
    from bench.report.plots import Columns

__all__ = ["Change", "DataFile", "Report", "build", "render", "write"]

LARGEST_FLAME_BYTES = 2 << 20
"""Of a flame graph that is shown in the page; it is linked to anyway."""

Format = Literal["table", "json", "csv", "md", "latex"]

# pandas, matplotlib and Jinja2 take a second to import: only what is asked for is loaded.


def render(report: Report, *, format: Format) -> str:  # noqa: A002 - the option is called `--format`
    """Return the report as text.

    Args:
        report: As `build` returned it.
        format: "table" for a terminal, "json" for the model, "csv" for one row of plain numbers per cell, "md" for
            a pull request, "latex" for a paper.
    """
    if format == "table":
        from bench.report import terminal  # noqa: PLC0415

        return terminal.to_text(report)
    if format == "csv":
        from bench.report import tables  # noqa: PLC0415

        return tables.to_csv(report)
    if format == "latex":
        from bench.report import latex  # noqa: PLC0415

        return latex.to_latex(report)
    from bench.report import page  # noqa: PLC0415

    return page.to_json(report) if format == "json" else page.to_markdown(report)


def write(
    run: Run, *, folder: Path, results_folder: Path, report: Report | None = None, paper: "Columns | None" = None
) -> Path:
    """Write report.json, report.md, index.html and the plots; equal runs give equal bytes.

    Args:
        run: As it was read back.
        folder: Where the page goes; made if it is not there.
        results_folder: Where this run's raw data lie; the page links to the files in it.
        report: As `build` returned it for this run, where that is at hand.
        paper: How many of a page's two columns pictures for print are wide, which are then written as PDF as well.

    Returns:
        The path of index.html, which is written last.

    Raises:
        FileTrouble: If the folder cannot be written; the files of an earlier report are then as they were.
    """
    from bench.report import page, pictures, plots, provenance  # noqa: PLC0415

    # A path from the root would be this machine's business.
    place = None if results_folder.is_absolute() else results_folder.as_posix()
    report = replace(
        build(run) if report is None else report,
        files=tuple(_raw_files(results_folder, folder=folder)),
        commands=provenance.commands(run, place=place),
        citation=provenance.citation(run, sha256=_sha256(results_folder / JOURNAL)),
    )
    source = report.source
    flames = {one.folder: flame for one in report.explained.profiles if (flame := _flame(results_folder / one.folder))}
    drawn = [plots.draw(group, suffix=str(n), source=source) for n, group in enumerate(report.groups, start=1)]
    swept = [plots.draw_scaling(sweep, suffix=str(n), source=source) for n, sweep in enumerate(report.scaling, start=1)]
    generated = [pictures.draw(group, suffix=str(number)) for number, group in enumerate(report.groups, start=1)]
    contents: dict[str, bytes] = {f"{one.name}.png": one.png for group in generated for one in group}
    for plot in (plot for group in [*drawn, swept] for plot in group):
        contents |= {f"{plot.name}.svg": plot.svg.encode(), f"{plot.name}.png": plot.png}
    if paper is not None:
        contents |= plots.paper(report, columns=paper)
    contents["report.json"] = page.to_json(report).encode()
    contents["report.md"] = page.to_markdown(report).encode()
    contents["index.html"] = page.to_html(
        report,
        plots=drawn,
        scaling=swept,
        pictures=generated,
        flames=flames,
        results_address=quote(_way(results_folder, folder=folder)),
    ).encode()
    write_all(folder, contents)
    return folder / "index.html"


def _sha256(file: Path) -> str | None:
    """Return the hash of a file; None where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def _raw_files(results_folder: Path, *, folder: Path) -> list[DataFile]:
    """Return the files of a stored run, with addresses relative to the page."""
    if not results_folder.is_dir():
        return []
    names = sorted(path.name for path in results_folder.iterdir() if path.is_file() and not path.name.startswith("."))
    way = _way(results_folder, folder=folder)
    return [DataFile(name=name, address=quote(f"{way}/{name}")) for name in names]


def _way(results_folder: Path, *, folder: Path) -> str:
    """Return the way from a page's folder to that of the run."""
    return os.path.relpath(os.path.realpath(results_folder), os.path.realpath(folder)).replace(os.sep, "/")


def _flame(folder: Path) -> str:
    """Return a profile's flame graph as a `data:` address, or nothing; as a picture it runs no script."""
    path = folder / FLAME_GRAPH
    if not path.is_file() or path.stat().st_size > LARGEST_FLAME_BYTES:
        return ""
    return f"data:image/svg+xml;base64,{b64encode(path.read_bytes()).decode()}"
