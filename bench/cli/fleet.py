"""`bench run --on`: the same run on machines of a cluster."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, final, get_type_hints

import click
from click.core import ParameterSource

from bench.cli.groups import Output, Running
from bench.cli.long_help import Sectioned
from bench.cli.options import option
from bench.cli.terminal import asker, cache_folder, show
from bench.errors import BenchError, NothingComparable, TrialsFailed, UsageError
from bench.files import SOURCE_TREE, make_folder, write_whole
from bench.runs.console import Terminal

if TYPE_CHECKING:
    from bench.fleet.record import Record
    from bench.fleet.travel import Parcel
    from bench.records.stored_run import Run

_WORDS = "bench.fleet.words"
_NOT_SENT = ("on", "machines", "where", "wait_for_node", "sent", "results_dir", "reports_dir", "no_report")
"""Options that say where, or what becomes of results here."""
_WITH_ON = ("machines", "where", "wait_for_node", "sent")
_NOT_TOGETHER = {"machine": "machines have names of their own", "resume": "a run goes on where it began"}


class Machines(click.ParamType[tuple[str, ...]]):
    """Names of machines, separated by commas, or one of two words."""

    name = "all|one-of-each-kind|NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Parse "a,b"."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in str(value).split(",") if name.strip()))
        if not names:
            self.fail(f"'{value}' names no machine", param, ctx)
        return names


@dataclass(frozen=True, kw_only=True)
class Placing:
    """On which machines a run is measured."""

    on: Annotated[
        str | None,
        option(
            "--on",
            metavar="local|ray|ray://HOST:PORT",
            help="Measure on machines of a Ray cluster: one started here, that of the environment, a remote one.",
        ),
    ]
    machines: Annotated[
        tuple[str, ...],
        option(
            "--machines",
            type=Machines(),
            default="one-of-each-kind",
            metavar="one-of-each-kind|all|NAME,...",
            help="With --on: which of its machines.",
        ),
    ]
    where: Annotated[
        Literal["any", "gpu"],
        option(
            "--where", type=click.Choice(["any", "gpu"]), default="any", help="With --on: gpu takes those with one."
        ),
    ]
    wait_for_node: Annotated[
        float,
        option(
            "--wait-for-node",
            type=click.FloatRange(min=0),
            default=300.0,
            metavar="SEC",
            help="With --on: how long the work of a machine that is lost waits for one of its kind.",
        ),
    ]
    sent: Annotated[
        tuple[Path, ...],
        option(
            "--send",
            "sent",
            multiple=True,
            type=click.Path(path_type=Path),
            help="With --on: one more file or folder that your code reads; may be repeated.",
        ),
    ]


def places(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `Placing`, which it is handed by their names."""
    hints = get_type_hints(Placing, include_extras=True)
    for hint in reversed(hints.values()):
        command = hint.__metadata__[0](command)
    return command


@final
class RunCommand(Sectioned):
    """Remembers what was typed, which other machines are to be told as it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        ctx.meta[_WORDS] = tuple(args)
        return super().parse_args(ctx, args)


def campaign_named(results: Path, name: str | None) -> Path | None:
    """Return the folder of the campaign that `--resume` names; None where it names a run."""
    if name is None or not (list(results.glob("*/campaign.json")) or (Path(name) / "campaign.json").is_file()):
        return None
    from bench.fleet import record  # noqa: PLC0415

    return record.find(results, name)


def refuse_without_on() -> None:
    """Refuse options that say where, if nothing says that it is elsewhere: they would do nothing.

    Raises:
        UsageError: With what to type.
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        typed = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if typed and parameter.name in _WITH_ON:
            raise UsageError(f"{parameter.opts[0]} is for runs on other machines; add --on ray, or leave it out")


def refuse_elsewhere(results: Path, run: str) -> None:
    """Refuse to go on here with a run that a campaign had measured on a machine of another kind.

    Raises:
        UsageError: With what goes on where it began.
    """
    campaigns = list(results.glob("*/campaign.json"))
    if not campaigns:
        return
    from bench.fleet import record  # noqa: PLC0415
    from bench.machine.passport import passport  # noqa: PLC0415
    from bench.records import journal, loading  # noqa: PLC0415
    from bench.records.machine import machine_of  # noqa: PLC0415

    folder = journal.find(results, run)
    for found in (record.load(path.parent) for path in campaigns):
        runs = {attempt.run for part in found.parts for attempt in part.attempts}
        there = machine_of(loading.load(folder).header.environment)
        if folder.name in runs and there.fingerprint != machine_of(passport(environment=os.environ)).fingerprint:
            raise UsageError(
                f"{folder.name} was measured on {there.title}, and rounds of two machines do not belong into one run; "
                f"go on with: bench run --resume {found.campaign}, or start anew with more rounds"
            )


def begin(running: Running, output: Output, *, placing: Placing, command: str) -> None:
    """Measure on machines of a cluster, and show what was found on each.

    Raises:
        UsageError: If Ray is not there, or no machine can be used.
        TrialsFailed: If a machine was given up, or something failed on one.
        Interrupted: On Ctrl-C.
    """
    from bench import __version__  # noqa: PLC0415
    from bench.fleet import placement, ray_cluster, record, travel  # noqa: PLC0415
    from bench.records.journal import utc_now  # noqa: PLC0415

    assert placing.on is not None
    ray_cluster.require()
    for name, why in _NOT_TOGETHER.items():
        if getattr(running, name):
            raise UsageError(f"--on takes no --{name}: {why}")
    context, terminal = click.get_current_context(), Terminal()
    parcel = travel.packed(
        _sent_words(context.meta[_WORDS], context.command.params),
        variables=_sent_variables(os.environ, context.command.params),
        sent=placing.sent,
        tree=SOURCE_TREE,
        folder=Path.cwd(),
    )
    with ray_cluster.connected(placing.on, parcel=parcel.content, tell=terminal.notice) as cluster:
        nodes = cluster.nodes()
        plan = placement.placed(nodes, machines=placing.machines, where=placing.where)
        remarks = placement.differences([node for _, node in plan])
        for remark in remarks:
            terminal.notice(f"note: {remark}")
        started = record.Record(
            campaign=f"campaign-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{parcel.fingerprint[:4]}",
            tool_version=__version__,
            started=utc_now(),
            command=command,
            on=placing.on,
            parts=tuple(record.Part(name=w.name, kind=w.kind, title=w.title, named=w.named) for w, _ in plan),
            remarks=tuple(remarks),
        )
        record.keep(parcel, record=started, results=output.results_dir)
        _remember(started.campaign, parcel=parcel)
        terminal.notice(f"campaign {started.campaign}: {len(plan)} of {len(nodes)} machines measure")
        ended = _seen_to(started, cluster=cluster, output=output, terminal=terminal, wait=placing.wait_for_node)
    _shown(ended, output=output)


def go_on(folder: Path, *, placing: Placing, output: Output, yes: bool) -> None:
    """Go on with a campaign: with the run of each machine that has not come to its end.

    Raises:
        UsageError: If nobody says that what it sent may be run.
        TrialsFailed: As for `begin`.
        Interrupted: On Ctrl-C.
    """
    from bench.fleet import ray_cluster, record  # noqa: PLC0415

    found, terminal = record.load(folder), Terminal()
    results = folder.parent
    if all(part.done for part in found.parts):
        terminal.notice(f"{found.campaign} is done already")
        _shown(found, output=replace(output, results_dir=results))
        return
    parcel = record.parcel(folder)
    if not _was_begun_here(found.campaign, parcel=parcel):
        asker(yes=yes)(f"{found.campaign} runs code on other machines, and it was not started here by you")
    with ray_cluster.connected(placing.on or found.on, parcel=parcel.content, tell=terminal.notice) as cluster:
        output = replace(output, results_dir=results)
        ended = _seen_to(found, cluster=cluster, output=output, terminal=terminal, wait=placing.wait_for_node)
    _shown(ended, output=output)


def _seen_to(record: "Record", *, cluster: Any, output: Output, terminal: Terminal, wait: float) -> "Record":
    """See a campaign to its end."""
    import signal  # noqa: PLC0415

    from bench.fleet.campaign import Campaign  # noqa: PLC0415
    from bench.runs.endings import handled_by  # noqa: PLC0415

    with handled_by(signal.default_int_handler):  # Ray has put its own in place
        return Campaign.new(
            record,
            results=output.results_dir,
            cluster=cluster,
            tell=terminal.notice,
            clock=time.monotonic,
            sleep=time.sleep,
            wait_for_node=wait,
        ).run()


def _shown(record: "Record", *, output: Output) -> None:
    """Show what each machine has found, and say by the exit code what went wrong.

    Raises:
        TrialsFailed: If a machine was given up, or something failed on one.
    """
    from bench.records import loading  # noqa: PLC0415
    from bench.runs import outcome  # noqa: PLC0415
    from bench.runs.endings import all_stored  # noqa: PLC0415

    problems, found = [], []
    for part in record.parts:
        last = part.last
        if last is None or last.state != "complete" or last.run is None:
            problems.append(f"{part.name}: {'nothing was measured' if last is None else last.why or last.state}")
            continue
        folder = output.results_dir / last.run
        run = loading.load(folder)
        click.echo(f"{last.machine}: {part.title}", err=True)
        with all_stored(folder):
            show(run, folder=folder, reports=output.reports, output_format=output.output_format)
        found.append(run)
        try:
            outcome.check(run)
        except BenchError as error:
            problems.append(f"{last.machine}: {error}")
    _side_by_side(found, campaign=record.campaign, output=output)
    if problems:
        raise TrialsFailed("; ".join(problems))


def _side_by_side(runs: "Sequence[Run]", *, campaign: str, output: Output) -> None:
    """Show all machines in one table, and write the campaign's page; one machine has nothing to stand beside."""
    from bench.cli import matrix  # noqa: PLC0415
    from bench.report.matrix import side_by_side  # noqa: PLC0415

    try:
        told = side_by_side(runs)
    except NothingComparable:
        return
    if output.output_format == "table":  # else a document for each machine, and nothing between or behind them
        matrix.show(told, output_format="table")
    if output.reports is not None:
        matrix.page_of(told, folder=output.reports / campaign, reports=output.reports)


def _sent_words(words: Sequence[str], parameters: Iterable[click.Parameter]) -> list[str]:
    """Return what was typed, without options that say where or what becomes of results here."""
    stays = {
        name: parameter
        for parameter in parameters
        if isinstance(parameter, click.Option) and parameter.name in {*_NOT_SENT, "output_format"}
        for name in parameter.opts
    }
    sent: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*sent, word, *rest]
        known = stays.get(word.partition("=")[0])
        if known is None:
            sent.append(word)
        elif "=" not in word and not known.is_flag:
            next(rest, None)
    return sent


def _sent_variables(environment: Mapping[str, str], parameters: Iterable[click.Parameter]) -> dict[str, str]:
    """Return the options that the environment sets, without those that stay here."""
    names = {
        parameter.envvar
        for parameter in parameters
        if isinstance(parameter.envvar, str)
        and parameter.name not in {*_NOT_SENT, *_NOT_TOGETHER, "output_format", "retry_failed", "yes"}
    }
    return {name: value for name, value in environment.items() if name in names}


def _note(campaign: str) -> Path:
    """Return where it is noted that a campaign was started here."""
    return cache_folder() / "started" / f"{hashlib.sha256(campaign.encode()).hexdigest()[:32]}.campaign"


def _remember(campaign: str, *, parcel: "Parcel") -> None:
    """Note in the user's own cache, where nobody else writes, what was sent to the machines."""
    make_folder(_note(campaign).parent)
    write_whole(_note(campaign), parcel.fingerprint.encode())


def _was_begun_here(campaign: str, *, parcel: "Parcel") -> bool:
    """Whether what is kept of a campaign is what was sent when its user started it here."""
    try:
        return _note(campaign).read_bytes() == parcel.fingerprint.encode()
    except OSError:
        return False
