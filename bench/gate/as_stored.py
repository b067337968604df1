"""What a run is asked for that is held against a stored one: the same loops, measured in the same way.

Cells of two runs are compared where their whole settings are alike, so whatever nobody chose is as the stored run has
it, and what somebody chose is refused where that is something else: before an hour is spent on what cannot be compared.

as_stored       how it was measured, which of its loops there are here, and which are gone
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.gate import listed
from bench.gate.settings import FILE, Settings
from bench.records.cell import Cell
from bench.records.stored_run import Run
from bench.runs import options as run_options
from loops import registry, selection, user_file
from loops.contract import Track
from loops.data import mnist

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class AsStored:
    """What is measured to be held against a stored run."""

    conditions: dict[str, Any]
    """Fields of `bench.runs.options.Options`, for `dataclasses.replace`."""
    loops: tuple[str, ...]
    gone: tuple[str, ...]
    """Loops that only the stored run has."""


def as_stored(base: Run, *, asked: run_options.Options, settings: Settings, folder: Path, tell: Tell) -> AsStored:
    """Return what is measured to be held against a stored run; its files, if they are of this project, are registered.

    Args:
        base: The stored run.
        asked: What was asked for; loops, workloads, threads, device, data type and steps are said or left open there.
        settings: Of the project, resolved. What they say of threads and workload is written for two sides of one run:
            where the stored run has it otherwise, they give way, and that is told.
        folder: Of the project.
        tell: Prints a line.

    Raises:
        UsageError: If the run has sides, or something else was asked for than it has.
    """
    _refuse_other_arrays(base, asked=asked)
    registry.register(_files_of(base, folder=folder, tell=tell))
    here, gone = _loops(base, asked=asked, settings=settings)
    return AsStored(conditions=_conditions(base, asked=asked, settings=settings, tell=tell), loops=here, gone=gone)


def brings_its_own(base: Run) -> bool:
    """Whether a stored run was trained on arrays of a user's, made with its seed, as the initial weights are."""
    return base.header.dataset.name not in [choice.value for choice in mnist.DatasetChoice]


def measured_as(asked: run_options.Options, wanted: AsStored) -> run_options.Options:
    """Return what was asked for, with the conditions and the loops of a stored run."""
    return replace(asked, **wanted.conditions, loops=wanted.loops)


def _files_of(base: Run, *, folder: Path, tell: Tell) -> list[str]:
    """Return the files of loops and workloads that a baseline names and that are run: those of this project only."""
    there = [path for path in base.header.plan.files_here if Path(path).exists()]
    own = [path for path in there if Path(path).resolve().is_relative_to(folder.resolve())]
    for path in there:
        if path in own:
            tell(f"the baseline names {path}, which is run as it is here")
        else:
            tell(f"warning: the baseline names {path}, which lies outside {folder} and is not run")
    return own


def _conditions(base: Run, *, asked: run_options.Options, settings: Settings, tell: Tell) -> dict[str, Any]:
    """Return the fields by which a stored run is measured once more."""
    run, plan = f"run {base.header.run_id}", base.header.plan
    cells = tuple(cell for cell in plan.cells if cell.side is None)
    if not cells:
        raise UsageError(f"{run} compares {' with '.join(map(str, plan.sides))}; a baseline is a run of 'bench run'")
    first = cells[0]
    _refuse_others(asked, stored=first, seed=plan.seed if brings_its_own(base) else None, run=run)
    if settings.threads not in (None, first.threads):
        tell(f"note: threads = {settings.threads} in {FILE} is for two sides; {run} has {_threads(first)}")
    workloads = _workloads(cells, asked=asked, settings=settings, run=run, tell=tell)
    cells = tuple(cell for cell in cells if cell.workload in workloads)
    sizes = {name: tuple(dict.fromkeys(c.batch_size for c in cells if c.workload == name)) for name in workloads}
    as_it_was = asked.dataset is mnist.DatasetChoice.AUTO and not brings_its_own(base)
    return {
        "workloads": workloads,
        "track": Track(first.track),
        "device": first.device,
        # Sizes that differ between workloads are their own.
        "batch_sizes": next(iter(sizes.values())) if len(set(sizes.values())) == 1 else (),
        "widths": tuple(dict.fromkeys(cell.width for cell in cells if cell.width is not None)),
        "dtype": first.dtype,
        "threads": first.threads,
        "pin": asked.pin and bool(plan.cpus),
        "steps": asked.steps or plan.steps,
        "schedule": asked.schedule or plan.schedule,
        "seed": asked.seed or plan.seed,
        "dataset": mnist.DatasetChoice(base.header.dataset.name) if as_it_was else asked.dataset,
        "known": cells,
    }


def _loops(base: Run, *, asked: run_options.Options, settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the loops that are measured here, and those that only the stored run has.

    Without loops that were asked for, those of the settings are meant, or else all that the run has.
    """
    known = set(registry.loop_names())
    then = tuple(dict.fromkeys(cell.loop for cell in base.header.plan.cells))
    wanted = asked.loops or tuple(map(listed.name_of, settings.loops))
    names = then if not wanted or registry.EVERY in wanted else wanted
    if not asked.loops:  # what it had and nobody knows here any more was renamed, or is gone
        names = tuple(dict.fromkeys((*names, *(loop for loop in then if loop not in known))))
    left_out = selection.left_out(asked.exclude)
    names = tuple(loop for loop in names if loop not in left_out)
    # A loop that the stored run has and this tree has not cannot be measured; the comparison says that it is gone.
    here = tuple(loop for loop in names if loop in known or loop not in then)
    return here, tuple(loop for loop in names if loop not in here)


def _refuse_others(asked: run_options.Options, *, stored: Cell, seed: int | None, run: str) -> None:
    """Refuse what was asked for and is not as the stored run has it; seeds, where arrays and weights hang on one."""
    said = (
        ("--seed", None if seed is None else asked.seed or None, seed, f"arrays and weights of seed {seed}"),
        ("--device", None if asked.device == "auto" else asked.device, stored.device, f"the {stored.device.upper()}"),
        ("--threads", asked.threads, stored.threads, _threads(stored)),
        ("--dtype", asked.dtype, stored.dtype, stored.dtype or "the data type that its models say"),
    )
    for option, value, then, words in said:
        if value not in (None, then):
            raise UsageError(f"{option} {value}: {run} has {words}, which nothing else compares with; leave it out")


def _refuse_other_arrays(base: Run, *, asked: run_options.Options) -> None:
    """Refuse arrays that a saved model of the stored run was not trained on."""
    then = next((path for path in base.header.plan.files_here if path.endswith(user_file.ARRAYS)), None)
    if asked.arrays is not None and (then is None or Path(then).resolve() != asked.arrays.resolve()):
        words = "has no saved model" if then is None else f"was trained on {then}"
        raise UsageError(f"--arrays {asked.arrays}: run {base.header.run_id} {words}; leave it out")


def _threads(stored: Cell) -> str:
    """Return how many threads a run has, in words."""
    if stored.threads is None:
        return "as many threads as each framework likes"
    return "1 thread a process" if stored.threads == 1 else f"{stored.threads} threads a process"


def _workloads(
    cells: tuple[Cell, ...], *, asked: run_options.Options, settings: Settings, run: str, tell: Tell
) -> tuple[str, ...]:
    """Return the workloads that are measured: those that were asked for, or else all that the stored run has."""
    then = tuple(dict.fromkeys(cell.workload for cell in cells))
    if asked.workloads:
        names = run_options.workloads_of(asked)
        for name in names:
            if name not in then:
                raise UsageError(f"--workload {name}: {run} has {', '.join(then)}; name one of them or leave it out")
        return names
    if settings.workload is None:
        return then
    listed_one = registry.named("workload", settings.workload)
    if listed_one in then:
        return (listed_one,)
    tell(f"note: workload = {listed_one} in {FILE} is for two sides; {run} has {', '.join(then)}")
    return then
