"""One `bench gate`, settings to verdict: measure base and head together until it is decided, and write it down."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from bench.analysis import sequential
from bench.errors import Interrupted, UsageError
from bench.files import SOURCE_TREE
from bench.gate import accept, growth, identical, judge, listed, sensitivity, sides, stored, told_page
from bench.gate.policy import Policies, settle
from bench.gate.result import Finding, GateResult, LoopVerdict, Outcome
from bench.gate.settings import Settings, is_gone, resolved
from bench.gate.verdict_file import VerdictFile, ended
from bench.machine import passport
from bench.records import journal, loading
from bench.records.cell import Side
from bench.records.stored_run import Run
from bench.runs import consent, session
from bench.runs import options as run_options
from bench.sides import recipe
from bench.units import Seconds
from loops import registry, selection
from loops.data import mnist

THREADS = 1
"""Threads are most of the noise, and at small batches one is no slower."""

ROUNDS = 6
"""Against a stored run."""
MOST_ROUNDS = sequential.LOOKS[-1]

PATIENCE: Seconds = 600.0
"""How long a gate measures at most for each of its loops, where nobody says otherwise."""

RESUME = "bench gate --resume"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `bench gate` was asked for."""

    settings: Settings
    base: str
    """A side as `bench.sides.recipe.parse` takes it, such as "ref=main"."""
    head: str
    from_merge_base: bool
    """Whether the base is the commit where this branch left the one that `base` names."""
    baseline: str | None
    """A stored run to compare with, in place of both sides."""
    resume: str | None
    """An interrupted gate's run to go on with."""
    measuring: run_options.Options
    """Everything else about the run; sides are set here. Without loops, those of the settings are meant."""
    policies: Policies
    reports: Path | None
    """Where the page goes; None writes none."""
    most_rounds: int = MOST_ROUNDS
    """Of sides that are looked at until they are decided."""
    outputs: tuple[Path, ...] = ()
    """Files and folders that a gate writes: no change of the working tree."""


class Execute(Protocol):
    """Measures a run to its end, or what is missing of one."""

    def __call__(
        self,
        measuring: run_options.Options,
        /,
        *,
        console: run_options.Console,
        environment: Mapping[str, str],
        resume: str | None = None,
    ) -> tuple[Run, Path]:
        """Return what was stored, and the folder that it was stored in."""


def consent_refused(question: str) -> None:
    """Refuse what nobody can be asked.

    Raises:
        UsageError: Always.
    """
    raise UsageError(f"{question}; --yes goes on all the same")


def measure_now(
    measuring: run_options.Options,
    /,
    *,
    console: run_options.Console,
    environment: Mapping[str, str],
    resume: str | None = None,
    ask: consent.Ask = consent_refused,
) -> tuple[Run, Path]:
    """Measure a run on this machine to its end: a new one, or an interrupted one."""
    if resume is None:
        opened = session.start(measuring, console=console, environment=environment)
    else:
        opened = session.resume(resume, options=measuring, console=console, environment=environment, ask=ask)
    run = session.execute(opened, console=console, environment=environment, resume_with=RESUME)
    return run, opened.journal.folder


class Admit(Protocol):
    """Refuses a baseline that nothing measured here could be compared with."""

    def __call__(self, base: Run, /, *, measuring: run_options.Options, environment: Mapping[str, str]) -> None:
        """Raise `NothingComparable` if machine or data are others."""


def admit_here(base: Run, /, *, measuring: run_options.Options, environment: Mapping[str, str]) -> None:
    """Refuse a baseline that nothing measured here could be compared with.

    Raises:
        NothingComparable: If machine or data are others.
    """
    own = base.header.dataset.name not in [choice.value for choice in mnist.DatasetChoice]
    found = None if own else mnist.resolve(measuring.dataset, file=measuring.data, cache=measuring.cache)
    stored.admit(
        base,
        environment=passport.passport(environment=environment, source_tree=SOURCE_TREE),
        data_sha256=None if found is None else found.sha256,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Where a gate runs."""

    console: run_options.Console
    """For notices and progress."""
    environment: Mapping[str, str]
    """The parent's."""
    folder: Path
    """The project that is gated; `ref=` means its repository."""
    execute: Execute = field(default=measure_now)
    """Measures the runs."""
    admit: Admit = field(default=admit_here)
    """Looks at a baseline before that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated:
    """What a gate came to."""

    result: GateResult
    measured: tuple[told_page.Stored, ...] = ()
    """What it rests on."""
    page: Path | None = None


Measured = tuple[Finding, told_page.Stored]


class Measure(Protocol):
    """Measures head against base."""

    def __call__(self, measuring: run_options.Options, suspects: tuple[str, ...] = (), /) -> Measured:
        """Return what was found: of the suspects, or of all loops when there are none yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What is to be measured, and what is known already."""

    measure: Measure | None
    """None where there is nothing to measure."""
    in_fresh_rounds: bool
    """Whether what is suspected is measured again; sides are looked at until they are decided."""
    base: str
    head: str
    removed: tuple[LoopVerdict, ...] = ()
    same: str | None = None
    base_commit: str | None = None
    anchor: Side | None = None


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
    compare = _against_stored if options.baseline else _side_by_side
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
        # Another seed, so that nothing about the order of blocks is repeated; the loops were checked a moment ago.
        again = replace(measuring, again=False, verify=False, seed=measuring.seed + 1)
        try:
            confirmation, fresh = comparison.measure(again, first.suspects)
            runs.append(fresh)
        except Interrupted as error:
            raise Interrupted(
                f"interrupted while suspects were measured again; go on with: {RESUME} {first.run_id}"
            ) from error
    return judge.judge(first, confirmation=confirmation, fail_on_unclear=False), tuple(runs)


def _side_by_side(options: Options, *, around: Surroundings) -> Comparison:
    """Make both sides ready, and return what measures them in the same rounds."""
    ready = _prepared(options, around=around)
    asked, settings = options.measuring.loops, options.settings
    loops = asked or tuple(loop for loop in settings.loops if not is_gone(loop))
    removed = () if asked else _removed(options, listed_then=ready.listed)

    def measure(measuring: run_options.Options, _: tuple[str, ...] = ()) -> Measured:
        these = replace(
            measuring,
            sides=ready.all,
            loops=loops,
            looks=sequential.looks_until(options.most_rounds),
            anchor_margin=None if ready.anchor is None else settings.anchor_budget,
        )
        if these.time_budget is None:
            these = replace(these, time_budget=PATIENCE * len(run_options.loops_of(these)))
        run, folder = _measure(these, around=around, resume=options.resume)
        found = identical.pooled(run, results=measuring.results)
        finding = replace(judge.of_sides(run), identical=found)
        return growth.add(finding, found=growth.find(run, settings=settings)), (run, folder)

    return Comparison(
        # Nothing that is listed is left; without a list, the loops of the guides are meant.
        measure=measure if loops or not settings.loops else None,
        in_fresh_rounds=False,
        base=judge.told(ready.base.description, ready.base.facts),
        head=judge.told(ready.head.description, ready.head.facts),
        removed=removed,
        same=ready.same,
        base_commit=ready.base.facts.get("commit"),
        anchor=ready.anchor,
    )


def _prepared(options: Options, *, around: Surroundings) -> sides.Sides:
    """Make both sides ready, or find them in the run that is to be gone on with."""
    if options.resume is not None:
        found = loading.load(journal.find(options.measuring.results, options.resume)).header.plan.sides
        if len(found) < len(sides.NAMES):
            raise UsageError(
                f"{options.resume} is no run of a gate of two sides; give its --baseline too, if it had one"
            )
        return sides.again(found, settings=options.settings)
    wanted = sides.Wanted(
        base=options.base,
        head=options.head,
        from_merge_base=options.from_merge_base,
        settings=options.settings,
        outputs=options.outputs,
    )
    place = recipe.Place(folder=around.folder, cache=options.measuring.cache, environment=around.environment)
    return sides.prepare(wanted, place=place, tell=around.console.notice)


def _removed(options: Options, *, listed_then: Settings | None) -> tuple[LoopVerdict, ...]:
    """Return the loops that the base lists and the head has no more.

    Raises:
        InvalidSource: If the head lists a file that is not there, and the base knew nothing of it.
    """
    settings = options.settings
    workload = (*options.measuring.workloads, run_options.DEFAULT_WORKLOAD)[0]
    left_out = selection.left_out(options.measuring.exclude)
    missing = listed.unique(listed.deleted(settings, base=listed_then, workload=workload))
    for loop in filter(is_gone, settings.loops):
        if listed.name_of(loop) not in {row.loop for row in missing}:
            registry.named("loop", loop)
    renamed = () if listed_then is None else listed.removed(listed_then, head=settings, workload=workload)
    return listed.unique(row for row in (*missing, *renamed) if row.loop not in left_out)


def _against_stored(options: Options, *, around: Surroundings) -> Comparison:
    """Find the stored run, and return what measures its loops here."""
    measuring, settings = options.measuring, options.settings
    base = loading.load(journal.find(measuring.results, options.baseline))
    around.admit(base, measuring=measuring, environment=around.environment)
    cells = base.header.plan.cells
    registry.register(_files_of(base, around=around))
    known = set(registry.loop_names())
    stored_loops = tuple(dict.fromkeys(cell.loop for cell in cells))
    wanted = measuring.loops or tuple(map(listed.name_of, settings.loops))
    asked = stored_loops if not wanted or registry.EVERY in wanted else wanted
    if not measuring.loops:  # what it had and nobody knows here any more was renamed, or is gone
        asked = tuple(dict.fromkeys((*asked, *(loop for loop in stored_loops if loop not in known))))
    left_out = selection.left_out(measuring.exclude)
    asked = tuple(loop for loop in asked if loop not in left_out)
    # A loop that the stored run has and this tree has not cannot be measured; the comparison says that it is gone.
    here = tuple(loop for loop in asked if loop in known or loop not in stored_loops)
    gone = (
        listed.gone(loop, workload=cells[0].workload, budget=settings.budget(loop), reason="in the stored run only")
        for loop in asked
        if loop not in here
    )

    def measure(these: run_options.Options, suspects: tuple[str, ...] = ()) -> Measured:
        resume = None if suspects else options.resume
        run, folder = _measure(replace(these, loops=suspects or here), around=around, resume=resume)
        kept = tuple(cell for cell in cells if cell.loop in (suspects or here))
        only = replace(base, header=replace(base.header, plan=replace(base.header.plan, cells=kept)))
        return judge.of_stored(only, run, settings=settings), (run, folder)

    if settings.anchor is not None:
        around.console.notice(sides.ANCHOR_LEFT_OUT.format(settings.anchor))
    return Comparison(
        measure=measure if here else None,
        in_fresh_rounds=True,
        base=f"run {base.header.run_id}",
        head="this working tree",
        removed=tuple(gone),
    )


def _files_of(base: Run, *, around: Surroundings) -> list[str]:
    """Return the files of loops and workloads that a baseline names and that are run: those of this project only."""
    there = [path for path in base.header.plan.files_here if Path(path).exists()]
    own = [path for path in there if Path(path).resolve().is_relative_to(around.folder.resolve())]
    for path in there:
        if path in own:
            around.console.notice(f"the baseline names {path}, which is run as it is here")
        else:
            around.console.notice(
                f"warning: the baseline names {path}, which lies outside {around.folder} and is not run"
            )
    return own


def _measure(measuring: run_options.Options, *, around: Surroundings, resume: str | None) -> told_page.Stored:
    """Measure one run, or what is missing of it, and store it."""
    return around.execute(measuring, console=around.console, environment=around.environment, resume=resume)
