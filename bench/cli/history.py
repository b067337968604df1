"""Commands about many stored runs: sql."""

from pathlib import Path

import click

from bench.cli.group import main
from bench.cli.options import Format, format_option, results_option


@main.command()
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
