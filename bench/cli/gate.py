"""The command for CI: gate."""

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import click

from bench.cli.group import main
from bench.cli.groups import Conditions, Pages, takes
from bench.cli.long_help import Sectioned
from bench.cli.measure import options_under
from bench.cli.options import Percent, complete_loops, complete_runs, complete_workloads, option
from bench.cli.terminal import Terminal, asker
from bench.errors import FileTrouble

if TYPE_CHECKING:
    from bench.gate.comparison import Options, Surroundings
    from bench.gate.confirm import Gated
    from bench.gate.settings import Settings
    from bench.runs.options import Options as RunOptions

POLICY = click.Choice(["pass", "fail"])
NAMING = {
    "base_ref": "--base-ref",
    "base": "--base",
    "head": "--head",
    "baseline": "--baseline",
    "against": "--against",
    "resume": "--resume",
}
"""Options that name something, which an empty variable of a CI job does not."""


@final
class GateCommand(Sectioned):
    """Leaves a verdict behind even where its command line could not be read."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        """Read the command line."""
        given = list(args)
        try:
            return super().make_context(info_name, args, *rest, **extra)
        except click.UsageError as error:
            from bench.gate import verdict_file  # noqa: PLC0415

            with verdict_file.VerdictFile(verdict_file.asked_for(given, environment=os.environ)):
                raise error  # noqa: TRY201 - as it was, through the context that writes it down


@main.command(cls=GateCommand, short_help="Fail when a LOOP has become slower.")
@click.argument("loops", nargs=-1, metavar="[LOOP]...", shell_complete=complete_loops)
@option(
    "--base-ref",
    default="main",
    metavar="REF",
    help="Compare with the commit where this branch left REF, measured in this same run.",
)
@option("--base-tip", is_flag=True, help="Compare with REF itself, whatever has happened there since.")
@option("--base", metavar="SIDE", help="In place of --base-ref: any environment, as in 'bench ab'.")
@option("--head", metavar="SIDE", default="here", help="What is judged, as in 'bench ab'.")
@option(
    "--baseline",
    metavar="RUN",
    shell_complete=complete_runs,
    help="In place of both: the working tree against a stored run, measured as that was; 'bench compare' judges alike.",
)
@option(
    "--against",
    metavar="history|NAME",
    help="In place of all of these: the last level of this machine's history, or a named baseline ('bench baseline').",
)
@option("--creep", type=Percent(), help="With --against NAME: slower in all by more than so many per cent fails.")
@option("--max-slowdown", type=Percent(most=inf), help="Slower by more than so many per cent fails. [default: 2]")
@option("--workload", metavar="WORKLOAD", shell_complete=complete_workloads, help="What is trained.")
@option(
    "--rounds",
    "-n",
    type=click.IntRange(min=2),
    help="Most fresh processes per loop and side; with --baseline and --against, how many. [default: 48; 6]",
)
@option("--threads", type=click.IntRange(min=1), help="CPU threads per process. [default: 1; those of a stored run]")
@option("--on-unclear", type=POLICY, help="What 'unclear' does: exit 0 or 3. [default: pass]")
@option("--on-new", type=POLICY, help="What a loop does that the base lacks: exit 0 or 4. [default: pass]")
@option("--on-removed", type=POLICY, help="What a loop does that only the base has: exit 0 or 4. [default: fail]")
@option("--on-faster", type=POLICY, help="What 'faster' does: exit 0, or 4 to have a base renewed. [default: pass]")
@option("--resume", metavar="RUN", help="Go on with an interrupted gate.")
@option("--yes", is_flag=True, help="With --resume, run what the gate names without being asked.")
@option(
    "--verdict-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="bench-verdict.json",
    help="Where the verdict goes; beside it, as .md, the text for a pull request.",
)
@takes(Conditions, Pages)
@click.pass_context
def gate(context: click.Context, conditions: Conditions, pages: Pages, /, *, verdict_file: Path, **asked: Any) -> None:
    """Fail when a LOOP has become slower: the commit it comes from and the working tree, measured side by side.

    Base and head take turns in the same rounds, so the machine's drift hits both. After 6, 12, 18, 24, 36 and 48 rounds
    each loop is looked at, and measured on only while it is not told whether it is slower than its budget allows:
    identical code is called slower in at most one gate of forty. At most 10 minutes a loop; --time-budget says
    otherwise. One thread on one CPU by default: threads are most of the noise.

    \b
    Budgets stand in pyproject.toml:
      [tool.bench.gate]
      loops = ["tf-function", "tf-fit"]
      max-slowdown = 5              # per cent
      budgets = { tf-fit = 10 }

    \b
    Exit codes: 0 no slowdown is confirmed, 1 a slowdown is, 2 usage, 3 unclear (--on-unclear=fail),
    4 a loop of the base is gone, 5 a loop failed or does not do the same work. bench-verdict.json says the same.

    \b
    Examples:
      bench gate
      bench gate --base-ref origin/main tf-function
      bench gate --base pip=keras==3.14.0 --head pip=keras==3.15.1 --max-slowdown 5
      bench gate --baseline results/reference/default
      bench gate --against history
      bench gate --against v1.2 --creep 5
    """
    from bench.gate import comparison, confirm  # noqa: PLC0415
    from bench.gate.verdict_file import VerdictFile  # noqa: PLC0415

    terminal = Terminal()
    with VerdictFile(verdict_file) as file:
        around = comparison.Surroundings(
            console=terminal,
            environment=os.environ,
            folder=Path.cwd(),
            execute=partial(comparison.measure_now, ask=asker(yes=asked["yes"])),
        )
        options = _options(asked, conditions=conditions, pages=pages, file=file.path, terminal=terminal)
        if asked["against"] is None:
            gated = confirm.check(options, around=around, file=file)
        else:
            gated = _against_the_past(asked, options=options, around=around)
            file.write(gated.result, environment=os.environ, console=terminal)
    _tell(gated)
    context.exit(gated.result.exit_code)


def _options(
    asked: Mapping[str, Any], *, conditions: Conditions, pages: Pages, file: Path, terminal: Terminal
) -> "Options":
    """Return what was asked for: on the command line, then in pyproject.toml, then the usual."""
    from bench.gate.comparison import MOST_ROUNDS, Options  # noqa: PLC0415
    from bench.gate.policy import Policies  # noqa: PLC0415
    from bench.gate.settings import FILE, read_settings  # noqa: PLC0415

    _refuse_empty(asked)
    if asked["baseline"] is not None and (asked["base"] is not None or asked["head"] != "here"):
        raise click.UsageError("--baseline compares the working tree with a stored run; leave out --base and --head")
    if asked["against"] is not None and _sides(asked):
        raise click.UsageError("--against holds one run against the past; leave out --baseline, --base and --head")
    if asked["creep"] is not None and asked["against"] in {None, "history"}:
        raise click.UsageError("--creep says how much slower than a named baseline; give --against NAME as well")
    wanted = read_settings(Path.cwd())
    terminal.notice(f"settings: {wanted.file or f'none; no {FILE} with [tool.bench.gate] from here to the top'}")
    if asked["max_slowdown"] is not None:
        wanted = replace(wanted, max_slowdown=asked["max_slowdown"], budgets={})
    return Options(
        settings=wanted,
        base=asked["base"] or f"ref={asked['base_ref']}",
        head=asked["head"],
        from_merge_base=asked["base"] is None and not asked["base_tip"],
        baseline=asked["baseline"],
        resume=asked["resume"],
        measuring=_measuring(asked, conditions=conditions, results=pages.results_dir, wanted=wanted),
        policies=Policies.of(wanted, **{name: asked[name] for name in asked if name.startswith("on_")}),
        reports=None if pages.no_report else pages.reports_dir,
        most_rounds=asked["rounds"] or wanted.rounds or MOST_ROUNDS,
        outputs=(file, file.with_suffix(".md"), pages.results_dir, pages.reports_dir),
    )


def _sides(asked: Mapping[str, Any]) -> bool:
    """Whether something to compare with was named."""
    return asked["baseline"] is not None or asked["base"] is not None or asked["head"] != "here"


def _measuring(asked: Mapping[str, Any], *, conditions: Conditions, results: Path, wanted: "Settings") -> "RunOptions":
    """Return how to measure."""
    from bench.gate import comparison  # noqa: PLC0415

    in_the_past = asked["baseline"] is not None or asked["against"] is not None
    # Against a stored run, what nobody says here is as that run has it; see `bench.gate.as_stored`.
    workload = asked["workload"] or (None if in_the_past else wanted.workload)
    threads = asked["threads"] or (None if in_the_past else wanted.threads or comparison.THREADS)
    return replace(
        options_under(conditions, results=results),
        time_budget=conditions.time_budget or (None if in_the_past else wanted.time_budget),
        loops=asked["loops"],
        workloads=() if workload is None else (workload,),
        rounds=asked["rounds"] or wanted.rounds or comparison.ROUNDS,
        threads=threads,
        margin=wanted.max_slowdown,
        again=True,
        label="gate",
    )


def _against_the_past(asked: Mapping[str, Any], *, options: "Options", around: "Surroundings") -> "Gated":
    """Measure one run, and hold it against the machine's own history or a baseline that has a name."""
    from bench.cli import against as past  # noqa: PLC0415
    from bench.gate.confirm import Gated  # noqa: PLC0415

    wanted = past.Against(
        what=asked["against"],
        creep=asked["creep"],
        settings=options.settings,
        fail_on_unclear=options.policies.on_unclear == "fail",
    )
    # As nightly runs are measured, or the setting would be another one.
    alone = replace(options.measuring, again=False)
    return Gated(result=past.check(wanted, alone, console=around.console, environment=around.environment))


def _refuse_empty(asked: Mapping[str, Any]) -> None:
    """Refuse an empty name: it is a variable that nobody has set, and would be taken for the default."""
    for name, written in NAMING.items():
        variable = f"BENCH_{name.upper()}"
        if asked[name] == "" or os.environ.get(variable) == "":
            source = written if asked[name] == "" else variable
            raise click.UsageError(f"{source} is empty; give it a value or leave it out (an unset variable of CI?)")


def _tell(gated: "Gated") -> None:
    """Print the verdict, and mark the job where it fails."""
    from bench.gate.text import annotation, to_text  # noqa: PLC0415

    try:
        click.echo(to_text(gated.result))
        marked = annotation(gated.result)
        if marked and os.environ.get("GITHUB_ACTIONS") == "true":
            click.echo(marked)
    except FileTrouble as trouble:  # what was judged stands, and the verdict file says it
        click.echo(f"warning: {trouble}", err=True)
    if gated.page is not None:
        click.echo(f"report: {gated.page}", err=True)
