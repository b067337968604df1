"""How far the same code came out apart on this machine, over its runs: a check of the harness, which decides nothing.

One pair of one run is a random number: at 5 % between rounds it reads anything from 0.1 to 4 %. Over many runs it tells
whether the second of two equal processes is treated like the first.
"""

from math import exp, log
from pathlib import Path
from statistics import fmean

from bench.analysis import judgement
from bench.analysis.intervals import geometric_mean_interval
from bench.analysis.reading import read
from bench.gate.result import Identical
from bench.records.cell import AGAIN
from bench.records.neighbours import neighbours
from bench.records.stored_run import Run


def pooled(run: Run, *, results: Path) -> Identical | None:
    """Return what a run and those before it on the same machine show; None where none measured anything twice.

    Args:
        run: Of this gate.
        results: Where runs are stored.
    """
    apart = [found for one in (run, *neighbours(run, results=results)) if (found := _apart(one)) is not None]
    interval = geometric_mean_interval(apart)
    if interval is None:
        return None
    low, high = (None if bound is None else bound - 1.0 for bound in (interval.low, interval.high))
    return Identical(runs=interval.count, apart=interval.estimate - 1.0, low=low, high=high)


def _apart(run: Run) -> float | None:
    """Return how many times as long the second of two equal cells of a run took; None where there are none."""
    plan = run.header.plan
    for again in (cell for cell in plan.cells if cell.side == AGAIN):
        first, second = judgement.paired(read(run, plan.twin_of(again)).steps, read(run, again).steps)
        if first:
            return exp(fmean(log(later / one) for one, later in zip(first, second, strict=True)))
    return None
