"""What is said of rare slow steps: which part of the step time they are, and what happened in them."""

from collections.abc import Sequence

from bench import units
from bench.analysis.rare import RareCosts
from bench.analysis.summary import CellSummary, Group
from bench.report import wording

WORTH_TELLING = 0.05
"""Of the step time: what rare steps of 5 % cost."""

_NAMED = 5


def notices(groups: Sequence[Group]) -> list[str]:
    """Return one sentence for all loops of whose step time a part worth telling comes rarely."""
    cells = [cell for group in groups for cell in group.cells if _share(cell.oddities.rare) >= WORTH_TELLING]
    if not cells:
        return []
    cells.sort(key=lambda cell: -_share(cell.oddities.rare))
    told = "; ".join(_told(cell) for cell in cells[:_NAMED])
    more = f"; and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
    return [f"Rare slow steps are a part of the step time, which is total time over total steps: {told}{more}."]


def _share(rare: RareCosts | None) -> float:
    """Return the part of the step time that comes rarely."""
    return 0.0 if rare is None else rare.share


def _told(cell: CellSummary) -> str:
    """Return "tf-fit-stock 24 % (end of an epoch)"."""
    rare = cell.oddities.rare
    shares = {} if rare is None else rare.shares
    main = max(shares, key=shares.__getitem__, default=None)
    cause = "" if main is None else f" ({main})"
    return f"{wording.display_name(cell.cell.name)} {units.percent(_share(rare))}{cause}"
