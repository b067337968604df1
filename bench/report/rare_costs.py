"""What is said of rare slow steps: how much they cost beside the step time, and what happened in them."""

from collections.abc import Sequence

from bench import units
from bench.analysis.rare import RareCosts, speed_up_of_totals
from bench.analysis.summary import CellSummary, Group
from bench.analysis.verdict import Verdict, verdict
from bench.report import wording

WORTH_TELLING = 0.05
"""A step that costs 5 % more in the mean than it is shown with."""

_NAMED = 5


def notices(groups: Sequence[Group]) -> list[str]:
    """Return one sentence for all loops whose total time is well above their step time."""
    cells = [cell for group in groups for cell in group.cells if _extra(cell.oddities.rare) >= WORTH_TELLING]
    if not cells:
        return []
    cells.sort(key=lambda cell: -_extra(cell.oddities.rare))
    told = "; ".join(_told(cell) for cell in cells[:_NAMED])
    more = f"; and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
    return [f"Rare slow steps are not in the step time, and are paid for: {told}{more}. Verdicts hold for both."]


def taken_back(cell: CellSummary, baseline: CellSummary) -> str | None:
    """Return why a loop that is faster or slower per step was not called so; None where that is not the reason."""
    rare, base = cell.oddities.rare, baseline.oddities.rare
    totals = speed_up_of_totals(cell.speed_up, base=base, new=rare)
    if cell.speed_up is None or totals is None or cell.verdict is not Verdict.UNCLEAR:
        return None
    if verdict(cell.speed_up, margin=cell.margin) is Verdict.UNCLEAR:
        return None
    if verdict(cell.speed_up, margin=cell.margin, totals=totals) is not Verdict.UNCLEAR:
        return None
    return f"{wording.speed_text(cell)} in most steps, and {units.speed(totals)} in total time: rare slow steps differ"


def _extra(rare: RareCosts | None) -> float:
    """Return what rare slow steps cost, relative to the step time."""
    return 0.0 if rare is None else rare.factor - 1.0


def _told(cell: CellSummary) -> str:
    """Return "tf-fit-stock 24 % (end of an epoch)"."""
    rare = cell.oddities.rare
    shares = {} if rare is None else rare.shares
    main = max(shares, key=shares.__getitem__, default=None)
    cause = "" if main is None else f" ({main})"
    setting = f"{wording.display_name(cell.cell.name)} {units.percent(_extra(rare))}"
    return f"{setting}{cause}"
