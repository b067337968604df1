"""One `bench gate`, settings to verdict: measure base and head together until it is decided, and write it down."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench.errors import Interrupted
from bench.gate import accept, judge, sensitivity, told_page
from bench.gate.comparison import RESUME, Comparison, Options, Surroundings
from bench.gate.policy import settle
from bench.gate.result import GateResult, Outcome
from bench.gate.settings import resolved
from bench.gate.verdict_file import VerdictFile, ended
from bench.gate.with_sides import side_by_side
from bench.gate.with_stored import against_stored
from bench.runs import options as run_options
from loops import registry, selection


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated:
    """What a gate came to."""

    result: GateResult
    measured: tuple[told_page.Stored, ...] = ()
    """What it rests on."""
    page: Path | None = None


def check(options: Options, *, around: Surroundings, file: VerdictFile) -> Gated:
    """Measure both sides until it is decided, and write the verdict.

    Args:
        options: What was asked for.
        around: Where.
        file: Where the verdict goes.

    Raises:
        BenchError: As `bench.runs.session.execute` does, or if a side cannot be made ready.
    """
    options = _named(options)
    compare = against_stored if options.baseline else side_by_side
    comparison = compare(options, around=around)
    gated = _gated(comparison, options=options, around=around)
    # What cannot be written is an error, and the verdict then says that: it is written last.
    gated = replace(gated, page=told_page.write(gated.result, gated.measured, reports=options.reports))
    file.write(gated.result, environment=around.environment, console=around.console)
    return gated


def _named(options: Options) -> Options:
    """Return the options with every file registered; by name from here on."""
    settings, asked = resolved(options.settings), options.measuring.loops
    every = (registry.EVERY,)  # what it stands for, a stored run says
    loops = every if registry.EVERY in asked else selection.chosen(asked, without=options.measuring.exclude)
    measuring = replace(
        options.measuring,
        loops=loops,
        margin=settings.max_slowdown,
        margins=settings.budgets,
    )
    return replace(options, settings=settings, measuring=measuring)


def _gated(comparison: Comparison, *, options: Options, around: Surroundings) -> Gated:
    """Measure, confirm, and settle what it means."""
    anchor, today = comparison.anchor, datetime.now(UTC).date()
    in_force = partial(accept.in_force, today=today, folder=around.folder, environment=around.environment)
    holding = in_force(options.settings, base=comparison.base_commit)
    since_anchor = () if anchor is None else in_force(options.settings, base=anchor.facts["commit"])
    notes = list(accept.ended(options.settings, holding=(*holding, *since_anchor)))
    if comparison.same is not None:
        for name in options.measuring.loops:
            registry.describe_loop(name)  # a name that is no loop's does not pass in silence
    runs: tuple[told_page.Stored, ...] = ()
    if comparison.same is not None or comparison.measure is None:
        result = ended(Outcome.NOTHING, exit_code=0, reason=comparison.same or "no loop is left")
        result = replace(result, base=comparison.base, head=comparison.head)
    else:
        remarks = tuple(f"{one.loop} may be slower than its budget: {one}" for one in holding)
        measuring = replace(options.measuring, remarks=remarks)
        result, runs = _confirmed(comparison, measuring=measuring, console=around.console)
        notes += sensitivity.remarks(result.loops, rounds=result.rounds)
        result = replace(result, anchor=None if anchor is None else judge.told(anchor.description, anchor.facts))
    result = accept.apply(result, holding=holding, since_anchor=since_anchor)
    result = settle(result, policies=options.policies, removed=comparison.removed)
    return Gated(result=replace(result, notes=tuple(notes)), measured=runs)


def _confirmed(
    comparison: Comparison, *, measuring: run_options.Options, console: run_options.Console
) -> tuple[GateResult, tuple[told_page.Stored, ...]]:
    """Measure all loops, and against a stored run those that are suspected again."""
    assert comparison.measure is not None  # or there is nothing to do
    first, *runs = comparison.measure(measuring)
    confirmation = None
    if comparison.in_fresh_rounds and first.suspects:
        console.notice(f"suspected, or too noisy to tell: {', '.join(first.suspects)}; measuring again")
        again = replace(measuring, again=False, verify=False)  # the loops were checked a moment ago
        try:
            confirmation, fresh = comparison.measure(again, first.suspects)
            runs.append(fresh)
        except Interrupted as error:
            raise Interrupted(
                f"interrupted while suspects were measured again; go on with: {RESUME} {first.run_id}"
            ) from error
    return judge.judge(first, confirmation=confirmation, fail_on_unclear=False), tuple(runs)
