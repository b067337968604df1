"""What `bench run` was asked for, and the plan that it means on this machine."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from shutil import which
from typing import Literal, Protocol

from bench.analysis import verdict
from bench.errors import UsageError
from bench.machine import cpus
from bench.records.cell import AGAIN, CALIBRATION, Cell, Side
from bench.records.plan import Plan
from bench.records.prepared import PreparedWorkload
from bench.runs import own_models
from bench.runs.baseline import baseline_of
from bench.runs.device import device_of
from bench.runs.progress import Display
from bench.sides import preparation
from bench.sides.inventory import Inventory
from bench.sides.launcher import Launcher
from bench.units import Seconds
from bench.worker import frameworks
from loops import guides, registry, selection, user_file
from loops.contract import Track
from loops.data import mnist
from loops.described import Outline

DEFAULT_WORKLOAD = registry.DEFAULT_WORKLOAD
BLOCKS_PER_TRIAL = 12
"""Processes differ by 1 % and more however long each is measured: from half as many blocks, intervals of the run
of models that compute are typically 3 % wider (`tools/fewer_blocks.py results/reference/compute`)."""
RUN_IN_SECONDS: Seconds = 0.2
"""Before each turn: most of what a pause costs is over by then. After 60 ms, loops of many threads were up to a quarter
slower than without a pause (`tools/turns.py --run-in 0.06`, docs/trust.md)."""
BLOCKS_PER_TURN = 2
"""So that a run-in serves two; a process still has six turns, which the machine's drift reaches alike."""
BLOCK_SECONDS: Seconds = 0.04
"""What disturbs a block is mostly gone by the next, at 40 ms as at 160 ms, so many short blocks say more than few long
ones in the same time. Still long against a scheduler's time slice of 3 ms."""
IMAGES = 32
"""How many a generator draws with `--samples`."""
KERNEL = "numpy"
"""The loop that measures the machine: it needs no framework, so it is the same where frameworks differ."""
KERNEL_BLOCKS = 12
"""However many the others have: they are to cost little of a round."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `bench run` was asked for, parsed and not yet checked against this machine.

    One field for each option of the command line, because every group of them would be written down in three places.
    """

    loops: tuple[str, ...] = ()
    """Empty means the five that the guides teach. A name may be "all", a pattern or a user's file, as it may in what
    follows; see `loops.selection`."""
    more_loops: tuple[str, ...] = ()
    """Beside those."""
    exclude: tuple[str, ...] = ()
    """Left out of them."""
    baseline: str | None = None
    """The loop that the others are compared with; None leaves it to what is measured. Never where there are sides."""
    workloads: tuple[str, ...] = ()
    """Empty means "mnist-mlp"."""
    arrays: Path | None = None
    """Of a saved model that is the workload, the file with what it is trained on."""
    data_limit: int = preparation.MOST_MEBIBYTES
    """Mebibytes that a pipeline may hold when it is drained."""
    dtype: str | None = None
    """Keras' dtype policy for workloads of users; None leaves it to the model."""
    all_guides: bool = False
    """Every loop on the workload that a guide trains with it; loops and workloads are then not chosen."""
    breakdown: bool = False
    """Whether to find out where the time of a step goes, after each process is done."""
    profile: tuple[str, ...] | None = None
    """Loops that are profiled in the end; empty means all that are measured, None means none."""
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
    margin: float = verdict.MARGIN
    margins: Mapping[str, float] = field(default_factory=dict)
    """Loop -> its own margin, where it is not that."""
    looks: tuple[int, ...] = ()
    """Rounds after which sides are looked at, to go on only with what is not decided; empty measures `rounds`."""
    anchor_margin: float | None = None
    """With three sides, how much slower the second may be than the third."""
    again: bool = False
    """Whether the baseline is measured twice, under two names, to see what noise does."""
    precision: float | None = None
    time_budget: Seconds | None = None
    label: str | None = None
    machine: str | None = None
    """What the user calls this machine."""
    interpreters: Mapping[str, str] = field(default_factory=dict)
    wait: Seconds = 0.0
    """Longest wait for a quiet machine; 0 does not even look."""
    on_busy: Literal["again", "count"] = "again"
    """What becomes of a round in which other work took the processor away."""
    extend_to: int | None = None
    """Rounds in all for which a run that is resumed goes on; None as it was planned."""
    retry_failed: bool = False
    """Whether cells of a resumed run that have failed are tried again."""
    schedule: Literal["interleaved", "sequential"] | None = None
    """None means `sequential` where input pipelines are measured, which go on while their process pauses: they read
    ahead, and what tunes them counts the time of others. Environments are compared in turns all the same."""
    sides: tuple[Side, ...] = ()
    """Environments in which every loop is measured, baseline first; empty compares loops."""
    known: tuple[Cell, ...] = ()
    """What a run has that this one is to be compared with: of its loops, nothing else is measured."""
    calibrate: bool = True
    """Whether the speed of the machine is measured in each round, for comparison with other runs. Never where there
    are sides, which are compared within their run."""
    results: Path = Path("results")
    cache: Path = Path()
    command: str = ""
    """The command line as it was typed."""
    remarks: tuple[str, ...] = ()
    """What a reader of the page should know, one sentence each."""


class Console(Protocol):
    """Where `execute` tells people what they should know, and how it shows progress."""

    def notice(self, text: str) -> None:
        """Print one line on stderr."""

    def display(self, plan: Plan, *, done: int) -> Display:
        """Return the progress display."""


def plan_of(
    options: Options,
    *,
    inventories: Mapping[str, Inventory],
    prepared: Sequence[PreparedWorkload],
    console: Console,
    environment: Mapping[str, str],
) -> Plan:
    """Turn options into cells."""
    wanted = _wanted(options, inventories=inventories, console=console)
    workloads = {name: _outline(name, prepared=prepared, options=options) for name in wanted}
    names = list(dict.fromkeys(name for loops in wanted.values() for name in loops))
    _refuse(options, workloads=workloads.values())
    interpreters = _interpreters(options.interpreters)
    backends_used = {
        found.backend for has in inventories.values() for found in has.values() if found.loop in names and found.backend
    } or {registry.describe_loop(name).backend or "" for name in names}
    with Launcher(interpreters=interpreters, environment=environment) as launcher:
        device = device_of(
            options.device, backends_used=backends_used, sides=options.sides, launcher=launcher, tell=console.notice
        )
    cells = tuple(_cells(options, workloads=workloads.values(), loops=wanted, device=device))
    if not cells:
        raise UsageError("of what the stored run measured nothing is left here: its batch sizes are not those of today")
    baseline = baseline_of(options, names=names, workloads=wanted, console=console)
    return Plan(
        cells=_with_repetition(cells, baseline=baseline) if options.again else cells,
        rounds=options.looks[0] if options.looks else options.rounds,
        looks=options.looks,
        blocks_per_trial=BLOCKS_PER_TRIAL,
        block_seconds=BLOCK_SECONDS,
        run_in_seconds=RUN_IN_SECONDS,
        blocks_per_turn=BLOCKS_PER_TURN,
        steps=options.steps,
        schedule=options.schedule
        or ("interleaved" if options.sides or _track(options) is Track.MATCHED else "sequential"),
        seed=options.seed,
        timeout=options.timeout,
        baseline=baseline,
        sides=options.sides,
        interpreters=interpreters,
        files=registry.files(),
        prepared=tuple(prepared),
        images=IMAGES if options.samples else 0,
        breakdown=options.breakdown,
        profile=() if options.profile is None else options.profile or tuple(names),
        verify=options.verify,
        margin=options.margin,
        margins=dict(options.margins),
        anchor_margin=options.anchor_margin,
        precision=options.precision,
        time_budget=options.time_budget,
        on_busy=options.on_busy,
        cpus=_cpus(options, device=device),
        calibration=_calibration(threads=options.threads) if options.calibrate and not options.sides else None,
    )


def _cells(
    options: Options, *, workloads: Iterable[Outline], loops: Mapping[str, Sequence[str]], device: str
) -> Iterator[Cell]:
    """Yield a cell for each combination of what was asked for; the only place where an axis is spread out."""
    sides = tuple(side.name for side in options.sides) or (None,)
    known, known_loops = set(options.known), {cell.loop for cell in options.known}
    for workload in workloads:
        sizes = options.batch_sizes or (workload.batch_size,)
        for batch_size, width, loop, side in product(sizes, options.widths or (None,), loops[workload.name], sides):
            cell = Cell(
                loop=loop,
                workload=workload.name,
                track=_track(options).value,
                device=device,
                batch_size=batch_size,
                width=width,
                dtype=options.dtype,
                threads=options.threads,
                side=side,
            )
            if loop not in known_loops or replace(cell, side=None) in known:
                yield cell


def _track(options: Options) -> Track:
    """Return the track that is measured on."""
    return options.track or (Track.GUIDE if options.all_guides else Track.MATCHED)


def _refuse(options: Options, *, workloads: Collection[Outline]) -> None:
    """Raise what makes no sense for the workloads that were asked for."""
    if options.dtype is not None:
        preparation.refuse_dtype(options.dtype, workloads=[workload.name for workload in workloads])
    for workload in workloads:
        for batch_size in options.batch_sizes or (workload.batch_size,):
            if workload.training_samples is not None and batch_size > workload.training_samples:
                raise UsageError(
                    f"batch size {batch_size} is above the {workload.training_samples} training samples of "
                    f"{workload.name}"
                )
        if options.widths and workload.hidden_units is None:
            raise UsageError(f"--width: the model of {workload.name} has no hidden layers whose width could be chosen")
    if options.samples and not any(workload.kind == "adversarial" for workload in workloads):
        names = ", ".join(workload.name for workload in workloads)
        raise UsageError(f"--samples: no generator is trained by {names}; try --workload mnist-dcgan")


def _outline(name: str, *, prepared: Sequence[PreparedWorkload], options: Options) -> Outline:
    """Return what is known of a workload: of a user's, what was found when it was prepared.

    Raises:
        UsageError: If its model takes another batch size only.
    """
    outline = registry.outline_workload(name)
    found = next((one for one in prepared if one.workload == name), None)
    if found is None and options.track is Track.PIPELINE:
        raise UsageError(
            f"--track pipeline: {name} has no pipeline of its own; it is for a file of yours whose data() returns one"
        )
    if found is None:
        return outline
    other = [size for size in options.batch_sizes if size != found.batch_size]
    if found.fixed_batch_size and other:
        raise UsageError(
            f"--batch-size {other[0]}: the model of {name} takes batches of {found.batch_size} only, as it says; "
            "leave out --batch-size or change the model"
        )
    size = (
        found.batch_size
        if options.track is not Track.PIPELINE
        else preparation.pipeline_batch_size(found, asked=options.batch_sizes)
    )
    return replace(outline, batch_size=size, training_samples=found.training_samples)


def _cpus(options: Options, *, device: str) -> tuple[int, ...]:
    """Return as many logical CPUs as a trial has threads, or none where it would get all there are.

    Where threads may move, frameworks hand work from one CPU to another and pay for it now and then: one thread that
    stays differs several times less from process to process.
    """
    available = cpus.allowed()
    if not options.pin or options.threads is None or device != "cpu" or options.threads >= len(available):
        return ()
    return cpus.apart(available, count=options.threads)


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
        if options.loops or options.more_loops or options.exclude or options.workloads or options.arrays:
            raise UsageError(
                "--all-guides chooses loops and workloads itself; leave out LOOP, --exclude, --workload and --arrays"
            )
        return guides.loops_by_workload()
    wanted: dict[str, tuple[str, ...]] = {}
    for workload in workloads_of(options):
        names = loops_of(options)
        # Known elsewhere and not here: a loop that one side has lost or that only another one has.
        elsewhere = {name for has in inventories.values() for name in names if has[name, workload].missing is None}
        elsewhere -= set(registry.loop_names())
        asked_here = [name for name in names if name not in elsewhere]
        holes = {name: reason for name in asked_here if (reason := registry.hole(name, workload)) is not None}
        if len(holes) == len(names):
            told = "; ".join(f"{name} is {reason}" for name, reason in holes.items())
            raise UsageError(f"nothing to measure on {workload}: {told}; see 'bench list workloads'")
        _tell_holes(holes, workload=workload, options=options, console=console)
        wanted[workload] = tuple(name for name in names if name not in holes)
    return wanted


def _tell_holes(holes: Mapping[str, str], *, workload: str, options: Options, console: Console) -> None:
    """Say which loops cannot train a workload: why, of those that somebody wrote down, and of others how many."""
    written = {
        registry.named("loop", word) for word in _words(options) if not selection.stands_for_several(word)
    }.intersection(holes)
    for name in (name for name in holes if name in written):
        console.notice(f"warning: left out of {workload}: {name} is {holes[name]}")
    if others := len(holes) - len(written):
        loops = "1 loop that cannot train it" if others == 1 else f"{others} loops that cannot train it"
        console.notice(f"note: left out of {workload}: {loops}; 'bench list workloads' says why")


def workloads_of(options: Options) -> tuple[str, ...]:
    """Return the workloads that were asked for.

    Raises:
        UsageError: If one of them cannot be used, or there are arrays that none of them takes.
    """
    asked = options.workloads or (DEFAULT_WORKLOAD,)
    arrays = None if options.arrays is None else str(options.arrays)
    if arrays is not None and not any(name.endswith(user_file.SAVED) for name in asked):
        raise UsageError(
            f"--arrays {arrays}: {' and '.join(asked)} {'take' if len(asked) > 1 else 'takes'} none: they are what a "
            f"saved model is trained on, --workload MODEL{user_file.SAVED} --arrays {arrays}"
        )
    return tuple(dict.fromkeys(registry.named("workload", name, arrays=arrays) for name in asked))


def loops_of(options: Options) -> tuple[str, ...]:
    """Return the loops that were asked for: by name or pattern, "all", or the usual five, and those beside them."""
    return selection.chosen(_words(options), without=options.exclude)


def _words(options: Options) -> tuple[str, ...]:
    """Return what loops were asked by: names, files, "all" or patterns."""
    asked = options.loops or own_models.usual(workloads_of(options), elsewhere=options.interpreters)
    return (*asked, *options.more_loops)


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
