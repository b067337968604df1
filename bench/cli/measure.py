"""Commands that measure: run, ab."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from bench.cli.group import main
from bench.cli.options import (
    Assignment,
    Format,
    Percent,
    Sizes,
    complete_loops,
    complete_sides,
    complete_workloads,
    format_option,
    option,
    options_of,
    reports_option,
    results_option,
    rounds_of,
)
from bench.cli.terminal import Terminal, asker, cache_folder, show


@main.command()
@click.argument("loops", nargs=-1, metavar="[LOOP]...", shell_complete=complete_loops)
@option(
    "--loop",
    "more_loops",
    multiple=True,
    metavar="LOOP",
    shell_complete=complete_loops,
    help="One more beside those LOOPs, such as a file of your own, my_loop.py; may be repeated.",
)
@option(
    "--workload",
    "workloads",
    multiple=True,
    metavar="WORKLOAD",
    shell_complete=complete_workloads,
    help="What is trained, by name or as a file of your own; may be repeated; see 'bench list workloads'. "
    "[default: mnist-mlp]",
)
@option("--all-guides", is_flag=True, help="Every training that the guides teach; see 'bench list guides'.")
@option(
    "--track",
    type=click.Choice(["matched", "guide"]),
    help="Same arrays from memory for every loop, or each framework's own pipeline on raw pixels. "
    "[default: matched; guide with --all-guides]",
)
@option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    help="auto: the GPU when the frameworks see one.",
)
@option("--batch-size", "batch_sizes", type=Sizes(), help="Samples per step. [default: the workload's]")
@option("--width", "widths", type=Sizes(), help="Units of each hidden layer. [default: the workload's]")
@option("--rounds", type=click.IntRange(min=1), help="Fresh processes per loop. [default: 6]")
@option("--quick", is_flag=True, help="3 rounds.")
@option("--rigorous", is_flag=True, help="20 rounds.")
@option(
    "--margin", type=Percent(), default=0.02, show_default="2", help="Smallest difference in per cent that matters."
)
@option("--aa", "again", is_flag=True, help="Measure the baseline twice, to see what noise alone does.")
@option("--precision", type=Percent(), help="Add rounds until every interval is within ± so many per cent.")
@option(
    "--time-budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SEC",
    help="Go on for about this long, instead of a number of rounds.",
)
@option("--steps", type=click.IntRange(min=1), help="Measured steps per process. [default: sized by time]")
@option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    metavar="SEC",
    help="Longest wait for one phase of one process.",
)
@option("--threads", type=click.IntRange(min=1), help="CPU threads per process. [default: the framework's]")
@option(
    "--pin/--no-pin",
    default=True,
    help="With --threads below the number of CPUs, keep each process on as many: far less noise.",
)
@option("--seed", type=click.IntRange(min=0), default=0, help="Of initial weights, batch order and schedule.")
@option(
    "--dataset",
    type=click.Choice(["auto", "mnist", "synthetic"]),
    default="auto",
    help="auto: MNIST, or synthetic digits when it cannot be had.",
)
@option("--data", type=click.Path(path_type=Path), help="An mnist.npz to use.")
@option(
    "--arrays", type=click.Path(path_type=Path), help="Of a saved model, MODEL.keras: an .npz with x, y, x_val, ..."
)
@option(
    "--data-limit",
    type=click.IntRange(min=1),
    default=2048,
    metavar="MIB",
    help="Most that a pipeline of yours may hold: it is drained into memory once.",
)
@option(
    "--dtype",
    "policy",
    type=click.Choice(["float32", "mixed_bfloat16", "mixed_float16", "float64"]),
    help="Keras' dtype policy for a workload of your own. [default: what the model says]",
)
@option("--name", "label", help="Your words for this run.")
@option("--python", "interpreters", type=Assignment(), multiple=True, help="Interpreter that has this framework.")
@option(
    "--schedule",
    type=click.Choice(["interleaved", "sequential"]),
    default="interleaved",
    help="sequential: one process alive at a time, where memory is short.",
)
@option("--breakdown", is_flag=True, help="Find out where the time of a step goes, in a second process beside each.")
@option("--samples", is_flag=True, help="Have generators draw images after training, outside the clock.")
@option("--resume", metavar="RUN", help="Go on with an interrupted run.")
@option("--retry-failed", is_flag=True, help="With --resume: try again what failed, such as a process that was killed.")
@option("--yes", is_flag=True, help="With --resume: run what the run names without being asked.")
@option("--no-verify", is_flag=True, help="Do not check first that the loops do the same work.")
@option(
    "--calibrate/--no-calibrate",
    default=True,
    help="Measure the machine's speed in each round, for 'bench compare'; costs under a second a round.",
)
@option("--no-report", is_flag=True, help="Store the numbers, write no page.")
@results_option
@reports_option
@format_option
def run(
    *,
    batch_sizes: tuple[int, ...] | None,
    widths: tuple[int, ...] | None,
    rounds: int | None,
    quick: bool,
    rigorous: bool,
    interpreters: tuple[tuple[str, str], ...],
    resume: str | None,
    yes: bool,
    no_verify: bool,
    no_report: bool,
    reports_dir: Path,
    output_format: Format,
    dataset: str,
    track: str | None,
    results_dir: Path,
    **settings: Any,
) -> None:
    """Train with each LOOP, measure, store and report.

    Without a LOOP: the five that the guides teach; 'all': every one that is registered. A LOOP or a workload can be a
    Python file of your own; 'bench new' writes one to begin with.

    Every round starts one fresh process per loop, warms all of them up, and then measures them one at a time in
    short blocks of shuffled order.

    \b
    Examples:
      bench run
      bench run --quick tf-eager tf-function
      bench run --track guide --threads 1 --name "one thread"
      bench run --batch-size 32,256,2048 torch-plain numpy
      bench run --breakdown torch-plain torch-native torch-keras torch-fit
      bench run --all-guides --quick
      bench run --workload my_model.py --loop my_loop.py --quick
      bench run --aa --precision 1 --time-budget 600 tf-function tf-fit
    """
    from bench.runs import outcome  # noqa: PLC0415
    from bench.runs import session as runs  # noqa: PLC0415
    from bench.runs.endings import all_stored  # noqa: PLC0415
    from bench.runs.options import Options  # noqa: PLC0415
    from loops.contract import Track  # noqa: PLC0415
    from loops.data.mnist import DatasetChoice  # noqa: PLC0415

    options = Options(
        **settings,
        track=None if track is None else Track(track),
        batch_sizes=batch_sizes or (),
        widths=widths or (),
        verify=not no_verify,
        rounds=rounds_of(rounds, quick=quick, rigorous=rigorous),
        dataset=DatasetChoice(dataset),
        interpreters=dict(interpreters),
        results=results_dir,
        cache=cache_folder(),
        command=shlex.join(["bench", *sys.argv[1:]]),
    )
    terminal = Terminal()
    if resume and (options.loops or options.more_loops):
        raise click.UsageError(f"--resume goes on with the plan of {resume}; it takes no LOOP")
    if options.retry_failed and not resume:
        raise click.UsageError("--retry-failed goes with --resume: name the run whose failed trials are tried again")
    opened = (
        runs.resume(resume, options=options, console=terminal, environment=os.environ, ask=asker(yes=yes))
        if resume
        else runs.start(options, console=terminal, environment=os.environ)
    )
    stored = runs.execute(opened, console=terminal, environment=os.environ)
    folder = opened.journal.folder
    with all_stored(folder):
        show(stored, folder=folder, reports=None if no_report else reports_dir, output_format=output_format)
    outcome.check(stored)


@options_of(run, but=("all_guides", "breakdown", "samples", "resume", "retry_failed", "yes"))
@main.command()
@click.argument("sides", nargs=2, metavar="A B", shell_complete=complete_sides)
@option("--show-values", is_flag=True, help="Store values of env= that look secret as well.")
@click.pass_context
def ab(context: click.Context, /, *, sides: tuple[str, str], show_values: bool, **settings: Any) -> None:
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
    from bench import redaction  # noqa: PLC0415
    from bench.sides import recipe as preparing  # noqa: PLC0415

    recipes = [preparing.parse(text, name=name) for name, text in zip("AB", sides, strict=True)]
    if show_values:
        redaction.show(value for recipe in recipes for value in recipe.variables.values())
    place = preparing.Place(folder=Path.cwd(), cache=cache_folder(), environment=os.environ)
    tell = Terminal().notice
    context.invoke(
        run, sides=tuple(preparing.prepare(recipe, place=place, tell=tell) for recipe in recipes), **settings
    )
