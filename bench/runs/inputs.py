"""What a run trains on: digits, and what users brought, found before anything is planned."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from bench.errors import UsageError
from bench.records.cell import Cell
from bench.records.plan import Plan
from bench.records.prepared import PreparedWorkload
from bench.records.stored_run import DatasetRecord, Run
from bench.runs.options import Options, loops_of, workloads_of
from bench.sides import preparation
from bench.sides.inventory import Inventory
from bench.sides.launcher import Launcher
from loops import registry
from loops.data import mnist

OWN_DATA = "own"
"""Name of the data of a run whose workloads all bring their own."""


def prepare(
    options: Options, *, inventories: Mapping[str, Inventory], environment: Mapping[str, str]
) -> tuple[PreparedWorkload, ...]:
    """Prepare what users brought, with the frameworks of the loops that are to train it.

    Raises:
        UsageError: If it cannot be trained.
    """
    names = () if options.all_guides else workloads_of(options)
    loops = () if options.all_guides else loops_of(options)
    backends = [found.backend for has in inventories.values() for found in has.values() if found.backend]
    if not inventories:
        backends = [registry.describe_loop(name).backend or "" for name in loops if name in registry.loop_names()]
    wanted = preparation.Wanted(
        seed=options.seed,
        dataset=options.dataset.value,
        data=options.data,
        cache=options.cache,
        timeout=options.timeout,
        most_bytes=options.data_limit << 20,
        dtype=options.dtype,
    )
    missing = [
        (found.workload, side)
        for side, has in inventories.items()
        for found in has.values()
        if found.missing is not None or found.broken is not None
    ]
    options.cache.mkdir(parents=True, exist_ok=True)
    with Launcher(interpreters=dict(options.interpreters), environment=environment) as launcher:
        return preparation.prepare(
            names,
            backends=backends,
            sides=options.sides,
            wanted=wanted,
            launcher=launcher,
            missing=missing,
        )


def digits_of(options: Options, *, workloads: Collection[str], prepared: Iterable[PreparedWorkload]) -> mnist.Fixture:
    """Return the digits; where no workload looks at them, those that need not be looked for."""
    if _brings_its_own(workloads, prepared=prepared):
        return mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=options.cache)
    return mnist.resolve(options.dataset, file=options.data, cache=options.cache)


def _brings_its_own(workloads: Collection[str], *, prepared: Iterable[PreparedWorkload]) -> bool:
    """Whether every workload of a run has arrays of its own; our compiled models train on the run's digits."""
    return set(workloads) <= {one.workload for one in prepared} - registry.COMPILED


def found_again(run: Run, *, options: Options) -> mnist.Fixture:
    """Return the digits of a run that is gone on with, after a look whether its other data are there.

    Raises:
        UsageError: If they are others now, or gone.
    """
    header, plan = run.header, run.header.plan
    if not preparation.is_there(plan.prepared, cache=options.cache):
        raise UsageError(
            f"{header.run_id} cannot go on: its arrays and initial weights are no longer in {options.cache}; start a "
            "new run"
        )
    if header.dataset.name == OWN_DATA:
        return mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=options.cache)
    try:
        choice = mnist.DatasetChoice(header.dataset.name)
    except ValueError as error:
        raise UsageError(f"{header.run_id} was measured on '{header.dataset.name}', which this tool has not") from error
    fixture = mnist.resolve(choice, file=options.data, cache=options.cache)
    if fixture.sha256 != header.dataset.sha256:
        raise UsageError(f"{header.run_id} was measured on other data ({header.dataset.source}); name them by --data")
    return fixture


def record(
    fixture: mnist.Fixture, *, prepared: Collection[PreparedWorkload], workloads: Collection[str]
) -> DatasetRecord:
    """Return what is stored about the data; the folder is this machine's business."""
    if prepared and _brings_its_own(workloads, prepared=prepared):
        hashes = sorted({one.sha256 for one in prepared})
        one = hashes[0] if len(hashes) == 1 else hashlib.sha256(" ".join(hashes).encode()).hexdigest()
        fallback = next((one.fallback for one in prepared if one.fallback), None)
        return DatasetRecord(name=OWN_DATA, source=", ".join(sorted(workloads)), sha256=one, fallback=fallback)
    return DatasetRecord(name=fixture.name, source=fixture.source, sha256=fixture.sha256, fallback=fixture.fallback)


def folders(plan: Plan, *, cells: Iterable[Cell], cache: Path) -> dict[str, str]:
    """Return where the users' workloads among these cells were prepared."""
    found = {
        cell.workload: preparation.of_cell(plan.prepared, workload=cell.workload, side=plan.side_of(cell))
        for cell in cells
    }
    return {workload: str(cache / one.folder) for workload, one in found.items() if one is not None}
