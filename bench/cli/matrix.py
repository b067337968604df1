"""`bench matrix`: runs of several machines side by side."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from bench.cli.group import main
from bench.cli.options import complete_loops, complete_runs, option, reports_option, results_option
from bench.errors import BenchError, ResultsError
from bench.text import display_name

if TYPE_CHECKING:
    from bench.records.stored_run import Run
    from bench.report.matrix import Matrices

FOLDER = "matrix"
"""Of the page, below those of the reports, where it is not that of one campaign."""


@main.command(short_help="Say whether an order holds on other machines.")
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=complete_runs)
@option("--baseline", metavar="LOOP", shell_complete=complete_loops, help="Loop that the others are compared with.")
@option("--limit", type=click.IntRange(min=2), default=100, show_default=True, help="Without RUN: of so many newest.")
@option("--no-report", is_flag=True, help="Write no page.")
@option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json", "md"]),
    default="table",
    help="What is printed on stdout.",
)
@results_option
@reports_option
def matrix(
    *,
    runs: tuple[str, ...],
    baseline: str | None,
    limit: int,
    no_report: bool,
    output_format: Literal["table", "json", "md"],
    results_dir: Path,
    reports_dir: Path,
) -> None:
    """Say whether an order holds on other machines: loops by machines, and what to use where.

    Takes stored RUNs of several machines, or a campaign of 'bench run --on'; without any, the newest stored ones. Runs
    of other machines are copied here by 'bench runs merge'. Of several runs of one machine the newest counts.

    In each column all stands against the baseline on that machine: nothing is compared across machines. Kendall's W
    says how alike they order the loops; from three machines on, an interval says what one more of them would show.

    Exit code 4 if there are not two machines that trained the same.

    \b
    Examples:
      bench matrix
      bench matrix campaign-20261126-1200-ab12
      bench runs merge from-the-lab/results --yes && bench matrix --baseline torch-fit-stock --format md
    """
    from bench.report import matrix as report  # noqa: PLC0415

    found = report.side_by_side(list(_loaded(results_dir, runs, limit=limit)), baseline=baseline)
    show(found, output_format=output_format)
    if not no_report:
        page_of(found, folder=reports_dir / _folder(results_dir, runs), reports=reports_dir)


def show(found: "Matrices", *, output_format: Literal["table", "json", "md"]) -> None:
    """Print matrices."""
    from bench.cli import listing  # noqa: PLC0415
    from bench.report import matrix as report  # noqa: PLC0415

    width = listing.width(os.environ)
    click.echo(report.render(found, format=output_format, encoding=sys.stdout.encoding, width=width))


def page_of(found: "Matrices", *, folder: Path, reports: Path) -> None:
    """Write the page, and say where it is."""
    from bench.report import matrix_page  # noqa: PLC0415

    click.echo(f"matrix: {matrix_page.write(found, folder=folder, reports=reports)}", err=True)


def _loaded(results: Path, names: Sequence[str], *, limit: int) -> "Iterator[Run]":
    """Yield the runs that were asked for; of many that nobody named, one that cannot be read is told and left out."""
    from bench.records import journal, loading  # noqa: PLC0415

    if names:
        for folder in dict.fromkeys(folder for name in names for folder in _folders(results, name)):
            yield loading.load(folder)
        return
    if not journal.runs(results):
        journal.find(results)  # says so
    found = 0
    for folder in journal.runs(results)[-limit:]:
        try:
            run = loading.load(folder)
        except BenchError as error:
            click.echo(f"left out: {display_name(str(error))}", err=True)
            continue
        found += 1
        yield run
    if not found:
        raise ResultsError(f"{results}: no run can be read, see above")


def _folders(results: Path, name: str) -> list[Path]:
    """Return the folders of the runs that a name stands for: that of a run, or all of a campaign that count."""
    from bench.fleet import record  # noqa: PLC0415
    from bench.records import journal  # noqa: PLC0415

    campaign = record.find(results, name)
    if campaign is None:
        return [journal.find(results, name)]
    last = [part.last for part in record.load(campaign).parts]
    return [campaign.parent / one.run for one in last if one is not None and one.run is not None]


def _folder(results: Path, names: Sequence[str]) -> str:
    """Return where the page goes: to the name of a campaign that was asked for alone."""
    from bench.fleet import record  # noqa: PLC0415

    campaign = record.find(results, names[0]) if len(names) == 1 else None
    return FOLDER if campaign is None else campaign.name
