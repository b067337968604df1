"""What is said of loops of a user's workload that end with other validation metrics than the rest."""

from collections.abc import Sequence

from bench import units
from bench.analysis import metrics
from bench.analysis.metrics import Apart
from bench.analysis.summary import Group
from bench.records.stored_run import Run
from bench.report import wording


def notices(run: Run, groups: Sequence[Group]) -> list[str]:
    """Return a sentence for each loop that parts; our own workloads are held against the reference's curve."""
    told = []
    for group in groups:
        cells = [cell for cell in group.cells if cell.is_ranked and run.expectation_of(cell.cell) is None]
        ended = [
            (cell.cell.name, cell.work.steps, cell.work.validation_metrics)
            for cell in cells
            if cell.work.steps is not None
        ]
        alone = len(ended) == 2  # noqa: PLR2004 - each parts from the other, which is said once
        found = [one for one in metrics.apart(ended) if not alone or one.loop == ended[0][0]]
        told += [_told(one, alone=alone) for one in found]
    return told


def _told(one: Apart, *, alone: bool) -> str:
    """Return one loop's metric beside the others'."""
    low, high = map(units.number, one.others)
    others = low if low == high else f"{low} to {high}"
    who = "the other loop" if alone else "the loops that trained about as long"
    return (
        f"Validation {one.metric} of {wording.display_name(one.loop)} is {units.number(one.value)} after "
        f"{units.count(one.steps)} steps, and {others} of {who}: look whether it trains and evaluates what they do."
    )
