"""Commands that read what is stored: report, export, compare."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from bench.cli.group import main
from bench.cli.options import (
    ResultFormat,
    complete_runs,
    margin_option,
    option,
    reports_option,
    result_format_option,
    results_option,
)
from bench.cli.terminal import show
from bench.errors import BenchError, NothingComparable, ResultsError
from bench.text import display_name

if TYPE_CHECKING:
    from bench.report.export.document import Format as Target
    from bench.report.plots import Columns

FAIL_ON = {"slower": 1, "unclear": 3, "removed": 4}
"""Verdict -> exit code where it is to fail; the gravest first."""


@main.command(short_help="Write tables, plots and pages of stored RUNs again.")
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=complete_runs)
@option("--baseline", metavar="RUN", shell_complete=complete_runs, help="Show what changed since this run as well.")
@option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
@option(
    "--pdf",
    "paper",
    type=click.Choice(["one", "two"]),
    help="Pictures as PDF, too: as wide as one column of a paper, or as two.",
)
@results_option
@reports_option
@result_format_option
def report(
    *,
    runs: tuple[str, ...],
    baseline: str | None,
    open_page: bool,
    paper: "Columns | None",
    results_dir: Path,
    reports_dir: Path,
    output_format: ResultFormat,
) -> None:
    """Write tables, plots and pages of stored RUNs again (the newest by default), byte for byte the same.

    \b
    Examples:
      bench report
      bench report results/reference/default --reports-dir reports/reference
      bench report --baseline results/reference/default
      bench report --format latex --pdf one > table.tex
    """
    from bench.records import journal, loading  # noqa: PLC0415

    base = None if baseline is None else loading.load(journal.find(results_dir, baseline))
    refused: list[BenchError] = []
    for name in runs or (None,):
        try:
            folder = journal.find(results_dir, name)
            stored = loading.load(folder)
        except BenchError as error:
            if len(runs) > 1:  # the others are not to blame
                click.echo(f"left out: {display_name(str(error))}", err=True)
            refused.append(error)
            continue
        page = show(stored, folder=folder, reports=reports_dir, output_format=output_format, base=base, paper=paper)
        if open_page and page is not None:
            click.launch(str(page))
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise ResultsError(f"{len(refused)} of {len(runs)} runs could not be read, see above")


@main.command(short_help="Write a stored RUN in the words of another tool.")
@click.argument("run", metavar="RUN", shell_complete=complete_runs)
@option(
    "--to",
    type=click.Choice(["pytest-benchmark", "pyperf", "github-action"]),
    required=True,
    help="The tool that will read it; github-action: customSmallerIsBetter of github-action-benchmark.",
)
@option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write this file. [default: stdout]")
@option("--force", is_flag=True, help="Overwrite the file.")
@results_option
def export(*, run: str, to: "Target", output: Path | None, force: bool, results_dir: Path) -> None:
    """Write a stored RUN in the words of another tool, so that its own commands compare and chart it.

    Loops that failed or do other work are named on stderr and left out. Exit code 4 if nothing is left.

    pyperf calls every difference significant between runs of unequal --rounds: give both as many.

    \b
    Examples:
      bench export 20261121 --to pytest-benchmark -o new.json && pytest-benchmark compare old.json new.json
      bench export results/reference/default --to pyperf -o base.json && python -m pyperf stats base.json
    """
    from bench.records import journal, loading  # noqa: PLC0415
    from bench.report.export import document, entries  # noqa: PLC0415

    found = entries.exportable(loading.load(journal.find(results_dir, run)))
    for line in document.remarks(found, to=to):
        click.echo(line, err=True)
    text = document.render(found, to=to)
    if output is None:
        click.echo(text)
    else:
        document.save(text, file=output, force=force)


@main.command(short_help="Compare stored runs, BASE first.")
@click.argument("base", shell_complete=complete_runs)
@click.argument("new", nargs=-1, required=True, metavar="NEW...", shell_complete=complete_runs)
@option("--allow-mismatch", is_flag=True, help="Compare runs that are not alike; the differences are still listed.")
@option(
    "--fail-on",
    type=click.Choice(list(FAIL_ON)),
    multiple=True,
    help="Exit 1 if a loop is slower, 3 if it is unclear, 4 if it is removed; may be repeated. [default: none]",
)
@option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json", "md"]),
    default="table",
    help="What is printed on stdout.",
)
@margin_option
@results_option
@click.pass_context
def compare(
    context: click.Context,
    /,
    *,
    base: str,
    new: tuple[str, ...],
    allow_mismatch: bool,
    fail_on: tuple[str, ...],
    margin: float,
    output_format: Literal["table", "json", "md"],
    results_dir: Path,
) -> None:
    """Compare stored runs, BASE first: what differs between them, and which loops became faster or slower.

    Of several NEW runs each is compared with BASE, and all verdicts hold together.

    Not alike, exit code 4 unless --allow-mismatch: other data, another source of a workload, another device,
    processor or number of cores, other threads. Listed only, since they may be what is compared: the source of a loop,
    versions of Python, Keras and frameworks, environment variables, how it was measured.

    Each round of 'bench run' also measures a small kernel. Steps are compared as multiples of its step, so that a
    machine that ran faster or slower is not taken for a change of the loop; what two sessions differ by besides (2 %,
    or what this machine's other stored runs say; more where memory and arithmetic moved apart) is in the intervals.
    Where a run has no kernel, or the kernel itself is another one, plain times decide, and a line says so. A slower
    loop is no error unless --fail-on says so; 'bench gate' measures until it is decided.

    \b
    Examples:
      bench compare 20261121-0900 20261122-0900
      bench compare results/reference/default 20261122 --allow-mismatch --format md
      bench compare 20261121-0900 20261122-0900 --margin 5 --fail-on slower
      bench compare monday tuesday wednesday thursday
    """
    from bench.records import journal, loading  # noqa: PLC0415
    from bench.report import changes, several_runs  # noqa: PLC0415

    first, *others = (loading.load(journal.find(results_dir, run)) for run in (base, *new))
    apart = changes.sessions_beside(first, results=results_dir, but=[one.header.run_id for one in others])
    admitted, refused = several_runs.compare(first, others, margin=margin, allow_mismatch=allow_mismatch, apart=apart)
    if not admitted:
        raise refused[0][1]
    for name, error in refused:  # the others are not to blame
        click.echo(f"left out: {display_name(f'{name}: {error}')}", err=True)
    click.echo(several_runs.render(admitted, format=output_format, encoding=sys.stdout.encoding))
    found = {row.verdict for one in admitted for row in one.rows}
    left_out = NothingComparable.exit_code if refused else 0
    context.exit(next((code for word, code in FAIL_ON.items() if word in fail_on and word in found), left_out))
