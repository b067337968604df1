"""Commands about many stored runs: history, publish, sql."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from bench.cli.group import main
from bench.cli.options import (
    Format,
    Percent,
    complete_loops,
    complete_workloads,
    format_option,
    option,
    reports_option,
    results_option,
)

margin_option = option(
    "--margin",
    type=Percent(),
    default=0.0075,
    show_default="0.75",
    help="Smallest change in per cent that is told.",
)


@main.command(short_help="Say since when a LOOP is slower or faster.")
@click.argument("loops", nargs=-1, metavar="[LOOP]...", shell_complete=complete_loops)
@option("--workload", metavar="WORKLOAD", shell_complete=complete_workloads, help="Only what trained this.")
@option(
    "--machine",
    metavar="NAME",
    envvar=None,
    help="Only runs of this machine: its name, or the beginning of its fingerprint.",
)
@option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only runs since this day.")
@option(
    "--by",
    type=click.Choice(["run", "commit", "date"]),
    default="run",
    help="What a point is; runs of one commit or day in a row become one.",
)
@margin_option
@option("--no-report", is_flag=True, help="Write no page.")
@results_option
@reports_option
@format_option
def history(
    *,
    loops: tuple[str, ...],
    workload: str | None,
    machine: str | None,
    since: datetime | None,
    by: Literal["run", "commit", "date"],
    margin: float,
    no_report: bool,
    results_dir: Path,
    reports_dir: Path,
    output_format: Format,
) -> None:
    """Say since when a LOOP is slower or faster, from all stored runs, and write reports/history/index.html.

    Steps are multiples of the kernel that every run measures, so a machine at another speed is no change. A change is
    told if its whole interval is beyond the margin. Where all loops of a machine moved alike, that is said once.

    \b
    Examples:
      bench history
      bench history tf-fit --machine nightly --since 2026-10-01
      bench history --by commit --format json
    """
    from bench.history import answers  # noqa: PLC0415
    from bench.history.series import Wanted  # noqa: PLC0415

    wanted = Wanted(loops=loops, workload=workload, machine=machine, since=since, by=by)
    told = answers.ask(
        results_dir,
        wanted,
        reports=None if no_report else reports_dir,
        margin=margin,
        output_format=output_format,
        encoding=sys.stdout.encoding,
        tell=_tell,
    )
    click.echo(told.text)
    if told.page is not None:
        click.echo(f"history: {told.page}", err=True)


@main.command(short_help="Write a static site of all runs into FOLDER.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@option("--render", type=click.IntRange(min=0), default=20, help="Pages to write for the newest runs without one.")
@margin_option
@results_option
@reports_option
def publish(*, folder: Path, render: int, margin: float, results_dir: Path, reports_dir: Path) -> None:
    """Write a static site into FOLDER: all runs, their histories and pages. Any web server can serve it.

    \b
    Example:
      bench publish public
    """
    from bench.history import site  # noqa: PLC0415

    written = site.publish(results_dir, folder, reports=reports_dir, render=render, margin=margin, tell=_tell)
    click.echo(written)


@main.command(short_help="Ask all stored runs a QUERY in SQL.")
@click.argument("query")
@results_option
@format_option
def sql(*, query: str, results_dir: Path, output_format: Format) -> None:
    """Ask all stored runs a QUERY in SQL, as DuckDB understands it.

    Tables: runs, machines, loops (one row per run and loop), trials (one per process), blocks, calibration (processes
    of the kernel) and problems (runs that cannot be read); docs/history.md has their columns. They are kept in an index
    beside the runs, which is brought up to date first.

    \b
    Examples:
      bench sql "select run, step_seconds from loops where loop = 'tf-fit' order by started"
      bench sql "describe loops"
      bench sql "select * from trials where failure is not null" --format csv
    """
    from bench.history import asked  # noqa: PLC0415

    click.echo(asked.render(results_dir, query, output_format=output_format, tell=_tell))


def _tell(line: str) -> None:
    """Print a line on stderr."""
    click.echo(line, err=True)
