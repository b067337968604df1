"""A run that is about to be measured, and what its cells are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.records.cell import Cell
from bench.records.journal import Journal
from bench.records.stored_run import Run
from bench.sides.inventory import Inventory
from bench.units import Seconds
from loops import registry


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
    wait: Seconds = 0.0
    """Longest wait for a quiet machine."""


def identity_of(cell: Cell, *, opened: Opened) -> tuple[str, dict[str, str | None]]:
    """Return a loop's framework and the hashes of its sources, which are those of its side."""
    side = opened.run.header.plan.side_of(cell)
    if side is not None:
        found = opened.inventories[side.name][cell.loop, cell.workload]
        return found.backend, {"loop_sha256": found.loop_sha256, "workload_sha256": found.workload_sha256}
    loop = registry.describe_loop(cell.loop, workload=cell.workload)
    workload = registry.describe_workload(cell.workload)
    return loop.backend or "", {"loop_sha256": loop.sha256, "workload_sha256": workload.sha256}
