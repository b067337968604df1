"""What the loops of a run are held against: a reference before they are measured, what it learns after."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bench.records.cell import Cell
from bench.records.trial import Trial
from bench.records.verification import Expectation, Verification
from bench.runs import inputs
from bench.runs.opened import Opened, identity_of
from bench.runs.options import Console
from bench.sides import preparation
from bench.sides.launcher import Launcher
from bench.verify import learning_curve, pool
from bench.verify.memory import Memory
from bench.worker.digits import load_checked
from loops import registry
from loops.contract import Track


def verify(
    opened: Opened,
    *,
    launcher: Launcher,
    environment: Mapping[str, str],
    skip: Collection[Cell],
    console: Console,
) -> None:
    """Check every loop of the plan that was not checked in this run or, with the same sources, in an earlier one."""
    plan = opened.run.header.plan
    if not plan.verify:
        return
    memory = Memory(opened.cache, environment=environment)
    unchecked = [cell for cell in plan.cells if cell not in skip and opened.run.verification_of(cell) is None]
    cells = dict.fromkeys(plan.twin_of(cell) for cell in unchecked)
    # What another environment computes is looked at each time: its libraries and variables are nobody's to enumerate.
    unchanged = {None, *(side.name for side in plan.sides if side.changes_nothing)}
    elsewhere = {cell.loop for cell in cells if identity_of(cell, opened=opened)[0] in plan.interpreters}
    wanted: dict[tuple[str, str | None], list[Cell]] = {}
    for cell in {(cell.loop, cell.workload, cell.device, cell.side): cell for cell in cells}.values():
        side = plan.side_of(cell)
        name = None if side is None else side.name
        trusted = name in unchanged and cell.loop not in elsewhere
        own = preparation.of_cell(plan.prepared, workload=cell.workload, side=side)
        known = memory.recall(cell.loop, workload=cell.workload, device=cell.device, prepared=own) if trusted else None
        if known is not None:
            opened.journal.add_verification(replace(known, side=name))
        else:
            wanted.setdefault((cell.loop, name), []).append(cell)

    def tell(found: Verification) -> None:
        opened.journal.add_verification(found)
        if found.side in unchanged and found.loop not in elsewhere:
            own = preparation.of_cell(plan.prepared, workload=found.workload, side=None)
            memory.keep(replace(found, side=None), prepared=own)
        console.notice(_checked(found))

    pool.verify(
        [
            pool.Request(
                loop=loop,
                workloads=tuple(cell.workload for cell in cells),
                backend=identity_of(cells[0], opened=opened)[0],
                side=plan.side_of(cells[0]),
                prepared=inputs.folders(plan, cells=cells, cache=opened.cache),
                dtype=cells[0].dtype,
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
    if found.framework_wide:
        return f"verified: {name}, though {found.remark}"
    return f"verified: {name}" if found.peer is None else f"trains like {found.peer}: {name}"


def expect(opened: Opened, *, trials: Iterable[Trial], console: Console) -> None:
    """Store what the reference had learned on the way, for every kind of trial that finished; measuring is over."""
    run, plan = opened.run, opened.run.header.plan
    if not plan.verify:
        return
    finished = {trial.cell for trial in trials if trial.failure is None}
    cells = {
        cell.training: cell
        for cell in plan.cells
        if cell in finished and learning_curve.has_reference(cell.workload) and run.expectation_of(cell) is None
    }
    memory = learning_curve.Memory(opened.cache, data_sha256=run.header.dataset.sha256, seed=plan.seed)
    for cell in cells.values():

        def train(cell: Cell = cell) -> Expectation:
            console.notice(f"training the reference on {cell.workload}, to hold the timed processes against it")
            return learning_curve.expected(
                registry.load_workload(cell.workload),
                digits=load_checked(Path(opened.digits))[0],
                track=Track(cell.track),
                batch_size=cell.batch_size,
                width=cell.width,
                seed=plan.seed,
            )

        opened.journal.add_expectation(memory.recall(cell, otherwise=train))
