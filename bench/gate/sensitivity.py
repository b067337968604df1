"""How large a slowdown the rounds of a gate could have told: few or noisy ones pass anything smaller."""

from collections.abc import Iterator

from bench import units
from bench.analysis.verdict import Verdict
from bench.gate.result import LARGE, LoopVerdict


def least_confirmed(row: LoopVerdict) -> float | None:
    """Return the slowdown above which a whole interval as wide as this one lies beyond the budget.

    On a log scale, on which intervals are symmetric: ``(1 + budget) * (1 + high) / (1 + slowdown) - 1``.

    Returns:
        None without an interval.
    """
    if row.slowdown is None or row.high is None:
        return None
    return (1.0 + row.budget) * (1.0 + row.high) / (1.0 + row.slowdown) - 1.0


def remarks(rows: tuple[LoopVerdict, ...], *, rounds: int) -> Iterator[str]:
    """Yield a sentence for each loop that was left open: what these rounds could have told, and what would help.

    Args:
        rows: Of the loops.
        rounds: Of a loop that does not say itself how many it had.
    """
    for row in rows:
        if row.verdict == Verdict.UNCLEAR and row.decidable is not None:
            yield (
                f"{row.loop}: {row.rounds} rounds did not decide a budget of {units.percent(row.budget)}; one of "
                f"{units.percent(row.decidable)}, more time (--time-budget), more --rounds or a quieter machine would"
            )
            continue
        if row.verdict not in (Verdict.SAME, Verdict.UNCLEAR) or row.decidable is not None:
            continue
        least = least_confirmed(row)
        if least is None:
            yield f"{row.loop}: no slowdown could have been confirmed: {row.reason}"
        elif least > LARGE * row.budget:
            yield (
                f"{row.loop}: {rounds} rounds at this noise confirm no slowdown below {units.percent(least)}, "
                f"{least / row.budget:.0f} budgets; more rounds or a quieter machine would"
            )
