"""The command that says where the time of a loop goes, and what to change: profile."""

import os
from typing import Literal

import click

from bench.cli.group import main
from bench.cli.groups import Conditions, Pages, takes
from bench.cli.measure import options_under
from bench.cli.options import Sizes, complete_loops, complete_workloads, option
from bench.cli.terminal import Terminal, told_profiles
from bench.errors import UsageError


@main.command(short_help="Say where the time of a loop goes, and what to do.")
@click.argument("loop", metavar="LOOP", shell_complete=complete_loops)
@option(
    "--workload",
    metavar="WORKLOAD",
    shell_complete=complete_workloads,
    help="What is trained, by name or as a file of your own. [default: mnist-mlp]",
)
@option(
    "--against",
    multiple=True,
    metavar="LOOP",
    shell_complete=complete_loops,
    help="Measure this one as well, as something to change to; may be repeated. [default: a few of its framework]",
)
@option("--alone", is_flag=True, help="Measure no other loop: quicker, and no advice has a number.")
@option("--rounds", type=click.IntRange(min=1), default=3, help="Fresh processes per loop.")
@option("--batch-size", "batch_sizes", type=Sizes(), help="Samples per step. [default: the workload's]")
@option("--threads", type=click.IntRange(min=1), help="CPU threads per process. [default: the framework's]")
@option("--name", "label", help="Your words for this run.")
@option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
@option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
@takes(Conditions, Pages)
def profile(
    conditions: Conditions,
    pages: Pages,
    /,
    *,
    loop: str,
    workload: str | None,
    against: tuple[str, ...],
    alone: bool,
    rounds: int,
    batch_sizes: tuple[int, ...] | None,
    threads: int | None,
    label: str | None,
    output_format: Literal["table", "json"],
    open_page: bool,
) -> None:
    """Say where the time of a LOOP's step goes, and what to change.

    Measures it beside loops of its framework that may be faster, then profiles it in a process that is ranked nowhere:
    a trace by the framework's own profiler, which Perfetto and TensorBoard open, the dearest operations, a flame graph
    of Python by py-spy where that is installed (pip install 'loopbench[profile]'), memory over time, and what is left
    of a step with parts of it left out. What profiling itself costs is said.

    \b
    Examples:
      bench profile tf-fit-stock
      bench profile torch-native --workload mnist-mlp --alone
      bench profile jax-fit-stock --workload mnist-cnn --against jax-scan
      bench profile my_loop.py --workload my_model.py --open
    """
    from dataclasses import replace  # noqa: PLC0415

    from bench.runs import session  # noqa: PLC0415

    name, others = chosen(loop, workload=workload, against=against, alone=alone)
    options = replace(
        options_under(conditions, results=pages.results_dir),
        loops=(name, *others),
        baseline=name,
        profile=(name,),
        workloads=() if workload is None else (workload,),
        rounds=rounds,
        batch_sizes=batch_sizes or (),
        threads=threads,
        label=label,
    )
    terminal = Terminal()
    opened = session.start(options, console=terminal, environment=os.environ)
    session.execute(opened, console=terminal, environment=os.environ)
    page = told_profiles(opened.journal.folder, reports=pages.reports, output_format=output_format)
    if open_page and page is not None:
        click.launch(str(page))


def chosen(loop: str, *, workload: str | None, against: tuple[str, ...], alone: bool) -> tuple[str, tuple[str, ...]]:
    """Return the name of the loop to profile and those of the loops to hold it against.

    Raises:
        UsageError: If it cannot train the workload.
    """
    from bench.machine import gpu  # noqa: PLC0415
    from bench.worker import frameworks  # noqa: PLC0415
    from loops import registry, selection  # noqa: PLC0415

    name = registry.named("loop", loop)
    trained = registry.named("workload", workload or registry.DEFAULT_WORKLOAD)
    why = registry.hole(name, trained)
    if why is not None:
        raise UsageError(f"{name} cannot train {trained}: it is {why}; see 'bench list workloads'")
    if alone:
        return name, ()
    if against:
        return name, tuple(other for other in selection.chosen(against) if other != name)
    device = "gpu" if gpu.has_accelerator_node() else "cpu"
    backend = registry.describe_loop(name, workload=trained).backend or ""
    described = [
        registry.describe_loop(other, workload=trained)
        for other in selection.WORTH_TRYING.get(backend, ())
        if other != name and registry.hole(other, trained) is None
    ]
    return name, tuple(one.name for one in described if frameworks.unusable(one, device=device) is None)
