"""One `bench run` from options to a stored run: plan, check, measure, derive."""

import re
import secrets
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import which
from typing import Literal, Protocol

from bench import __version__
from bench.analysis import intervals, summary
from bench.errors import Interrupted, NoDevice, NothingComparable, TrialsFailed, UsageError
from bench.machine import conditions, cpus, gpu, passport
from bench.paths import SOURCE_TREE
from bench.records import tables
from bench.records.cell import AGAIN, CALIBRATION, Cell, Side
from bench.records.journal import Journal, find, load, utc_now, write_manifest
from bench.records.plan import Plan
from bench.records.stored_run import SCHEMA_VERSION, DatasetRecord, Run, RunHeader
from bench.records.trial import FailureKind, Trial
from bench.records.verification import Expectation, Verification
from bench.runs import roofline
from bench.runs import rounds as measuring
from bench.runs.pace import Pace
from bench.runs.progress import Display
from bench.runs.remote_trial import TrialProcess
from bench.sides import inventory
from bench.sides.inventory import Inventory
from bench.sides.launcher import Launcher
from bench.sides.recipe import still_there
from bench.units import Seconds
from bench.verify import learning_curve, pool
from bench.worker import frameworks
from bench.worker.runner import TrialRequest
from bench.worker.sight import look
from loops import guides, registry
from loops.contract import Track
from loops.data import mnist

PREFERRED_BASELINE = "tf-eager"
BLOCKS_PER_TRIAL = 24
"""Processes differ by 1 % and more however long each is measured; twice as many narrow an interval by a tenth."""
BLOCK_SECONDS: Seconds = 0.04
"""What disturbs a block is mostly gone by the next, at 40 ms as at 160 ms, so many short blocks say more than few long
ones in the same time. Still long against a scheduler's time slice of 3 ms."""
IMAGES = 32
"""How many a generator draws with `--samples`."""
KERNEL = "numpy"
"""The loop that measures the machine: it needs no framework, so it is the same where frameworks differ."""
KERNEL_BLOCKS = 10
"""Fewer than the others': they, warm-up and evaluation are to cost less than a second a round."""

MEBIBYTES_PER_PROCESS = 700
"""Resident, about: 280 with NumPy, 570 with PyTorch and JAX, 1,120 with TensorFlow (reports/reference/fastest)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `bench run` was asked for, parsed and not yet checked against this machine."""

    loops: tuple[str, ...] = ()
    """Empty means the five that the guides teach, "all" every registered one. A name may be a user's file, as it may in
    what follows."""
    more_loops: tuple[str, ...] = ()
    """Beside those."""
    workloads: tuple[str, ...] = ()
    """Empty means "mnist-mlp"."""
    all_guides: bool = False
    """Every loop on the workload that a guide trains with it; loops and workloads are then not chosen."""
    breakdown: bool = False
    """Whether to find out where the time of a step goes, after each process is done."""
    samples: bool = False
    """Whether generators draw images after training."""
    track: Track | None = None
    """None means `guide` with `all_guides`, `matched` otherwise."""
    device: Literal["cpu", "gpu", "auto"] = "auto"
    batch_sizes: tuple[int, ...] = ()
    """Empty means the workload's own."""
    widths: tuple[int, ...] = ()
    """Units of each hidden layer; empty means the workload's own."""
    rounds: int = 6
    steps: int | None = None
    timeout: Seconds = 300.0
    threads: int | None = None
    pin: bool = True
    """Whether trials with fewer threads than there are CPUs stay on as many of them."""
    seed: int = 0
    dataset: mnist.DatasetChoice = mnist.DatasetChoice.AUTO
    data: Path | None = None
    verify: bool = True
    margin: float = intervals.MARGIN
    again: bool = False
    """Whether the baseline is measured twice, under two names, to see what noise does."""
    precision: float | None = None
    time_budget: Seconds | None = None
    label: str | None = None
    interpreters: Mapping[str, str] = field(default_factory=dict)
    schedule: Literal["interleaved", "sequential"] = "interleaved"
    sides: tuple[Side, ...] = ()
    """Environments in which every loop is measured, baseline first; empty compares loops."""
    calibrate: bool = True
    """Whether the speed of the machine is measured in each round, for comparison with other runs. Never where there
    are sides, which are compared within their run."""
    results: Path = Path("results")
    cache: Path = Path()
    command: str = ""
    """The command line as it was typed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A run that is about to be measured, new or resumed."""

    journal: Journal
    run: Run
    digits: str
    """Folder with the decoded arrays."""
    cache: Path
    """Where earlier verifications are remembered."""
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    """Side -> what it has of the loops and workloads; empty where loops are compared."""


class Console(Protocol):
    """Where `execute` tells people what they should know, and how it shows progress."""

    def notice(self, text: str) -> None:
        """Print one line on stderr."""

    def display(self, plan: Plan, *, done: int) -> Display:
        """Return the progress display."""


def start(options: Options, *, console: Console, environment: Mapping[str, str]) -> Opened:
    """Check the options against this machine, and open the journal of a new run.

    Raises:
        UsageError: If options cannot be honoured.
        NoDevice: If a GPU was asked for and no framework sees one.
        loops.errors.LoopError: If a loop, a workload or the data are not there.
        ResultsError: If the results folder cannot be written.
    """
    inventories = _inventories(
        options.sides, loops=_loops(options), workloads=_workloads(options), environment=environment
    )
    plan = _plan(options, inventories=inventories, console=console)
    fixture = mnist.resolve(options.dataset, file=options.data, cache=options.cache)
    if fixture.fallback:
        console.notice(f"warning: synthetic digits instead of MNIST: {fixture.fallback}")
    now = passport.read_now()
    warnings = (
        *passport.disturbances(environment=environment, readings=now),
        *_crowding(plan, available_mebibytes=now.memory_available_mebibytes),
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
        dataset=_dataset_record(fixture),
        environment=passport.passport(environment=environment, source_tree=SOURCE_TREE),
        warnings=warnings,
    )
    journal = Journal.create(options.results, header=header)
    return Opened(
        journal=journal,
        run=Run(header=header, trials=()),
        digits=fixture.folder,
        cache=options.cache,
        inventories=inventories,
    )


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


def resume(name: str, *, options: Options, environment: Mapping[str, str]) -> Opened:
    """Open the journal of an interrupted run, to go on with what is missing.

    Raises:
        ResultsError: If there is no such run.
        UsageError: If the data are not those of the run, or what a side was measured with is gone.
    """
    folder = find(options.results, name)
    run = load(folder)
    choice = mnist.DatasetChoice(run.header.dataset.name)
    fixture = mnist.resolve(choice, file=options.data, cache=options.cache)
    if fixture.sha256 != run.header.dataset.sha256:
        raise UsageError(f"{folder.name} was measured on other data ({run.header.dataset.source}); name them by --data")
    plan = run.header.plan
    registry.register(plan.files)
    gone = [side for side in plan.sides if not still_there(side)]
    if gone:
        raise UsageError(f"{folder.name} cannot go on: what was made for {gone[0]} is gone; start a new run")
    return Opened(
        journal=Journal(folder),
        run=run,
        digits=fixture.folder,
        cache=options.cache,
        inventories=_inventories(
            plan.sides,
            loops=list(dict.fromkeys(cell.loop for cell in plan.cells)),
            workloads=list(dict.fromkeys(cell.workload for cell in plan.cells)),
            environment=environment,
        ),
    )


def execute(opened: Opened, *, console: Console, environment: Mapping[str, str]) -> Run:
    """Measure what is missing, close the run and return it; tables are derived whatever happened.

    Raises:
        Interrupted: On Ctrl-C; the run is closed first.
    """
    journal, plan = opened.journal, opened.run.header.plan
    interrupted = False
    known = {trial.cell for trial in opened.run.trials}
    unavailable = [trial for trial in _unavailable(opened) if trial.cell not in known]
    for trial in unavailable:
        journal.add(trial)
        console.notice(f"{trial.cell.name}: not measured: {trial.failure and trial.failure.message}")
    done = [*opened.run.trials, *unavailable]
    on_gpu = any(cell.device == "gpu" for cell in plan.cells)
    accelerators = partial(passport.accelerators, environment=environment) if on_gpu else tuple
    with Launcher(interpreters=plan.interpreters, environment=environment) as launcher, ExitStack() as screen:
        launch = partial(_launch, opened=opened, launcher=launcher)
        try:
            _verify(opened, launcher=launcher, skip={trial.cell for trial in unavailable}, console=console)
            if not opened.run.floors:
                for found in roofline.measure(plan, launcher=launcher):
                    journal.add_floor(found)
            display = screen.enter_context(console.display(plan, done=len(done)))
            measuring.measure(
                plan,
                done=[*done, *opened.run.calibration],
                launch=launch,
                store=journal.add,
                observer=display,
                pace=Pace(opened.run.header, done=done),
                watch=partial(conditions.watched, keep=journal.add_conditions, accelerators=accelerators),
            )
            _expect(opened, console=console)
        except KeyboardInterrupt:
            interrupted = True
    stored = close(journal, interrupted=interrupted)
    if interrupted:
        planned = stored.planned_rounds * len(plan.cells)
        raise Interrupted(
            f"interrupted: {len(stored.trials)} of {planned} trials are stored; "
            f"go on with: bench run --resume {stored.header.run_id}"
        )
    return stored


def close(journal: Journal, *, interrupted: bool) -> Run:
    """Write the journal's last line and derive manifest and tables."""
    run = load(journal.folder)
    plan = run.header.plan
    settled = {(trial.cell, trial.round) for trial in run.trials}
    failed = {trial.cell for trial in run.trials if trial.failure is not None}
    complete = all(
        cell in failed or (cell, number) in settled for cell in plan.cells for number in range(run.planned_rounds)
    )
    adaptive = plan.precision is not None or plan.time_budget is not None
    journal.end(complete=complete and not (adaptive and interrupted))
    run = load(journal.folder)
    tables.write(run, folder=journal.folder)
    write_manifest(run, folder=journal.folder)
    return run


def check(run: Run) -> None:
    """Raise what the exit code should say about a closed run.

    Raises:
        TrialsFailed: If a trial crashed, hung or broke the contract, or a loop failed verification.
        UsageError: If nothing at all could be measured here.
    """
    failures = {trial.cell: trial.failure for trial in run.trials if trial.failure is not None}
    crashed = [cell for cell, failure in failures.items() if failure.kind is not FailureKind.UNAVAILABLE]
    invalid = [v for v in run.verifications if v.failed]
    off = [cell.name for cell in run.header.plan.cells if summary.off_the_curve(run, cell) is not None]
    if crashed:
        names = ", ".join(dict.fromkeys(cell.name for cell in crashed))
        raise TrialsFailed(f"{len(crashed)} of {len(run.header.plan.cells)} cells failed: {names}")
    if invalid:
        names = ", ".join(v.loop if v.side is None else f"{v.loop} [{v.side}]" for v in invalid)
        raise TrialsFailed(f"not the same work as {invalid[0].peer or 'the reference'}: {names}")
    if off:
        raise TrialsFailed(f"timed processes did not learn what they should have: {', '.join(off)}")
    if len(failures) == len(run.header.plan.cells):
        raise UsageError("none of these loops can be measured here; see 'bench list'")
    plan = run.header.plan
    measured = Counter(plan.group_of(cell) for cell in plan.cells if cell not in failures and cell.side != AGAIN)
    if plan.sides and max(measured.values()) < len(plan.sides):
        reasons = "; ".join(dict.fromkeys(failure.message for failure in failures.values()))
        raise NothingComparable(f"no loop was measured on every side: {reasons}")


def _verify(opened: Opened, *, launcher: Launcher, skip: Collection[Cell], console: Console) -> None:
    """Check every loop of the plan that was not checked in this run or, with the same sources, in an earlier one."""
    plan = opened.run.header.plan
    if not plan.verify:
        return
    memory = pool.Memory(opened.cache)
    unchecked = [cell for cell in plan.cells if cell not in skip and opened.run.verification_of(cell) is None]
    cells = dict.fromkeys(plan.twin_of(cell) for cell in unchecked)
    # What another environment computes is looked at each time: its libraries and variables are nobody's to enumerate.
    unchanged = {None, *(side.name for side in plan.sides if side.changes_nothing)}
    wanted: dict[tuple[str, str | None], list[Cell]] = {}
    for cell in {(cell.loop, cell.workload, cell.device, cell.side): cell for cell in cells}.values():
        side = plan.side_of(cell)
        name = None if side is None else side.name
        known = memory.recall(cell.loop, workload=cell.workload, device=cell.device) if name in unchanged else None
        if known is not None:
            opened.journal.add_verification(replace(known, side=name))
        else:
            wanted.setdefault((cell.loop, name), []).append(cell)

    def tell(found: Verification) -> None:
        opened.journal.add_verification(found)
        if found.side in unchanged:
            memory.keep(replace(found, side=None))
        console.notice(_checked(found))

    pool.verify(
        [
            pool.Request(
                loop=loop,
                workloads=tuple(cell.workload for cell in cells),
                backend=_identity(cells[0], opened=opened)[0],
                side=plan.side_of(cells[0]),
            )
            for (loop, _), cells in wanted.items()
        ],
        digits=opened.digits,
        device=plan.cells[0].device,
        launcher=launcher,
        logs=opened.journal.folder / "logs",
        timeout=plan.timeout,
        tell=tell,
    )


def _checked(found: Verification) -> str:
    """Return what came of a check in one line."""
    name = found.loop if found.side is None else f"{found.loop} [{found.side}]"
    if found.undecided:
        return f"not verified: {name}: {found.reason}"
    if found.failed:
        return f"INVALID: {name}: {found.reason}"
    return f"verified: {name}" if found.peer is None else f"trains like {found.peer}: {name}"


def _expect(opened: Opened, *, console: Console) -> None:
    """Store what the reference had learned on the way, for every kind of trial that finished; measuring is over."""
    run = load(opened.journal.folder)
    plan = run.header.plan
    if not plan.verify:
        return
    finished = {trial.cell for trial in run.trials if trial.failure is None}
    cells = {
        (cell.workload, cell.track, cell.batch_size, cell.width): cell
        for cell in plan.cells
        if cell in finished and learning_curve.has_reference(cell.workload) and run.expectation_of(cell) is None
    }
    memory = learning_curve.Memory(opened.cache, data_sha256=run.header.dataset.sha256, seed=plan.seed)
    for cell in cells.values():

        def train(cell: Cell = cell) -> Expectation:
            console.notice(f"training the reference on {cell.workload}, to hold the timed processes against it")
            return learning_curve.expected(
                registry.load_workload(cell.workload),
                digits=mnist.load(Path(opened.digits)),
                track=Track(cell.track),
                batch_size=cell.batch_size,
                width=cell.width,
                seed=plan.seed,
            )

        opened.journal.add_expectation(memory.recall(cell, otherwise=train))


def _launch(
    cell: Cell, *, round_number: int, blocks: int, breakdown: bool, opened: Opened, launcher: Launcher
) -> TrialProcess:
    """Start one trial of a cell."""
    plan = opened.run.header.plan
    side = plan.side_of(cell)
    backend, identity = _identity(cell, opened=opened)
    kernel = cell == plan.calibration
    request = TrialRequest(
        loop=cell.loop,
        workload=cell.workload,
        backend=backend,
        track=cell.track,
        device=cell.device,
        batch_size=cell.batch_size,
        width=cell.width,
        threads=cell.threads,
        seed=plan.seed,
        digits=opened.digits,
        blocks=KERNEL_BLOCKS if kernel else blocks,
        block_seconds=plan.block_seconds,
        steps=None if kernel else plan.steps,
        cpus=plan.cpus,
        breakdown=breakdown,
        images=plan.images if round_number == 0 and not kernel and not breakdown else 0,
    )
    return TrialProcess(
        request,
        cell=cell,
        round_number=round_number,
        identity=identity,
        interpreter=launcher.interpreter(backend, side=side),
        environment=launcher.environment(backend=backend, device=cell.device, threads=cell.threads, side=side),
        log=opened.journal.log_path(round_number=round_number, cell=f"{cell}-breakdown" if breakdown else cell),
        timeout=plan.timeout,
    )


def _identity(cell: Cell, *, opened: Opened) -> tuple[str, dict[str, str | None]]:
    """Return a loop's framework and the hashes of its sources, which are those of its side."""
    side = opened.run.header.plan.side_of(cell)
    if side is not None:
        found = opened.inventories[side.name][cell.loop, cell.workload]
        return found.backend, {"loop_sha256": found.loop_sha256, "workload_sha256": found.workload_sha256}
    loop = registry.describe_loop(cell.loop, workload=cell.workload)
    workload = registry.describe_workload(cell.workload)
    return loop.backend or "", {"loop_sha256": loop.sha256, "workload_sha256": workload.sha256}


def _inventories(
    sides: Iterable[Side], *, loops: Collection[str], workloads: Collection[str], environment: Mapping[str, str]
) -> dict[str, Inventory]:
    """Ask every side what it has."""
    with Launcher(interpreters={}, environment=environment) as launcher:
        return {side.name: inventory.look(side, loops=loops, workloads=workloads, launcher=launcher) for side in sides}


def _plan(options: Options, *, inventories: Mapping[str, Inventory], console: Console) -> Plan:
    """Turn options into cells."""
    wanted = _wanted(options, inventories=inventories, console=console)
    workloads = {name: registry.outline_workload(name) for name in wanted}
    names = list(dict.fromkeys(name for loops in wanted.values() for name in loops))
    for workload in workloads.values():
        for batch_size in options.batch_sizes:
            if workload.training_samples is not None and batch_size > workload.training_samples:
                raise UsageError(
                    f"batch size {batch_size} is above the {workload.training_samples} training samples of "
                    f"{workload.name}"
                )
        if options.widths and workload.hidden_units is None:
            raise UsageError(f"--width: the model of {workload.name} has no hidden layers whose width could be chosen")
    if options.samples and not any(workload.kind == "adversarial" for workload in workloads.values()):
        raise UsageError(f"--samples: no generator is trained by {', '.join(workloads)}; try --workload mnist-dcgan")
    interpreters = _interpreters(options.interpreters)
    backends_used = {
        found.backend for has in inventories.values() for found in has.values() if found.loop in names and found.backend
    } or {registry.describe_loop(name).backend or "" for name in names}
    device = _device(options.device, backends_used=backends_used, interpreters=interpreters, console=console)
    cells = tuple(
        Cell(
            loop=name,
            workload=workload.name,
            track=(options.track or (Track.GUIDE if options.all_guides else Track.MATCHED)).value,
            device=device,
            batch_size=batch_size,
            width=width,
            threads=options.threads,
            side=side,
        )
        for workload in workloads.values()
        for batch_size in options.batch_sizes or (workload.batch_size,)
        for width in options.widths or (None,)
        for name in wanted[workload.name]
        for side in (tuple(side.name for side in options.sides) or (None,))
    )
    baseline = PREFERRED_BASELINE if PREFERRED_BASELINE in names else names[0]
    return Plan(
        cells=_with_repetition(cells, baseline=baseline) if options.again else cells,
        rounds=options.rounds,
        blocks_per_trial=BLOCKS_PER_TRIAL,
        block_seconds=BLOCK_SECONDS,
        steps=options.steps,
        schedule=options.schedule,
        seed=options.seed,
        timeout=options.timeout,
        baseline=baseline,
        sides=options.sides,
        interpreters=interpreters,
        files=registry.files(),
        images=IMAGES if options.samples else 0,
        breakdown=options.breakdown,
        verify=options.verify,
        margin=options.margin,
        precision=options.precision,
        time_budget=options.time_budget,
        cpus=_cpus(options, device=device),
        calibration=_calibration(threads=options.threads) if options.calibrate and not options.sides else None,
    )


def _cpus(options: Options, *, device: str) -> tuple[int, ...]:
    """Return as many logical CPUs as a trial has threads, or none where it would get all there are.

    Where threads may move, frameworks hand work from one CPU to another and pay for it now and then: one thread that
    stays differs several times less from process to process. The last CPUs are taken, because the first one
    serves most interrupts.
    """
    available = cpus.allowed()
    if not options.pin or options.threads is None or device != "cpu" or options.threads >= len(available):
        return ()
    return available[-options.threads :]


def _calibration(*, threads: int | None) -> Cell:
    """Return the cell that measures the machine: the same in every run on as many threads."""
    return Cell(
        loop=KERNEL,
        workload="mnist-mlp",
        track=Track.MATCHED.value,
        device="cpu",
        batch_size=32,
        threads=threads,
        side=CALIBRATION,
    )


def _with_repetition(cells: Sequence[Cell], *, baseline: str) -> tuple[Cell, ...]:
    """Return the cells and, for the first group, its baseline once more under another name."""
    first = next((cell for cell in cells if cell.loop == baseline), cells[0])
    return (*cells, replace(first, side=AGAIN))


def _wanted(options: Options, *, inventories: Mapping[str, Inventory], console: Console) -> dict[str, tuple[str, ...]]:
    """Return the loops to measure on each workload; a loop that cannot train one is left out of it and named."""
    if options.all_guides:
        if options.loops or options.more_loops or options.workloads:
            raise UsageError("--all-guides chooses loops and workloads itself; leave out LOOP and --workload")
        return guides.loops_by_workload()
    wanted: dict[str, tuple[str, ...]] = {}
    for workload in _workloads(options):
        names = _loops(options)
        # Known elsewhere and not here: a loop that one side has lost or that only another one has.
        elsewhere = {name for has in inventories.values() for name in names if has[name, workload].missing is None}
        elsewhere -= set(registry.loop_names())
        asked_here = [name for name in names if name not in elsewhere]
        holes = {name: reason for name in asked_here if (reason := registry.hole(name, workload)) is not None}
        if len(holes) == len(names):
            told = "; ".join(f"{name} is {reason}" for name, reason in holes.items())
            raise UsageError(f"nothing to measure on {workload}: {told}; see 'bench list workloads'")
        if registry.EVERY not in options.loops:
            for name, reason in holes.items():
                console.notice(f"warning: left out of {workload}: {name} is {reason}")
        wanted[workload] = tuple(name for name in names if name not in holes)
    return wanted


def _workloads(options: Options) -> tuple[str, ...]:
    """Return the workloads that were asked for."""
    asked = options.workloads or ("mnist-mlp",)
    return tuple(dict.fromkeys(registry.named("workload", name) for name in asked))


def _loops(options: Options) -> tuple[str, ...]:
    """Return the loops that were asked for: by name, "all", or the usual five, and those beside them."""
    asked = registry.loop_names() if registry.EVERY in options.loops else options.loops or registry.DEFAULT_LOOPS
    return tuple(dict.fromkeys(registry.named("loop", name) for name in (*asked, *options.more_loops)))


def _interpreters(asked: Mapping[str, str]) -> dict[str, str]:
    """Find each `--python BACKEND=INTERPRETER` on the path, as a shell would."""
    found = {}
    for backend, interpreter in asked.items():
        if backend not in frameworks.DISTRIBUTIONS:
            raise UsageError(
                f"--python {backend}={interpreter}: known backends are {', '.join(frameworks.DISTRIBUTIONS)}"
            )
        path = which(interpreter)
        if path is None:
            raise UsageError(f"--python {backend}={interpreter}: there is no such program")
        found[backend] = path
    return found


def _device(asked: str, *, backends_used: Iterable[str], interpreters: Mapping[str, str], console: Console) -> str:
    """Return "cpu" or "gpu"; a GPU that was asked for is there or it is an error, never a silent CPU."""
    if asked == "cpu" or (asked == "auto" and not gpu.has_accelerator_node()):
        return "cpu"
    sights = [look(backend, interpreter=interpreters.get(backend, sys.executable)) for backend in sorted(backends_used)]
    if any(sight.sees_gpu for sight in sights):
        return "gpu"
    seen = "; ".join(str(sight) for sight in sights)
    if asked == "gpu":
        raise NoDevice(f"no GPU for any of these loops: {seen}")
    console.notice(f"note: running on the CPU: {seen}")
    return "cpu"


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


def _dataset_record(fixture: mnist.Fixture) -> DatasetRecord:
    """Return what is stored about the data; the folder is this machine's business."""
    return DatasetRecord(name=fixture.name, source=fixture.source, sha256=fixture.sha256, fallback=fixture.fallback)


def _run_id(label: str | None) -> str:
    """Return a name that sorts by time and tells runs of the same second apart."""
    slug = re.sub(r"[^a-z0-9]+", "-", (label or "").lower()).strip("-")[:40]
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{slug + '-' if slug else ''}{secrets.token_hex(2)}"
