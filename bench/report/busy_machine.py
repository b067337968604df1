"""What is said above the tables when other work took the processor away while a run measured."""

from collections.abc import Sequence

from bench.analysis.summary import CellSummary, Group
from bench.records import busy
from bench.report import wording

_NAMED = 5


def lost(groups: Sequence[Group]) -> list[str]:
    """Return a sentence for the loops of which too little is left to say anything."""
    cells = [cell for cell in _starved(groups) if cell.too_busy]
    if not cells:
        return []
    return [f"Too busy to tell: {_told(cells)}. Stop it or wait for it, with `--wait SEC`; nothing is ranked."]


def left_out(groups: Sequence[Group]) -> list[str]:
    """Return a sentence for the loops that went on without some rounds."""
    cells = [cell for cell in _starved(groups) if not cell.too_busy]
    if not cells:
        return []
    return [f"Left out as starved: {_told(cells)}. What is said rests on the other rounds."]


def _starved(groups: Sequence[Group]) -> list[CellSummary]:
    """Return the loops from which other work took the processor away."""
    return [cell for group in groups for cell in group.cells if cell.oddities.starvation is not None]


def _told(cells: Sequence[CellSummary]) -> str:
    """Return whose rounds, which, and who was busy then."""
    known = [cell.oddities.starvation for cell in cells if cell.oddities.starvation is not None]
    numbers = sorted({number + 1 for one in known for number in one.rounds})
    shown = ", ".join(map(str, numbers[:_NAMED])) + (f" and {len(numbers) - _NAMED} more" * (len(numbers) > _NAMED))
    names = sorted({wording.display_name(cell.cell.name) for cell in cells})
    loops = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    who = busy.told(busy.busiest(program for one in known for program in one.programs))
    where = "round" if len(numbers) == 1 else "rounds"
    crowd = all(one.is_crowd for one in known)
    did = f"kept all processors busy beside {loops}" if crowd else f"took the processor away from {loops}"
    return f"other work {did} in {where} {shown}; busy then: {who}"
