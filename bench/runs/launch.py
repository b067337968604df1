"""Starts the processes of a run's cells: those that are ranked, and those beside them."""

from dataclasses import asdict

from bench.records.cell import Cell
from bench.runs.opened import Opened, identity_of
from bench.runs.options import BLOCKS_PER_TRIAL, KERNEL_BLOCKS
from bench.runs.remote_trial import TrialProcess
from bench.sides import preparation
from bench.sides.launcher import Launcher
from bench.worker.messages import TrialRequest


def launch(
    cell: Cell,
    *,
    round_number: int = 0,
    blocks: int = BLOCKS_PER_TRIAL,
    breakdown: bool,
    profile: bool = False,
    opened: Opened,
    launcher: Launcher,
) -> TrialProcess:
    """Start one trial of a cell, or a process of it that is not ranked."""
    plan = opened.run.header.plan
    side = plan.side_of(cell)
    backend, identity = identity_of(cell, opened=opened)
    kernel = cell == plan.calibration
    ready = preparation.of_cell(plan.prepared, workload=cell.workload, side=side)
    request = TrialRequest(
        **asdict(cell.setting),
        loop=cell.loop,
        backend=backend,
        seed=plan.seed,
        digits=opened.digits,
        blocks=KERNEL_BLOCKS if kernel else blocks,
        block_seconds=plan.block_seconds,
        run_in_seconds=plan.run_in_seconds,
        blocks_per_turn=plan.blocks_per_turn,
        steps=None if kernel else plan.steps,
        cpus=plan.cpus,
        breakdown=breakdown,
        profile=profile,
        prepared=None if ready is None else str(opened.cache / ready.folder),
        images=plan.images if round_number == 0 and not kernel and not breakdown and not profile else 0,
    )
    return TrialProcess(
        request,
        cell=cell,
        round_number=round_number,
        identity=identity,
        interpreter=launcher.interpreter(backend, side=side),
        environment=launcher.environment(backend=backend, device=cell.device, threads=cell.threads, side=side),
        log=opened.journal.log_path(
            round_number=round_number, cell=f"{cell}{'-breakdown' * breakdown}{'-profile' * profile}"
        ),
        timeout=plan.timeout,
    )
