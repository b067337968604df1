"""How many more rounds would turn `unclear` into an answer, and how long they take."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from bench import units
from bench.analysis.summary import CellSummary
from bench.records.stored_run import Run
from bench.report import wording
from bench.units import Seconds

WORTH_WAITING: Seconds = 3600.0
"""Longer than this nobody is sent for all loops at once; the ones that settle soonest are named then."""

_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Settling:
    """What would settle comparisons that are unclear."""

    rounds: int
    """In all."""
    text: str
    """"19 more rounds (about 19 min) would settle torch-keras"."""


def settling(run: Run, cells: Iterable[CellSummary]) -> Settling | None:
    """Return what would settle the unclear comparisons of a run; None where nothing is unclear, or nothing would.

    Args:
        run: Whose number of rounds can be raised: not one that goes on until it is precise, or its time is up.
        cells: All of its groups.
    """
    plan = run.header.plan
    if plan.adaptive:
        return None
    wanted = sorted(
        (cell.rounds_to_settle, wording.display_name(cell.cell.name))
        for cell in cells
        if cell.rounds_to_settle is not None
    )
    if not wanted:
        return None
    lasting = round_time(run)
    within = [one for one in wanted if lasting is None or (one[0] - plan.rounds) * lasting <= WORTH_WAITING]
    rounds = max((within or wanted[:1])[-1][0], plan.rounds + 1)
    names = list(dict.fromkeys(name for needed, name in wanted if needed <= rounds))
    listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    more = rounds - plan.rounds
    time = "" if lasting is None else f" (about {units.duration(more * lasting)})"
    word = "round" if more == 1 else "rounds"
    return Settling(rounds=rounds, text=f"{more:,} more {word}{time} would settle {listed}")


def round_time(run: Run) -> Seconds | None:
    """Return the wall time of a round, start-up included: the median over rounds, so that a resumed run counts too."""
    times = []
    for number in sorted({trial.round for trial in run.trials}):
        trials = [trial for trial in run.trials if trial.round == number and trial.blocks]
        if trials:
            start = min(trial.blocks[0].started for trial in trials)
            end = max(trial.blocks[-1].started + trial.blocks[-1].seconds for trial in trials)
            start_up = max((trial.import_seconds or 0.0) + (trial.build_seconds or 0.0) for trial in trials)
            times.append(start_up + end - start)
    return median(times) if times else None
