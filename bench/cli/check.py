"""The command that says whether loops do the same work: verify."""

import os
from pathlib import Path
from typing import Literal

import click

from bench.cli.group import main
from bench.cli.groups import Preparing, takes
from bench.cli.options import complete_loops, complete_workloads, option
from bench.cli.terminal import Terminal, cache_folder


@main.command(short_help="Check that each LOOP does the same work.")
@click.argument("loops", nargs=-1, metavar="[LOOP]...", shell_complete=complete_loops)
@option(
    "--workload",
    "workloads",
    multiple=True,
    metavar="WORKLOAD",
    shell_complete=complete_workloads,
    help="Check on this one; may be repeated. [default: those with a reference in NumPy]",
)
@option("--device", type=click.Choice(["cpu", "gpu"]), default="cpu", help="Where the loops train.")
@option("--dataset", type=click.Choice(["auto", "mnist", "synthetic"]), default="auto", help="As in 'bench run'.")
@option("--data", type=click.Path(path_type=Path), help="An mnist.npz to use.")
@option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    metavar="SEC",
    help="Longest wait for one loop on one workload.",
)
@option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
@takes(Preparing)
def verify(
    preparing: Preparing,
    /,
    *,
    loops: tuple[str, ...],
    workloads: tuple[str, ...],
    device: Literal["cpu", "gpu"],
    dataset: str,
    data: Path | None,
    timeout: float,
    output_format: str,
) -> None:
    """Check that each LOOP (every one by default) computes what it claims.

    Trains it step by step beside an independent float64 reference: losses, weights, gradients, metrics, evaluation.
    That of a workload of your own is its Keras model in float64 under another framework. Exit code 5 if any differs.

    \b
    Examples:
      bench verify
      bench verify my_loop.py
      bench verify 'jax-*' --exclude jax-fit
      bench verify torch-keras tf-fit --workload my_model.py
      bench verify torch-native --workload mnist-mlp --format json
    """
    from bench.report.verified import render  # noqa: PLC0415
    from bench.verify.command import Options, check, judge  # noqa: PLC0415
    from loops.data.mnist import DatasetChoice  # noqa: PLC0415

    options = Options(
        loops=loops,
        exclude=preparing.exclude,
        workloads=workloads,
        device=device,
        dataset=DatasetChoice(dataset),
        data=data,
        arrays=preparing.arrays,
        data_limit=preparing.data_limit,
        dtype=preparing.dtype,
        timeout=timeout,
        cache=cache_folder(),
    )
    terminal = Terminal()
    found = check(
        options,
        environment=os.environ,
        tell=lambda one: terminal.notice(f"checked {one.loop} on {one.workload}"),
        notice=terminal.notice,
    )
    click.echo(render(found, output_format=output_format))
    judge(found, logs=options.logs)
