"""Commands that measure: run, ab."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bench.cli import fleet
from bench.cli.group import main
from bench.cli.groups import Conditions, Measuring, Output, Running, takes
from bench.cli.options import complete_sides, option, rounds_of
from bench.cli.terminal import asker, cache_folder, show
from bench.runs.console import Terminal

if TYPE_CHECKING:
    from bench.records.stored_run import Run
    from bench.runs.options import Options


@main.command(cls=fleet.RunCommand, short_help="Train with each LOOP, measure, store and report.")
@takes(Running, Output)
@fleet.places
def run(running: Running, output: Output, /, **placed: Any) -> None:
    """Train with each LOOP, measure, store and report.

    Without a LOOP: the five that the guides teach; 'all': every one that is registered; 'tf-*': all that are called
    so. A LOOP or a workload can be a Python file of your own; 'bench new' writes one to begin with.

    Every round starts one fresh process per loop, warms all of them up, and then measures them one at a time in
    short blocks of shuffled order.

    \b
    Examples:
      bench run
      bench run --quick tf-eager tf-function
      bench run 'tf-*' --exclude '*-xla' --baseline tf-fit-stock
      bench run --track guide --threads 1 --name "one thread"
      bench run --batch-size 32,256,2048 torch-plain numpy
      bench run --breakdown torch-plain torch-native torch-keras torch-fit
      bench run --all-guides --quick
      bench run --workload my_model.py --loop my_loop.py --quick
      bench run --aa --precision 1 --time-budget 600 tf-function tf-fit
      bench run --on ray --machines all torch-native torch-fit
    """
    placing = fleet.Placing(**placed)
    campaign = fleet.campaign_named(output.results_dir, running.resume)
    if campaign is not None:
        _typed_beside_resume(str(running.resume), campaign=True)
        fleet.go_on(campaign, placing=placing, output=output, yes=running.yes)
        return
    if placing.on is not None:
        fleet.begin(running, output, placing=placing, command=shlex.join(["bench", *sys.argv[1:]]))
        return
    fleet.refuse_without_on()
    if running.resume is not None:
        fleet.refuse_elsewhere(output.results_dir, running.resume)
    _measure(options_of_run(running, results=output.results_dir), output=output, resume=running.resume, yes=running.yes)


_BESIDE_RESUME = {
    *("resume", "retry_failed", "yes", "rounds", "quick", "rigorous", "wait", "data"),
    *("no_report", "results_dir", "reports_dir", "output_format"),
}
_BESIDE_CAMPAIGN = {"on", "wait_for_node", "resume", "yes", "no_report", "results_dir", "reports_dir", "output_format"}


def _typed_beside_resume(run: str, *, campaign: bool = False) -> set[str]:
    """Return the names of what was typed, and refuse what the run's plan says already; variables count for new runs."""
    context, typed = click.get_current_context(), set()
    for parameter in context.command.params:
        name = parameter.name or ""
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if name not in (_BESIDE_CAMPAIGN if campaign else _BESIDE_RESUME):
            what = parameter.opts[0] if isinstance(parameter, click.Option) else "LOOP"
            raise click.UsageError(f"--resume goes on with the plan of {run}; it takes no {what}; leave it out")
        typed.add(name)
    return typed


@main.command(short_help="Measure each LOOP in two environments, A and B.")
@click.argument("sides", nargs=2, metavar="A B", shell_complete=complete_sides)
@option("--show-values", is_flag=True, help="Store values of env= that look secret as well.")
@takes(Measuring, Output)
def ab(measuring: Measuring, output: Output, /, *, sides: tuple[str, str], show_values: bool) -> None:
    """Measure each LOOP in two environments, A the baseline, in the same rounds.

    A and B: 'here' for the environment as it is, or what is to be different, separated by commas:

    \b
      env=NAME=VALUE   an environment variable; may be repeated
      ref=GIT-REF      the code of a commit: your package, or the loops of this project
      pip=REQUIREMENT  another version of a library; all others stay as they are
      python=PATH      another interpreter

    A value of env= that looks secret, by its name or by itself, is used and not stored.

    The harness that measures is the same on both sides. Go on with an interrupted one by 'bench run --resume'.

    \b
    Examples:
      bench ab env=TF_ENABLE_ONEDNN_OPTS=1 env=TF_ENABLE_ONEDNN_OPTS=0 tf-function
      bench ab ref=main here tf-fit
      bench ab here "pip=keras>=3.12,<3.13" tf-fit torch-fit --rigorous
      bench ab python=python3.11 python=python3.13,env=OMP_NUM_THREADS=1 torch-native
    """
    from bench.runs.compared import sides_of  # noqa: PLC0415

    options = options_of(measuring, results=output.results_dir)
    prepared = sides_of(sides, show_values=show_values, cache=options.cache, tell=Terminal().notice)
    _measure(replace(options, sides=prepared), output=output)


def options_under(conditions: Conditions, *, results: Path, command: Sequence[str] | None = None) -> "Options":
    """Return what a run is asked for when nothing but its conditions is known.

    Args:
        conditions: As they were parsed.
        results: Where runs are stored.
        command: What to type for it; None for what was typed.
    """
    from bench.runs.options import Options  # noqa: PLC0415
    from loops.data.mnist import DatasetChoice  # noqa: PLC0415

    return Options(
        device=conditions.device,
        precision=conditions.precision,
        time_budget=conditions.time_budget,
        wait=conditions.wait,
        on_busy=conditions.on_busy,
        steps=conditions.steps,
        timeout=conditions.timeout,
        exclude=conditions.exclude,
        pin=conditions.pin,
        seed=conditions.seed,
        dataset=DatasetChoice(conditions.dataset),
        data=conditions.data,
        arrays=conditions.arrays,
        data_limit=conditions.data_limit,
        dtype=conditions.dtype,
        verify=not conditions.no_verify,
        results=results,
        cache=cache_folder(),
        command=shlex.join(["bench", *(sys.argv[1:] if command is None else command)]),
    )


def options_of_run(running: Running, *, results: Path, command: Sequence[str] | None = None) -> "Options":
    """Return what `bench run` is asked for.

    Raises:
        click.UsageError: If options contradict each other.
    """
    options = replace(
        options_of(running, results=results, command=command),
        all_guides=running.all_guides,
        breakdown=running.breakdown,
        profile=() if running.profile else None,
        samples=running.samples,
        retry_failed=running.retry_failed,
    )
    if running.resume and _typed_beside_resume(running.resume) & {"rounds", "quick", "rigorous"}:
        options = replace(options, extend_to=options.rounds)
    if running.retry_failed and not running.resume:
        raise click.UsageError("--retry-failed goes with --resume: name the run whose failed trials are tried again")
    return options


def options_of(measuring: Measuring, *, results: Path, command: Sequence[str] | None = None) -> "Options":
    """Return what a run is asked for, of loops or of sides."""
    from loops.contract import Track  # noqa: PLC0415

    return replace(
        options_under(measuring, results=results, command=command),
        loops=measuring.loops,
        more_loops=measuring.more_loops,
        workloads=measuring.workloads,
        track=None if measuring.track is None else Track(measuring.track),
        batch_sizes=measuring.batch_sizes or (),
        widths=measuring.widths or (),
        rounds=rounds_of(measuring.rounds, quick=measuring.quick, rigorous=measuring.rigorous),
        margin=measuring.margin,
        again=measuring.again,
        baseline=measuring.baseline,
        threads=measuring.threads,
        label=measuring.label,
        machine=measuring.machine,
        interpreters=dict(measuring.interpreters),
        schedule=measuring.schedule,
        calibrate=measuring.calibrate,
    )


def _measure(options: "Options", *, output: Output, resume: str | None = None, yes: bool = False) -> None:
    """Start a run, or go on with one, measure it to its end, and show what was found."""
    from bench.runs import outcome  # noqa: PLC0415
    from bench.runs.endings import all_stored  # noqa: PLC0415

    stored, folder = measured(options, resume=resume, ask=asker(yes=yes), console=Terminal())
    with all_stored(folder):
        show(stored, folder=folder, reports=output.reports, output_format=output.output_format)
    outcome.check(stored)


def measured(
    options: "Options", *, resume: str | None, ask: Callable[[str], None], console: Terminal, inside: bool = False
) -> tuple["Run", Path]:
    """Start a run, or go on with one, measure it to its end, and return it with its folder.

    Args:
        options: What is asked for.
        resume: The run that is gone on with; None starts one.
        ask: Asks whether what that run names may be run.
        console: For notices and progress.
        inside: Whether this is part of somebody else's program, which no signal is to end.
    """
    from bench.runs import session  # noqa: PLC0415

    opened = (
        session.resume(resume, options=options, console=console, environment=os.environ, ask=ask)
        if resume
        else session.start(options, console=console, environment=os.environ)
    )
    stored = session.execute(opened, console=console, environment=os.environ, inside=inside)
    return stored, opened.journal.folder
