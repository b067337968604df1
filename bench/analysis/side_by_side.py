"""Head against base, and against an anchor, where a plan looks at them until they are decided.

    comparisons   which cells a plan compares
    look          what the rounds of one comparison have come to
    still_open    the cells that are to be measured in another round
    simultaneous  what a report shows of all pairs
    anchored      what is decided about a head and its anchor

The same function stops a measurement and judges it: what is stored tells which look decided, so that a page, a gate and
the run itself can never disagree about it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.analysis import holm, judgement, sequential
from bench.analysis.intervals import Interval
from bench.analysis.judgement import Condition, Judgement
from bench.analysis.reading import Reading, read
from bench.analysis.sequential import Decision
from bench.records.cell import AGAIN, Cell
from bench.records.plan import Plan
from bench.records.stored_run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two sides of one loop."""

    base: Cell
    head: Cell
    budget: float
    """How much slower the head may be."""
    is_anchored: bool = False
    """Whether it is with the anchor."""


def comparisons(plan: Plan) -> tuple[Comparison, ...]:
    """Return what a plan that looks compares: each loop's second side with the first, and with the anchor."""
    return tuple(_comparisons(plan))


def _comparisons(plan: Plan) -> Iterator[Comparison]:
    """Yield them loop by loop."""
    base, head, *anchor = (side.name for side in plan.sides)
    for cells in plan.groups(plan.cells):
        by_side = {cell.side: cell for cell in cells}
        if not by_side.keys() >= {base, head, *anchor}:
            continue
        yield Comparison(base=by_side[base], head=by_side[head], budget=plan.margin_of(by_side[head]))
        if anchor and plan.anchor_margin is not None:
            budget = anchor_budget(plan, by_side[head])
            yield Comparison(base=by_side[anchor[0]], head=by_side[head], budget=budget, is_anchored=True)


def anchor_budget(plan: Plan, head: Cell) -> float:
    """Return how much slower than the anchor a loop may be: never less than a single change may make it."""
    return max(plan.anchor_margin or 0.0, plan.margin_of(head))


def look(run: Run, comparison: Comparison, *, readings: Mapping[Cell, Reading]) -> Decision | None:
    """Return what a comparison has come to; None where there is nothing to compare, or not yet.

    Whether both do the same work is another question, which is not asked here.

    Args:
        run: As far as it was measured. Once it has ended by itself, what is left of the error is spent.
        comparison: One of its plan's.
        readings: Of its cells.
    """
    base, head = readings[comparison.base], readings[comparison.head]
    if any(one.failures or _is_starved(one) for one in (base, head)):
        return None
    pairs = zip(*judgement.paired(base.steps, head.steps), strict=True)
    return sequential.decide(
        [of_base / of_head for of_base, of_head in pairs],
        budget=comparison.budget,
        looks=run.header.plan.looks,
        ended=run.complete,
        family=len(comparisons(run.header.plan)),
        precision=run.header.plan.precision,
    )


def still_open(run: Run) -> frozenset[Cell]:
    """Return the cells of which another round is wanted.

    Those of comparisons that are not decided; with a precision to reach, also those that are not as precise. The
    repetition of a cell, which decides nothing, is measured as often as anything at least. A head whose base cannot run
    is measured once, to see that it works.
    """
    plan = run.header.plan
    readings = {cell: read(run, cell) for cell in plan.cells}
    wanted: set[Cell] = set()
    for comparison in comparisons(plan):
        if _goes_on(run, comparison, readings=readings):
            wanted |= {comparison.base, comparison.head}
    again = {cell for cell in plan.cells if cell.side == AGAIN and plan.twin_of(cell) in wanted}
    alone = {one.head for one in comparisons(plan) if readings[one.base].failures and not readings[one.head].trials}
    return frozenset(wanted | alone | {cell for cell in again if len(readings[cell].trials) < plan.looks[0]})


def simultaneous(
    run: Run, pairs: Mapping[Cell, Interval | None], *, readings: Mapping[Cell, Reading]
) -> dict[Cell, Interval | None]:
    """Return each cell -> its interval at a level at which all verdicts of the run may be read together.

    By Holm's procedure; where the plan looks, each head over the rounds of the look that decided, or of the last one.

    Args:
        run: As it was stored.
        pairs: Cell -> its speed-up alone; None where there is nothing to compare.
        readings: Of all cells.
    """
    plan = run.header.plan
    if not plan.looks:
        margins = [plan.margin_of(cell) for cell in pairs]
        return dict(zip(pairs, holm.simultaneous(list(pairs.values()), margins=margins), strict=True))
    heads = [one for one in comparisons(plan) if not one.is_anchored]
    return {**pairs, **{one.head: _speed_up(run, one, readings=readings) for one in heads}}


def anchored(run: Run, *, readings: Mapping[Cell, Reading]) -> Judgement | None:
    """Return what is decided about the head of one loop against its anchor; None without an anchor.

    Args:
        run: As it was stored.
        readings: Of the cells of that loop.
    """
    plan = run.header.plan
    for one in comparisons(plan) if plan.looks and plan.anchor_margin is not None else ():
        if one.is_anchored and one.head in readings:
            return judgement.judge(
                _speed_up(run, one, readings=readings),
                base=readings[one.base].condition,
                new=readings[one.head].condition,
                margin=one.budget,
                looked_at=True,
            )
    return None


def _speed_up(run: Run, comparison: Comparison, *, readings: Mapping[Cell, Reading]) -> Interval | None:
    """Return what one comparison is shown with."""
    sound = all(readings[cell].condition is Condition.SOUND for cell in (comparison.base, comparison.head))
    decision = look(run, comparison, readings=readings) if sound else None
    return None if decision is None else decision.speed_up


def _goes_on(run: Run, comparison: Comparison, *, readings: Mapping[Cell, Reading]) -> bool:
    """Whether more rounds of a comparison are wanted."""
    plan = run.header.plan
    base, head = readings[comparison.base], readings[comparison.head]
    if base.failures or head.failures:
        return False
    if _is_starved(base) or _is_starved(head):  # too often; whoever asks knows how long to try again
        return True
    rounds = len(base.steps.keys() & head.steps.keys())
    if rounds >= plan.looks[-1]:
        return False
    decision = look(run, comparison, readings=readings)
    return decision is None or not decision.is_made(precision=plan.precision)


def _is_starved(reading: Reading) -> bool:
    """Whether other work took the processor away in so many rounds that the rest tells nothing."""
    return reading.starvation is not None and reading.starvation.too_busy
