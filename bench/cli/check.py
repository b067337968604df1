"""Commands that say yes or no: gate, verify."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from bench.cli.group import main
from bench.cli.groups import Conditions, Pages, Preparing, takes
from bench.cli.measure import options_under
from bench.cli.options import Percent, complete_loops, complete_runs, complete_workloads, option
from bench.cli.terminal import Terminal, cache_folder
from bench.errors import FileTrouble


@main.command()
@click.argument("loops", nargs=-1, metavar="[LOOP]...", shell_complete=complete_loops)
@option("--base-ref", default="main", metavar="REF", help="The commit to compare with, measured in this same run.")
@option("--base", metavar="SIDE", help="In place of --base-ref: any environment, as in 'bench ab'.")
@option("--head", metavar="SIDE", default="here", help="What is judged, as in 'bench ab'.")
@option(
    "--baseline",
    metavar="RUN",
    shell_complete=complete_runs,
    help="In place of both: the working tree against a stored run, as 'bench compare' does it.",
)
@option(
    "--against",
    metavar="history|NAME",
    help="In place of all of these: the last level of this machine's history, or a named baseline ('bench baseline').",
)
@option("--creep", type=Percent(), help="With --against NAME: slower in all by more than so many per cent fails.")
@option("--max-slowdown", type=Percent(), help="Slower by more than so many per cent fails. [default: 2]")
@option("--workload", metavar="WORKLOAD", shell_complete=complete_workloads, help="What is trained.")
@option("--rounds", type=click.IntRange(min=2), help="Fresh processes per loop and side. [default: 6]")
@option("--threads", type=click.IntRange(min=1), help="CPU threads per process. [default: 1]")
@option("--on-unclear", type=click.Choice(["pass", "fail"]), default="pass", help="What 'unclear' does: exit 0 or 3.")
@option(
    "--verdict-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="bench-verdict.json",
    help="Where the verdict goes.",
)
@takes(Conditions, Pages)
@click.pass_context
def gate(
    context: click.Context,
    conditions: Conditions,
    pages: Pages,
    /,
    *,
    loops: tuple[str, ...],
    base_ref: str,
    base: str | None,
    head: str,
    baseline: str | None,
    against: str | None,
    creep: float | None,
    max_slowdown: float | None,
    workload: str | None,
    rounds: int | None,
    threads: int | None,
    on_unclear: str,
    verdict_file: Path,
) -> None:
    """Fail when a LOOP has become slower: the commit it comes from and the working tree, measured side by side.

    Base and head take turns in the same rounds, so the machine's drift hits both. A slowdown fails only if its whole
    interval is beyond the budget and fresh rounds say so again. One thread on one CPU by default: threads are most of
    the noise.

    \b
    Budgets stand in pyproject.toml:
      [tool.bench.gate]
      loops = ["tf-function", "tf-fit"]
      max-slowdown = 5              # per cent
      budgets = { tf-fit = 10 }

    \b
    Exit codes: 0 no slowdown is confirmed, 1 a slowdown is, 2 usage, 3 unclear (--on-unclear=fail),
    4 a loop of the base is gone, 5 a loop failed or does not do the same work.

    \b
    Examples:
      bench gate
      bench gate --base-ref origin/main tf-function
      bench gate --base pip=keras==3.14.0 --head pip=keras==3.15.1 --max-slowdown 5
      bench gate --baseline results/reference/default --threads 2
      bench gate --against history
      bench gate --against v1.2 --creep 5
    """
    from bench.gate import confirm  # noqa: PLC0415
    from bench.gate.settings import read_settings  # noqa: PLC0415
    from bench.gate.text import annotation, to_text  # noqa: PLC0415

    if baseline is not None and (base is not None or head != "here"):
        raise click.UsageError("--baseline compares the working tree with a stored run; leave out --base and --head")
    if against is not None and (baseline is not None or base is not None or head != "here"):
        raise click.UsageError("--against holds one run against the past; leave out --baseline, --base and --head")
    if creep is not None and against in {None, "history"}:
        raise click.UsageError("--creep says how much slower than a named baseline; give --against NAME as well")
    wanted = read_settings(Path.cwd())
    if max_slowdown is not None:
        wanted = replace(wanted, max_slowdown=max_slowdown, budgets={})
    workload = workload or wanted.workload
    measuring = replace(
        options_under(conditions, results=pages.results_dir),
        loops=loops or wanted.loops,
        workloads=() if workload is None else (workload,),
        rounds=rounds or wanted.rounds or confirm.ROUNDS,
        threads=threads or wanted.threads or confirm.THREADS,
        margin=wanted.max_slowdown,
        again=True,
        label="gate",
    )
    if against is not None:
        from bench.cli import against as past  # noqa: PLC0415

        asked = past.Against(
            what=against,
            creep=creep,
            settings=wanted,
            fail_on_unclear=on_unclear == "fail",
            verdict_file=verdict_file,
        )
        # As nightly runs are measured, or the setting would be another one.
        alone = replace(measuring, again=False, threads=threads or wanted.threads)
        result = past.check(asked, alone, console=Terminal(), environment=os.environ)
        click.echo(to_text(result))
        context.exit(result.exit_code)
    options = confirm.Options(
        settings=wanted,
        base=base or f"ref={base_ref}",
        head=head,
        baseline=baseline,
        measuring=measuring,
        fail_on_unclear=on_unclear == "fail",
        verdict_file=verdict_file,
        reports=pages.reports,
    )
    gated = confirm.check(options, console=Terminal(), environment=os.environ, folder=Path.cwd())
    try:
        click.echo(to_text(gated.result))
        marked = annotation(gated.result)
        if marked and os.environ.get("GITHUB_ACTIONS") == "true":
            click.echo(marked)
    except FileTrouble as trouble:  # what was judged stands, and the verdict file says it
        click.echo(f"warning: {trouble}", err=True)
    if gated.page is not None:
        click.echo(f"report: {gated.page}", err=True)
    context.exit(gated.result.exit_code)


@main.command()
@click.argument("loops", nargs=-1, metavar="[LOOP]...", shell_complete=complete_loops)
@option(
    "--workload",
    "workloads",
    multiple=True,
    metavar="WORKLOAD",
    shell_complete=complete_workloads,
    help="Check on this one; may be repeated. [default: all]",
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
      bench verify torch-keras tf-fit --workload my_model.py
      bench verify torch-native --workload mnist-mlp --format json
    """
    from bench.verify.command import Options, check, judge, render  # noqa: PLC0415
    from loops.data.mnist import DatasetChoice  # noqa: PLC0415

    options = Options(
        loops=loops,
        workloads=workloads,
        device=device,
        dataset=DatasetChoice(dataset),
        data=data,
        arrays=preparing.arrays,
        data_limit=preparing.data_limit,
        policy=preparing.policy,
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
