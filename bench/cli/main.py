"""The command line: parse, call one function, echo. Results go to stdout, everything else to stderr."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
from click.shell_completion import CompletionItem

from bench import __version__
from bench.errors import BenchError, Interrupted
from loops.errors import LoopError

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from bench.records.plan import Plan
    from bench.records.stored_run import Run
    from bench.report import Change
    from bench.report.export.formats import Format as Target
    from bench.runs.progress import Display

Command = TypeVar("Command", bound=Callable[..., Any])
Format = Literal["table", "json", "csv", "md"]
ROUNDS = {"quick": 3, "default": 6, "rigorous": 20}


class OneLineErrors(click.Group):
    """Turns every error that explains itself into one line and the exit code that its class carries."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (BenchError, LoopError) as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(Interrupted.exit_code)


def option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """Return a click option that can be set as `BENCH_<NAME>` too and shows its default."""
    long_name = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "BENCH_" + long_name.removeprefix("--").replace("-", "_").upper()
    settings.setdefault("envvar", variable)
    settings.setdefault("show_default", True)
    return click.option(*names, **settings)


def options_of(
    other: click.Command, *, but: Collection[str] = (), only: Collection[str] | None = None
) -> Callable[[click.Command], click.Command]:
    """Give a command what another one takes, behind its own: all, all but some, or only some."""

    def add(command: click.Command) -> click.Command:
        wanted = [parameter for parameter in other.params if only is None or parameter.name in only]
        command.params += [parameter for parameter in wanted if parameter.name not in but]
        return command

    return add


def results_option(command: Command) -> Command:
    """Add `--results-dir`."""
    folder = click.Path(path_type=Path, file_okay=False)
    return option("--results-dir", type=folder, default="results", help="Where runs are stored.")(command)


def reports_option(command: Command) -> Command:
    """Add `--reports-dir`."""
    folder = click.Path(path_type=Path, file_okay=False)
    return option("--reports-dir", type=folder, default="reports", help="Where pages are written.")(command)


def format_option(command: Command) -> Command:
    """Add `--format`."""
    choice = click.Choice(["table", "json", "csv", "md"])
    return option("--format", "output_format", type=choice, default="table", help="What is printed on stdout.")(command)


class Sizes(click.ParamType[tuple[int, ...]]):
    """Whole numbers above zero, separated by commas."""

    name = "N[,N...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse "32,256"."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' is not a list of whole numbers such as 32,256", param, ctx)
        if min(sizes) < 1:
            self.fail(f"{min(sizes)} is not above 0", param, ctx)
        return tuple(dict.fromkeys(sizes))


class Percent(click.ParamType[float]):
    """A number of per cent above 0 and below 100, kept as a fraction."""

    name = "PCT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse "2" or "2%"; a fraction is a default and stays as it is."""
        if isinstance(value, float):
            return value
        try:
            percent = float(str(value).removesuffix("%"))
        except ValueError:
            self.fail(f"'{value}' is not a number of per cent such as 2 or 0.5", param, ctx)
        if not 0.0 < percent < 100.0:  # noqa: PLR2004 - per cent
            self.fail(f"{value} is not between 0 and 100 per cent", param, ctx)
        return percent / 100.0


class Assignment(click.ParamType[tuple[str, str]]):
    """BACKEND=INTERPRETER."""

    name = "BACKEND=INTERPRETER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first equals sign."""
        key, equals, assigned = str(value).partition("=")
        if not (key and equals and assigned):
            self.fail(f"'{value}' is not of the form torch=/path/to/python", param, ctx)
        return key, assigned


def complete_loops(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer loop names to the shell, files where no name fits."""
    from loops import registry  # noqa: PLC0415 - only when the shell asks

    del ctx, param
    return _offered([registry.EVERY, *registry.loop_names()], incomplete=incomplete)


def complete_sides(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the ways to write an environment to the shell."""
    del ctx, param
    return [form for form in ["here", "env=", "ref=", "pip=", "python="] if form.startswith(incomplete)]


def complete_workloads(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer workload names to the shell, files where no name fits."""
    from loops import registry  # noqa: PLC0415 - only when the shell asks

    del ctx, param
    return _offered(registry.workload_names(), incomplete=incomplete)


def _offered(names: Iterable[str], *, incomplete: str) -> list[CompletionItem]:
    """Return the names that begin so, or have the shell offer files."""
    fitting = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return fitting or [CompletionItem(incomplete, type="file")]


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of stored runs to the shell, folders where no name fits."""
    from bench.records import journal  # noqa: PLC0415

    del param
    stored = [folder.name for folder in journal.runs(Path(ctx.params.get("results_dir") or "results"))]
    names = [CompletionItem(name) for name in stored if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="dir")]


class Terminal:
    """Notices and progress on stderr."""

    def __init__(self) -> None:
        """Open the console; rich honours NO_COLOR and TERM."""
        from rich.console import Console  # noqa: PLC0415 - costs more than the rest of `--help`

        self.console: RichConsole = Console(stderr=True)

    def notice(self, text: str) -> None:
        """Print one line as it is."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def display(self, plan: "Plan", *, done: int) -> "Display":
        """Return the progress display."""
        from bench.runs import progress  # noqa: PLC0415

        return progress.for_console(self.console, plan=plan, done=done)


@click.group(
    cls=OneLineErrors,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  bench run --quick tf-eager tf-function",
)
@click.version_option(__version__, prog_name="bench")
def main() -> None:
    """Measure which way of writing a training loop is fastest, on this machine, by how much.

    Shell completion:  eval "$(_BENCH_COMPLETE=bash_source bench)"  (zsh_source, fish_source)
    """


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
    from bench.runs import session as runs  # noqa: PLC0415
    from loops.contract import Track  # noqa: PLC0415
    from loops.data.mnist import DatasetChoice  # noqa: PLC0415

    options = runs.Options(
        **settings,
        track=None if track is None else Track(track),
        batch_sizes=batch_sizes or (),
        widths=widths or (),
        verify=not no_verify,
        rounds=_rounds(rounds, quick=quick, rigorous=rigorous),
        dataset=DatasetChoice(dataset),
        interpreters=dict(interpreters),
        results=results_dir,
        cache=_cache(),
        command=shlex.join(["bench", *sys.argv[1:]]),
    )
    terminal = Terminal()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled CI job loses nothing either
    if resume and (options.loops or options.more_loops):
        raise click.UsageError(f"--resume goes on with the plan of {resume}; it takes no LOOP")
    opened = (
        runs.resume(resume, options=options, environment=os.environ)
        if resume
        else runs.start(options, console=terminal, environment=os.environ)
    )
    stored = runs.execute(opened, console=terminal, environment=os.environ)
    folder = opened.journal.folder
    _show(stored, folder=folder, reports=None if no_report else reports_dir, output_format=output_format)
    runs.check(stored)


@options_of(run, but=("all_guides", "breakdown", "samples", "resume"))
@main.command()
@click.argument("sides", nargs=2, metavar="A B", shell_complete=complete_sides)
@click.pass_context
def ab(context: click.Context, /, *, sides: tuple[str, str], **settings: Any) -> None:
    """Measure each LOOP in two environments, A the baseline, in the same rounds.

    A and B: 'here' for the environment as it is, or what is to be different, separated by commas:

    \b
      env=NAME=VALUE   an environment variable; may be repeated
      ref=GIT-REF      the code of a commit: your package, or the loops of this project
      pip=REQUIREMENT  another version of a library; all others stay as they are
      python=PATH      another interpreter

    The harness that measures is the same on both sides. Go on with an interrupted one by 'bench run --resume'.

    \b
    Examples:
      bench ab env=TF_ENABLE_ONEDNN_OPTS=1 env=TF_ENABLE_ONEDNN_OPTS=0 tf-function
      bench ab ref=main here tf-fit
      bench ab here "pip=keras>=3.12,<3.13" tf-fit torch-fit --rigorous
      bench ab python=python3.11 python=python3.13,env=OMP_NUM_THREADS=1 torch-native
    """
    from bench.sides import recipe as preparing  # noqa: PLC0415

    recipes = [preparing.parse(text, name=name) for name, text in zip("AB", sides, strict=True)]
    place = preparing.Place(folder=Path.cwd(), cache=_cache(), environment=os.environ)
    tell = Terminal().notice
    context.invoke(
        run, sides=tuple(preparing.prepare(recipe, place=place, tell=tell) for recipe in recipes), **settings
    )


@options_of(
    run,
    only={
        *("precision", "time_budget", "steps", "timeout", "seed", "device", "dataset", "data", "pin"),
        *("no_verify", "no_report", "results_dir", "reports_dir"),
    },
)
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
@click.pass_context
def gate(
    context: click.Context,
    /,
    *,
    loops: tuple[str, ...],
    base_ref: str,
    base: str | None,
    head: str,
    baseline: str | None,
    max_slowdown: float | None,
    workload: str | None,
    rounds: int | None,
    threads: int | None,
    on_unclear: str,
    dataset: str,
    no_verify: bool,
    no_report: bool,
    verdict_file: Path,
    reports_dir: Path,
    results_dir: Path,
    **settings: Any,
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
    """
    from bench.gate import confirm  # noqa: PLC0415
    from bench.gate import judge as judging  # noqa: PLC0415
    from bench.runs import session as runs  # noqa: PLC0415
    from loops.data.mnist import DatasetChoice  # noqa: PLC0415

    if baseline is not None and (base is not None or head != "here"):
        raise click.UsageError("--baseline compares the working tree with a stored run; leave out --base and --head")
    wanted = judging.read_settings(Path.cwd())
    if max_slowdown is not None:
        wanted = replace(wanted, max_slowdown=max_slowdown, budgets={})
    workload = workload or wanted.workload
    measuring = runs.Options(
        **settings,
        loops=loops or wanted.loops,
        workloads=() if workload is None else (workload,),
        rounds=rounds or wanted.rounds or confirm.ROUNDS,
        threads=threads or wanted.threads or confirm.THREADS,
        margin=wanted.max_slowdown,
        verify=not no_verify,
        dataset=DatasetChoice(dataset),
        results=results_dir,
        cache=_cache(),
        again=True,
        label="gate",
        command=shlex.join(["bench", *sys.argv[1:]]),
    )
    options = confirm.Options(
        settings=wanted,
        base=base or f"ref={base_ref}",
        head=head,
        baseline=baseline,
        measuring=measuring,
        fail_on_unclear=on_unclear == "fail",
        verdict_file=verdict_file,
        reports=None if no_report else reports_dir,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    gated = confirm.check(options, console=Terminal(), environment=os.environ, folder=Path.cwd())
    click.echo(judging.to_text(gated.result))
    if gated.page is not None:
        click.echo(f"report: {gated.page}", err=True)
    marked = judging.annotation(gated.result)
    if marked and os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(marked)
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
def verify(*, output_format: str, dataset: str, **settings: Any) -> None:
    """Check that each LOOP (every one by default) computes what it claims.

    Trains it step by step beside an independent float64 reference: losses, weights, gradients, metrics, evaluation.
    Exit code 5 if any differs. A workload of your own has no reference: its loops are compared with the first one.

    \b
    Examples:
      bench verify
      bench verify my_loop.py
      bench verify torch-keras tf-fit --workload my_model.py
      bench verify torch-native --workload mnist-mlp --format json
    """
    from bench.verify.command import Options, check, judge, render  # noqa: PLC0415
    from loops.data.mnist import DatasetChoice  # noqa: PLC0415

    options = Options(dataset=DatasetChoice(dataset), cache=_cache(), **settings)
    terminal = Terminal()
    found = check(
        options, environment=os.environ, tell=lambda one: terminal.notice(f"checked {one.loop} on {one.workload}")
    )
    click.echo(render(found, output_format=output_format))
    judge(found, logs=options.logs)


@main.command("list")
@click.argument("what", type=click.Choice(["loops", "workloads", "guides", "devices", "runs"]), default="loops")
@results_option
@option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def list_(what: str, results_dir: Path, output_format: str) -> None:
    """Say which loops, workloads, devices or runs exist, what is available here, and why not.

    'workloads' shows which loops can train each, 'guides' where the systems of the Keras guides are found.

    \b
    Examples:
      bench list
      bench list workloads
      bench list devices
    """
    from bench.cli import listing  # noqa: PLC0415

    click.echo(listing.render(what, results=results_dir, output_format=output_format))


@main.command()
@click.argument("kind", metavar="loop|workload", type=click.Choice(["loop", "workload"]))
@click.argument("name")
def new(*, kind: Literal["loop", "workload"], name: str) -> None:
    """Write NAME.py, a loop or a workload of your own to begin with: commented, and it runs as it is.

    A loop is a way of training; a workload is what is trained: a Keras model, a loss, an optimizer and your arrays.
    Wherever a command takes the name of one, it takes such a file. A file that is there is never overwritten.

    \b
    Examples:
      bench new loop my_loop          then: bench run --quick --loop my_loop.py
      bench new workload my_model     then: bench run --quick --workload my_model.py
    """
    from bench.cli import skeletons  # noqa: PLC0415

    click.echo(skeletons.next_steps(kind, skeletons.write(kind, name)))


@main.command()
@option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def env(output_format: str) -> None:
    """Print this machine's passport and what would disturb a measurement.

    \b
    Example:
      bench env --format json
    """
    from bench.cli import listing  # noqa: PLC0415

    click.echo(listing.render_environment(environment=os.environ, output_format=output_format))


@main.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=complete_runs)
@option("--baseline", metavar="RUN", shell_complete=complete_runs, help="Show what changed since this run as well.")
@option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
@results_option
@reports_option
@format_option
def report(
    *,
    runs: tuple[str, ...],
    baseline: str | None,
    open_page: bool,
    results_dir: Path,
    reports_dir: Path,
    output_format: Format,
) -> None:
    """Write tables, plots and pages of stored RUNs again (the newest by default), byte for byte the same.

    \b
    Examples:
      bench report
      bench report results/reference/default --reports-dir reports/reference
      bench report --baseline results/reference/default
    """
    from bench.records import journal  # noqa: PLC0415

    base = None if baseline is None else journal.load(journal.find(results_dir, baseline))
    for name in runs or (None,):
        folder = journal.find(results_dir, name)
        page = _show(journal.load(folder), folder=folder, reports=reports_dir, output_format=output_format, base=base)
        if open_page and page is not None:
            click.launch(str(page))


@main.command()
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
    from bench.records import journal  # noqa: PLC0415
    from bench.report.export import formats as exporting  # noqa: PLC0415

    stored = journal.load(journal.find(results_dir, run))
    for line in exporting.remarks(stored, to=to):
        click.echo(line, err=True)
    text = exporting.render(stored, to=to)
    if output is None:
        click.echo(text)
    else:
        exporting.save(text, file=output, force=force)


@options_of(run, only={"margin", "results_dir"})
@main.command()
@click.argument("base", shell_complete=complete_runs)
@click.argument("new", shell_complete=complete_runs)
@option("--allow-mismatch", is_flag=True, help="Compare runs that are not alike; the differences are still listed.")
@option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json", "md"]),
    default="table",
    help="What is printed on stdout.",
)
def compare(*, base: str, new: str, allow_mismatch: bool, margin: float, output_format: str, results_dir: Path) -> None:
    """Compare two stored runs, BASE first: what differs between them, and which loops became faster or slower.

    Not alike, exit code 4 unless --allow-mismatch: other data, another source of a workload, another device,
    processor or number of cores, other threads. Listed only, since they may be what is compared: the source of a loop,
    versions of Python, Keras and frameworks, environment variables, how it was measured.

    Each round of 'bench run' also measures a small kernel. Steps are compared as multiples of its step, so that a
    machine that ran faster or slower is not taken for a change of the loop. Where a run has no kernel, or the kernel
    itself is another one, plain times decide, and a line says so. A slower loop is no error: 'bench gate' judges.

    \b
    Examples:
      bench compare 20261121-0900 20261122-0900
      bench compare results/reference/default 20261122 --allow-mismatch --format md
    """
    from bench.analysis import two_runs  # noqa: PLC0415
    from bench.records import journal  # noqa: PLC0415
    from bench.report import changes  # noqa: PLC0415

    stored = [journal.load(journal.find(results_dir, run)) for run in (base, new)]
    comparison = two_runs.compare_runs(stored[0], stored[1], margin=margin)
    two_runs.admit(comparison, allow_mismatch=allow_mismatch)
    if output_format == "table":
        click.echo(changes.to_text(comparison, encoding=sys.stdout.encoding))
    else:
        click.echo({"json": changes.to_json, "md": changes.to_markdown}[output_format](comparison))


def _cache() -> Path:
    """Return where decoded data and earlier verifications are kept."""
    import platformdirs  # noqa: PLC0415

    return Path(os.environ.get("BENCH_CACHE_DIR") or platformdirs.user_cache_dir("loopbench"))


def _rounds(rounds: int | None, *, quick: bool, rigorous: bool) -> int:
    """Return how many rounds were asked for, in whichever way."""
    if (rounds is not None) + quick + rigorous > 1:
        raise click.UsageError("--rounds, --quick and --rigorous say the same thing; give one of them")
    return rounds or ROUNDS["quick" if quick else "rigorous" if rigorous else "default"]


def _change(base: "Run", run: "Run") -> "Change":
    """Return what a run's report says of the change since an earlier one.

    Raises:
        NothingComparable: If the two were measured on other machines or other data.
    """
    from bench.analysis import two_runs  # noqa: PLC0415
    from bench.report import changes  # noqa: PLC0415

    comparison = two_runs.compare_runs(base, run, margin=run.header.plan.margin)
    two_runs.admit(comparison, allow_mismatch=False)
    return changes.told(comparison)


def _show(
    run: "Run", *, folder: Path, reports: Path | None, output_format: Format, base: "Run | None" = None
) -> Path | None:
    """Print the table, write the page, and say where it is; with what changed since another run, if one is given."""
    from bench import report as reporting  # noqa: PLC0415

    change = None if base is None else _change(base, run)
    click.echo(reporting.render(reporting.build(run, change=change), format=output_format))
    if reports is None:
        return None
    page = reporting.write(run, folder=reports / folder.name, results_folder=folder, change=change)
    click.echo(f"report: {page}", err=True)
    return page
