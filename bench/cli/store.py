"""Commands that take care of what is stored: baseline, runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan
from pathlib import Path

import click

from bench import units
from bench.cli.group import main
from bench.cli.options import complete_runs, option, results_option

yes_option = option("--yes", is_flag=True, help="Do it; without it, only what would be done is said.")


@main.command(short_help="Give a stored RUN a NAME.")
@click.argument("name")
@click.argument("run", required=False, shell_complete=complete_runs)
@option("--forget", is_flag=True, help="Take the NAME away.")
@results_option
def baseline(*, name: str, run: str | None, forget: bool, results_dir: Path) -> None:
    """Give a stored RUN (the newest by default) a NAME: it is compared with by that name, and never deleted.

    \b
    Examples:
      bench baseline v1.2 20261121-0900
      bench gate --against v1.2 --creep 5
      bench baseline v1.2 --forget
    """
    from bench.records import baselines, journal  # noqa: PLC0415

    if forget:
        baselines.forget(results_dir, baseline=name)
        click.echo(f"no run is called {name} any more")
        return
    found = baselines.name(results_dir, baseline=name, run=run or journal.find(results_dir).name)
    click.echo(f"{name} is {found}")


@main.group(short_help="Take care of stored runs.")
def runs() -> None:
    """Take care of stored runs: delete some, keep so many, take over those of another folder.

    \b
    Examples:
      bench runs rm 20261121-0900
      bench runs keep --days 365 --yes
      bench runs merge downloaded/results --yes
    """


@runs.command()
@click.argument("names", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_runs)
@yes_option
@results_option
def rm(*, names: tuple[str, ...], yes: bool, results_dir: Path) -> None:
    """Delete stored RUNs; a baseline is never deleted.

    \b
    Example:
      bench runs rm 20261121-0900 --yes
    """
    from bench.records import care, journal  # noqa: PLC0415

    folders = list(dict.fromkeys(journal.find(results_dir, name) for name in names))
    care.refuse_baselines(results_dir, folders)
    _delete(folders, yes=yes)


@runs.command()
@option("--days", type=click.FloatRange(min=0), help="Keep runs of the last so many days.")
@option("--count", type=click.IntRange(min=1), help="Of those, keep so many of the newest.")
@yes_option
@results_option
def keep(*, days: float | None, count: int | None, yes: bool, results_dir: Path) -> None:
    """Delete all runs but those of the last days, or so many of the newest; a baseline is never deleted.

    \b
    Example:
      bench runs keep --days 365 --count 1000
    """
    from bench.records import care  # noqa: PLC0415

    if days is None and count is None:
        raise click.UsageError("give --days, --count or both")
    if days is not None and isnan(days):
        raise click.UsageError("--days: nan is no number of days")
    _delete(care.unwanted(results_dir, days=days, count=count, now=datetime.now(UTC)), yes=yes)


@runs.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@yes_option
@results_option
def merge(*, folder: Path, yes: bool, results_dir: Path) -> None:
    """Copy the runs of another results FOLDER into this one; what is here stays as it is.

    \b
    Example:
      bench runs merge downloaded/results --yes
    """
    from bench.records import care  # noqa: PLC0415

    found = care.plan_merge(results_dir, folder)
    for what, folders in (
        ("already here", found.present),
        ("another run of this name is here, left alone", found.different),
        ("cannot be read, left alone", found.unreadable),
    ):
        for one in folders:
            click.echo(f"{one.name}: {what}", err=True)
    if yes:
        care.merge(results_dir, found)
    _say([f"{one.name}: {'copied' if yes else 'would be copied'}" for one in found.new], yes=yes)


def _delete(folders: Sequence[Path], *, yes: bool) -> None:
    """Delete runs, or say which would be."""
    from bench.records import care  # noqa: PLC0415

    lines = [
        f"{folder.name}: {'deleted' if yes else 'would be deleted'}, {units.mebibytes(care.size(folder))} MiB"
        for folder in folders
    ]
    if yes:
        care.remove(folders)
    _say(lines, yes=yes)


def _say(lines: Sequence[str], *, yes: bool) -> None:
    """Print what was done, or what would be and how."""
    click.echo("\n".join(lines) if lines else "nothing to do")
    if lines and not yes:
        click.echo("nothing was changed; --yes does it", err=True)
