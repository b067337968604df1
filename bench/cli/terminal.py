"""How a command tells what it does: questions, tables, pages."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from bench.cli.options import ResultFormat, cache_folder
from bench.errors import TrialsFailed, UsageError
from bench.runs.console import Terminal
from bench.text import display_name

if TYPE_CHECKING:
    from bench.records.stored_run import Run
    from bench.report import Report
    from bench.report.plots import Columns


__all__ = ["Terminal", "asker", "cache_folder", "show", "told_profiles"]


def asker(*, yes: bool) -> Callable[[str], None]:
    """Return what asks a person whether code that a stored run names may be run.

    Args:
        yes: Whether the answer was given beforehand.
    """

    def ask(question: str) -> None:
        if yes:
            return
        asked = f"{question}; look at them first"
        if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"{asked}, then give --yes")
        if not click.confirm(display_name(f"{asked}. Run them?"), err=True):
            raise UsageError("nothing was run, and the run is as it was")

    return ask


def show(
    run: "Run",
    *,
    folder: Path,
    reports: Path | None,
    output_format: ResultFormat,
    base: "Run | None" = None,
    paper: "Columns | None" = None,
) -> Path | None:
    """Print the table, write the page, and say where it is.

    Args:
        run: What was measured.
        folder: Where it is stored.
        reports: Where pages go; None writes none.
        output_format: What is printed.
        base: An earlier run, where what changed since is shown as well.
        paper: How many columns of a page pictures are wide that are written as PDF as well.
    """
    from bench import report as reporting  # noqa: PLC0415
    from bench.records import decisions, profiles  # noqa: PLC0415
    from bench.runs.endings import name_of  # noqa: PLC0415

    change = None
    if base is not None:
        from bench.report import changes  # noqa: PLC0415

        apart = changes.sessions_beside(run, results=folder.parent, but=[base.header.run_id])
        change = changes.since(base, run, apart=apart)
    decided = decisions.load(folder)
    report = reporting.build(run, change=change, profiles=profiles.load(folder), decision=decided)
    click.echo(reporting.render(report, format=output_format))
    if report.settling is not None:
        way_on = f"bench run --resume {name_of(folder)} --rounds {report.settling.rounds}"
        click.echo(f"{report.settling.text}: {way_on}", err=True)
    return _page(run, report, folder=folder, reports=reports, paper=paper)


def told_profiles(folder: Path, *, reports: Path | None, output_format: Literal["table", "json"]) -> Path | None:
    """Print the profiles of a run and what to change, write its page, and say where both are.

    Raises:
        TrialsFailed: If nothing could be profiled.
    """
    from bench import report as reporting  # noqa: PLC0415
    from bench.records import loading, profiles  # noqa: PLC0415
    from bench.report import profiled  # noqa: PLC0415

    run = loading.load(folder)
    report = reporting.build(run, profiles=profiles.load(folder))
    if not report.explained.profiles:
        raise TrialsFailed(f"nothing was profiled, see above; what its process said is in {folder / 'logs'}")
    click.echo(profiled.render(report.explained.profiles, format=output_format, encoding=sys.stdout.encoding))
    for one in report.explained.profiles:
        click.echo(f"trace and stacks: {folder / one.folder}", err=True)
    return _page(run, report, folder=folder, reports=reports)


def _page(
    run: "Run", report: "Report", *, folder: Path, reports: Path | None, paper: "Columns | None" = None
) -> Path | None:
    """Write the page where pages go, and say where it is."""
    from bench import report as reporting  # noqa: PLC0415

    if reports is None:
        return None
    page = reporting.write(run, folder=reports / folder.name, results_folder=folder, report=report, paper=paper)
    click.echo(f"report: {page}", err=True)
    return page
