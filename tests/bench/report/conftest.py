"""What most tests of the report start from."""

from collections.abc import Callable

import pytest

from bench import compare
from bench.compare import CellSummary
from bench.records import Run
from bench.report.model import Report, build


@pytest.fixture
def cells_of() -> Callable[[Run], dict[str, CellSummary]]:
    """Return a function: run of one group -> loop -> what its trials say."""

    def cells_of(run: Run) -> dict[str, CellSummary]:
        (group,) = compare.summarise(run)
        return {cell.cell.loop: cell for cell in group.cells}

    return cells_of


@pytest.fixture
def report(make_run) -> Report:
    """Return the report of the ordinary run: five loops, six rounds, 2 % noise."""
    return build(make_run())
