"""Budgets on what a step's time does not show: the peak memory of a process and its first step, compiling included."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bench import units
from bench.analysis import sequential, starvation
from bench.analysis.verdict import Verdict
from bench.gate.result import Finding, Growth
from bench.gate.settings import Settings
from bench.records.cell import AGAIN, BASE, HEAD
from bench.records.stored_run import Run
from bench.records.trial import Trial

FIRST_STEP = "first step"

QUANTITIES: Mapping[str, Callable[[Trial], float | None]] = {
    "peak memory": lambda trial: trial.device_peak_memory_bytes or trial.peak_memory_bytes,
    FIRST_STEP: lambda trial: trial.first_step_seconds,
}
"""What is compared -> its value in one process; an accelerator's memory where there is one."""


def find(run: Run, *, settings: Settings) -> dict[str, tuple[Growth, ...]]:
    """Return loop -> what has grown, of a run of two sides; nothing without a budget for it."""
    budgets = {"peak memory": settings.max_memory_growth, FIRST_STEP: settings.max_first_step_slowdown}
    wanted = {quantity: budget for quantity, budget in budgets.items() if budget is not None}
    loops = dict.fromkeys(cell.loop for cell in run.header.plan.cells if cell.side != AGAIN)
    found = {
        loop: tuple(
            growth
            for quantity, budget in wanted.items()
            if (growth := _growth(run, loop=loop, quantity=quantity, budget=budget)) is not None
        )
        for loop in loops
    }
    return {loop: growths for loop, growths in found.items() if growths}


def add(finding: Finding, *, found: Mapping[str, tuple[Growth, ...]]) -> Finding:
    """Return a finding whose loops carry what has grown."""
    return replace(finding, rows=tuple(replace(row, growth=found.get(row.loop, ())) for row in finding.rows))


def _growth(run: Run, *, loop: str, quantity: str, budget: float) -> Growth | None:
    """Compare one quantity of one loop, round by round; None where no round has it on both sides.

    By looks of its own, after as many rounds as the step time is looked at: however many that took, it is decided with
    the certainty of a single look.
    """
    read = QUANTITIES[quantity]
    values: dict[str, dict[int, float]] = {BASE: {}, HEAD: {}}
    # Other work makes a first step longer and no process larger.
    trials = starvation.sound(run, run.trials) if quantity == FIRST_STEP else run.trials
    for trial in trials:
        if trial.cell.loop == loop and trial.cell.side in values and trial.failure is None:
            value = read(trial)
            if value:
                values[trial.cell.side][trial.round] = value
    shared = sorted(values[BASE].keys() & values[HEAD].keys())
    decision = sequential.decide(
        [values[BASE][number] / values[HEAD][number] for number in shared],
        budget=budget,
        looks=run.header.plan.looks or (run.header.plan.rounds,),
        ended=run.complete,
    )
    if decision is None:
        return None
    interval = decision.speed_up.reciprocal()
    low, high = (None if bound is None else bound - 1.0 for bound in (interval.low, interval.high))
    size = interval.estimate - 1.0
    change = f"{quantity} {'+' if size >= 0 else '-'}{units.percent(abs(size))}, budget {units.percent(budget)}"
    return Growth(
        quantity=quantity,
        growth=size,
        low=low,
        high=high,
        budget=budget,
        exceeded=decision.verdict is Verdict.SLOWER if decision.is_made() else None,
        reason=change,
    )
