"""One `bench run` from options to a stored run: plan, check, measure, derive."""

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import __version__, redaction
from bench.analysis.process import step_seconds_of
from bench.errors import Interrupted, ResultsError, UsageError
from bench.files import SOURCE_TREE
from bench.machine import conditions, disturbances, passport, readings
from bench.machine import gpu as gpus
from bench.records import busy, tables
from bench.records.cell import Side
from bench.records.journal import Journal, find, utc_now, write_manifest
from bench.records.loading import load
from bench.records.plan import Plan
from bench.records.stored_run import SCHEMA_VERSION, Conditions, Run, RunHeader
from bench.records.trial import Trial
from bench.records.words import LoopWords
from bench.runs import checks, consent, endings, inputs, profiling, roofline
from bench.runs import rounds as measuring
from bench.runs.launch import launch
from bench.runs.opened import Opened
from bench.runs.options import Console, Options, loops_of, plan_of, workloads_of
from bench.runs.pace import Pace, Starved
from bench.runs.quiet import Quiet
from bench.sides import inventory
from bench.sides.inventory import Inventory
from bench.sides.launcher import Launcher
from bench.sides.recipe import restored, still_there
from bench.worker import frameworks
from bench.worker.log import tidy
from loops import registry

MEBIBYTES_PER_PROCESS = 700
"""Resident, about: 280 with NumPy, 570 with PyTorch and JAX, 1,120 with TensorFlow (reports/reference/fastest)."""


def start(options: Options, *, console: Console, environment: Mapping[str, str]) -> Opened:
    """Check the options against this machine, and open the journal of a new run.

    Raises:
        UsageError: If options cannot be honoured.
        NoDevice: If a GPU was asked for and no framework sees one.
        loops.errors.LoopError: If a loop, a workload or the data are not there.
        ResultsError: If the results folder cannot be written.
    """
    inventories = _inventories(
        options.sides, loops=loops_of(options), workloads=workloads_of(options), environment=environment
    )
    prepared = inputs.prepare(options, inventories=inventories, environment=environment)
    plan = plan_of(options, inventories=inventories, prepared=prepared, console=console, environment=environment)
    fixture = inputs.digits_of(options, workloads={cell.workload for cell in plan.cells}, prepared=prepared)
    fallbacks = [fixture.fallback, *(one.fallback for one in prepared)]
    for reason in dict.fromkeys(filter(None, fallbacks)):
        console.notice(f"warning: synthetic digits instead of MNIST: {reason}")
    now = readings.read_now()
    warnings = (
        *disturbances.disturbances(environment=environment, readings=now),
        *_crowding(plan, available_mebibytes=now.memory_available_mebibytes),
        *options.remarks,
    )
    for warning in warnings:
        console.notice(f"warning: {warning}")
    header = RunHeader(
        schema_version=SCHEMA_VERSION,
        run_id=_run_id(options.label),
        label=options.label,
        tool_version=__version__,
        command=options.command,
        started=utc_now(),
        plan=plan,
        dataset=inputs.record(fixture, prepared=prepared, workloads={cell.workload for cell in plan.cells}),
        environment=passport.passport(
            environment=environment, source_tree=SOURCE_TREE, project=Path.cwd(), name=options.machine
        ),
        warnings=warnings,
        loops=tuple(_words(plan)),
    )
    journal = Journal.create(options.results, header=header)
    consent.remember(journal.folder, plan=plan, cache=options.cache)
    return Opened(
        journal=journal,
        run=Run(header=header, trials=()),
        digits=fixture.folder,
        cache=options.cache,
        inventories=inventories,
        wait=options.wait,
    )


def _words(plan: Plan) -> Iterator[LoopWords]:
    """Yield what the loops of a plan are called by people."""
    for loop, workload in dict.fromkeys((cell.loop, cell.workload) for cell in plan.cells if not plan.sides):
        described = registry.describe_loop(loop, workload=workload)
        if described.title:
            words = {name: getattr(described, name) for name in ("title", "change", "caution")}
            yield LoopWords(loop=loop, workload=workload, **words)


def _crowding(plan: Plan, *, available_mebibytes: int) -> Iterator[str]:
    """Say so if the processes that are alive at a time may need more memory than there is."""
    if plan.schedule == "sequential":
        return
    alive = max(len(group) for group in plan.groups(plan.cells)) * (2 if plan.breakdown else 1)
    if (needed := alive * MEBIBYTES_PER_PROCESS) > available_mebibytes:
        yield (
            f"{alive} processes alive at a time may need {needed:,} MiB of memory, and {available_mebibytes:,} MiB are "
            f"available; measure fewer loops at a time or use --schedule sequential."
        )


def resume(
    name: str, *, options: Options, console: Console, environment: Mapping[str, str], ask: consent.Ask
) -> Opened:
    """Open the journal of an interrupted run, to go on with what is missing.

    What the journal has run is said first, and asked where it is not as this user started it here.

    Raises:
        ResultsError: If there is no such run, or another process writes to it.
        UsageError: If the data are not those of the run, or what a side was measured with is gone.
    """
    folder = find(options.results, name)
    named = load(folder).header.plan
    what = ", ".join(consent.programs(named))
    if what:
        console.notice(f"going on with {folder.name} runs {what}")
    if (why := consent.doubt(folder, plan=named, cache=options.cache)) is not None:
        ask(f"{folder.name} runs {what}, and {why}")
    journal, stored = Journal.reopen(folder, tell=console.notice)
    if stored.header.plan != named:
        raise ResultsError(f"{folder}: another process has exchanged this run just now; try again")
    run = _as_it_was(stored, environment=environment)
    for log in (folder / "logs").glob("*.log"):  # of processes that a killed harness could not look after
        tidy(log)
    plan = run.header.plan
    registry.register(plan.files)
    fixture = inputs.found_again(run, options=options)
    gone = [side for side in plan.sides if not still_there(side)]
    if gone:
        raise UsageError(f"{folder.name} cannot go on: what was made for {gone[0]} is gone; start a new run")
    return Opened(
        journal=journal,
        run=_with_more_to_do(run, journal=journal, options=options),
        digits=fixture.folder,
        cache=options.cache,
        inventories=_inventories(
            plan.sides,
            loops=list(dict.fromkeys(cell.loop for cell in plan.cells)),
            workloads=list(dict.fromkeys(cell.workload for cell in plan.cells)),
            environment=environment,
        ),
        wait=options.wait,
    )


def _with_more_to_do(run: Run, *, journal: Journal, options: Options) -> Run:
    """Return a run with what is asked for anew, which its journal knows of from now on: once nothing speaks against it.

    Raises:
        UsageError: If more rounds are asked of a run that has no number of them, or as many already.
    """
    plan, rounds = run.header.plan, options.extend_to
    if rounds is not None and plan.adaptive:
        raise UsageError(f"--rounds {rounds}: {run.header.run_id} goes on until it is precise, or its time is up")
    if rounds is not None and rounds <= plan.rounds:
        raise UsageError(f"--rounds {rounds}: {run.header.run_id} has {plan.rounds} already; give more")
    if rounds is not None:
        journal.extend(rounds=rounds, command=options.command)
        run = replace(run, end=None, header=replace(run.header, plan=replace(plan, rounds=rounds)))
    if options.retry_failed:
        for failed in (trial for trial in (*run.trials, *run.calibration) if trial.failure is not None):
            journal.set_aside(failed)
        run = replace(
            run,
            trials=tuple(trial for trial in run.trials if trial.failure is None),
            calibration=tuple(trial for trial in run.calibration if trial.failure is None),
        )
    return run


def _as_it_was(run: Run, *, environment: Mapping[str, str]) -> Run:
    """Return a run that was read back with what its journal leaves out: the home folder, and secret values."""
    plan = run.header.plan
    plan = replace(
        plan,
        sides=tuple(restored(side, environment=environment) for side in plan.sides),
        interpreters={backend: redaction.at_home(path) for backend, path in plan.interpreters.items()},
        files=plan.files_here,
    )
    return replace(run, header=replace(run.header, plan=plan))


def execute(
    opened: Opened,
    *,
    console: Console,
    environment: Mapping[str, str],
    resume_with: str = "bench run --resume",
    inside: bool = False,
) -> Run:
    """Measure what is missing, close the run and return it; tables are derived whatever happened.

    Args:
        opened: The run.
        console: For notices and progress.
        environment: The parent's.
        resume_with: The command that goes on with it, named where it is interrupted.
        inside: Whether this is part of somebody else's program, which no signal is to end.

    Raises:
        Interrupted: On Ctrl-C; the run is closed first.
    """
    way_on = f"go on with: {resume_with} {endings.name_of(opened.journal.folder)}"
    with endings.watched(way_on, inside=inside) as ending:
        interrupted = False
        try:
            _measure(opened, console=console, environment=environment)
            ending.close()
        except KeyboardInterrupt:
            interrupted = True
        stored = close(opened.journal, interrupted=interrupted)
    if interrupted or ending.asked_for:
        planned = stored.planned_rounds * len(stored.header.plan.cells)
        raise Interrupted(f"interrupted: {len(stored.trials)} of {planned} trials are stored; {way_on}")
    return stored


def _measure(opened: Opened, *, console: Console, environment: Mapping[str, str]) -> None:
    """Check what is unchecked, and measure what is missing."""
    journal, plan = opened.journal, opened.run.header.plan
    known = {trial.cell for trial in opened.run.trials}
    unavailable = [trial for trial in _unavailable(opened) if trial.cell not in known]
    for trial in unavailable:
        journal.add(trial)
        console.notice(f"{trial.cell.name}: not measured: {trial.failure and trial.failure.message}")
    done = [*opened.run.trials, *unavailable]
    with Launcher(interpreters=plan.interpreters, environment=environment) as launcher, ExitStack() as screen:
        checks.verify(
            opened,
            launcher=launcher,
            environment=environment,
            skip={trial.cell for trial in unavailable},
            console=console,
        )
        if not opened.run.least_steps:
            for found in roofline.measure(plan, launcher=launcher):
                journal.add_least_step(found)
        settled = list(done)

        def store(trial: Trial) -> Trial:
            settled.append(journal.add(trial))
            return settled[-1]

        display = screen.enter_context(console.display(plan, done=len(done)))
        quiet = Quiet(plan, wait=opened.wait, screen=display, tell=console.notice)
        quiet.wait()
        _run_rounds(
            opened,
            done=done,
            launch=partial(launch, opened=opened, launcher=launcher),
            store=store,
            observer=display,
            environment=environment,
            starved=partial(_starved, quiet=quiet, tell=console.notice),
        )
        for found in roofline.measure(plan, launcher=launcher):
            journal.add_least_step(found)
        checks.expect(opened, trials=settled, console=console)
        screen.close()
        profiling.of_plan(
            plan,
            trials=settled,
            run=journal.folder,
            launch=partial(launch, opened=opened, launcher=launcher),
            environment=environment,
            tell=console.notice,
        )


def _run_rounds(
    opened: Opened,
    *,
    done: Sequence[Trial],
    launch: measuring.Launch,
    store: measuring.Store,
    observer: measuring.Observer,
    environment: Mapping[str, str],
    starved: Starved,
) -> None:
    """Measure what is missing, and keep what the machine did meanwhile."""
    journal, plan = opened.journal, opened.run.header.plan
    if plan.looks and opened.run.complete:  # the last look has spent what was left of the error
        return
    kernel = opened.run.calibration
    pace = Pace(opened.run.header, done=[*done, *kernel], conditions=opened.run.conditions, starved=starved)

    def keep(seen: Conditions) -> None:
        journal.add_conditions(seen)
        pace.seen(seen)

    on_gpu = any(cell.device == "gpu" for cell in plan.cells)
    accelerators = partial(gpus.accelerators, environment=environment) if on_gpu else tuple
    measuring.measure(
        plan,
        done=[*done, *kernel],
        launch=launch,
        store=store,
        observer=observer,
        pace=pace,
        watch=partial(conditions.watched, keep=keep, accelerators=accelerators),
    )


def _starved(round_number: int, conditions: Conditions | None, *, quiet: Quiet, tell: Callable[[str], None]) -> None:
    """Say that a round is left out, and wait until the next one is worth measuring."""
    who = "" if conditions is None else f" ({busy.told(conditions.busy, others=conditions.others)})"
    tell(f"round {round_number + 1} is left out: other work kept the processors busy{who}")
    quiet.wait()


def close(journal: Journal, *, interrupted: bool) -> Run:
    """Write the journal's last line and derive manifest and tables."""
    run = load(journal.folder)
    plan = run.header.plan
    settled = {(trial.cell, trial.round) for trial in run.trials}
    failed = {trial.cell for trial in run.trials if trial.failure is not None}
    complete = bool(plan.looks) or all(  # what is decided has no row in later rounds
        cell in failed or (cell, number) in settled for cell in plan.cells for number in range(run.planned_rounds)
    )
    run = replace(run, end=journal.end(complete=complete and not (plan.adaptive and interrupted)))
    tables.write(run, folder=journal.folder, step_seconds=step_seconds_of((*run.trials, *run.calibration)))
    write_manifest(run, folder=journal.folder)
    journal.release()
    return run


def _inventories(
    sides: Iterable[Side], *, loops: Collection[str], workloads: Collection[str], environment: Mapping[str, str]
) -> dict[str, Inventory]:
    """Ask every side what it has."""
    with Launcher(interpreters={}, environment=environment) as launcher:
        return {side.name: inventory.look(side, loops=loops, workloads=workloads, launcher=launcher) for side in sides}


def _unavailable(opened: Opened) -> list[Trial]:
    """Return a row for each cell that cannot be measured; other interpreters are asked by starting."""
    rows: list[Trial] = []
    plan = opened.run.header.plan
    for cell in plan.cells:
        side = plan.side_of(cell)
        if side is not None:
            found = opened.inventories[side.name][cell.loop, cell.workload]
            asked = side.interpreter is not None or found.backend not in plan.interpreters
            rows += filter(None, [inventory.row(cell, found, side=side, ask_framework=asked)])
            continue
        loop = registry.describe_loop(cell.loop, workload=cell.workload)
        if loop.backend not in plan.interpreters:
            reason = frameworks.unusable(loop, device=cell.device)
            if reason:
                rows.append(measuring.unavailable(cell, reason=reason))
    return rows


def _run_id(label: str | None) -> str:
    """Return a name that sorts by time and tells runs of the same second apart."""
    slug = re.sub(r"[^a-z0-9]+", "-", (label or "").lower()).strip("-")[:40]
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{slug + '-' if slug else ''}{secrets.token_hex(2)}"
