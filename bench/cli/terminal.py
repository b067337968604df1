"""How a command tells what it does: notices, progress, tables."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from bench.cli.options import Format, cache_folder
from bench.errors import TrialsFailed, UsageError
from bench.text import columns_of, display_name, lines_of

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from bench.records.plan import Plan
    from bench.records.stored_run import Run
    from bench.report import Change
    from bench.runs.progress import Display


__all__ = ["Terminal", "asker", "cache_folder", "change_since", "show", "told_profiles"]


class Terminal:
    """Notices and progress on stderr."""

    def __init__(self) -> None:
        """Open the console; rich honours NO_COLOR and TERM."""
        from rich.console import Console  # noqa: PLC0415 - costs more than the rest of `--help`

        from bench.redaction import redacted  # noqa: PLC0415 - patterns that `--help` does not need

        self._redacted = redacted
        self.console: RichConsole = Console(stderr=True, width=columns_of(os.environ))

    def notice(self, text: str) -> None:
        """Print one line as it is."""
        self.console.print(lines_of(self._redacted(text)), markup=False, highlight=False, soft_wrap=True)

    def display(self, plan: "Plan", *, done: int) -> "Display":
        """Return the progress display."""
        from bench.runs import progress  # noqa: PLC0415

        return progress.for_console(self.console, plan=plan, done=done)


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
    run: "Run", *, folder: Path, reports: Path | None, output_format: Format, base: "Run | None" = None
) -> Path | None:
    """Print the table, write the page, and say where it is; with what changed since another run, if one is given."""
    from bench import report as reporting  # noqa: PLC0415
    from bench.records import profiles  # noqa: PLC0415
    from bench.runs.endings import name_of  # noqa: PLC0415

    change = None if base is None else change_since(base, run)
    report = reporting.build(run, change=change, profiles=profiles.load(folder))
    click.echo(reporting.render(report, format=output_format))
    if report.settling is not None:
        way_on = f"bench run --resume {name_of(folder)} --rounds {report.settling.rounds}"
        click.echo(f"{report.settling.text}: {way_on}", err=True)
    if reports is None:
        return None
    page = reporting.write(run, folder=reports / folder.name, results_folder=folder, report=report)
    click.echo(f"report: {page}", err=True)
    return page


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
    if reports is None:
        return None
    page = reporting.write(run, folder=reports / folder.name, results_folder=folder, report=report)
    click.echo(f"report: {page}", err=True)
    return page


def change_since(base: "Run", run: "Run") -> "Change":
    """Return what a run's report says of the change since an earlier one.

    Raises:
        NothingComparable: If the two were measured on other machines or other data.
    """
    from bench.analysis import two_runs  # noqa: PLC0415
    from bench.report import changes  # noqa: PLC0415

    comparison = two_runs.compare_runs(base, run, margin=run.header.plan.margin, margins=run.header.plan.margins)
    changes.admit(comparison, allow_mismatch=False)
    return changes.told(comparison)
