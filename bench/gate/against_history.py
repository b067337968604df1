"""A gate whose base is the machine's own history: the last level of each loop, or a baseline that has a name.

    judge_run    what a run says against either
    too_busy     the loops of which it says nothing, because other work had the processor

`bench gate --against history` finds what became slower since the last level; `--against NAME --creep PCT` finds what
many small changes came to since a baseline, each of them too small for any gate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

from scipy.special import stdtrit

from bench import units
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.summary import summarise
from bench.analysis.verdict import Verdict, verdict
from bench.errors import NothingComparable
from bench.gate.result import SCHEMA, GateResult, LoopVerdict, Outcome
from bench.gate.settings import Settings
from bench.records.stored_run import Run
from bench.report import wording


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What a loop took before, as multiples of the kernel's step; logarithms throughout."""

    loop: str
    workload: str
    level: float
    """Weighted mean of the runs of the last level, or the value of the baseline."""
    error: float
    """Standard error of that."""
    spread: float
    """Standard deviation of one run about its level: what the new run is off by chance as well."""
    runs: int
    head: float
    """The same quantity of the run that is judged."""
    unit_seconds: units.Seconds
    """What multiples are shown in."""
    head_error: float = 0.0
    """Standard error of it, from its own processes; the larger of this and the spread counts."""


def judge_run(
    past: Sequence[Past],
    *,
    base: str,
    run: str,
    rounds: int,
    settings: Settings,
    fail_on_unclear: bool,
    starved: Sequence[LoopVerdict] = (),
) -> GateResult:
    """Return the verdicts of a run against the past; nothing is measured again, so `unclear` is said at once.

    The interval holds for all loops together (Bonferroni), and knows what sessions differ by: the spread of runs about
    their level, which no number of rounds in one run tells.

    Args:
        past: One per loop that has one.
        base: What it is held against, in words.
        run: The run that is judged.
        rounds: Fresh processes per loop in it.
        settings: Budgets.
        fail_on_unclear: Whether `unclear` is an exit code of 3 instead of 0.
        starved: Loops of which the machine was too busy to tell anything, as `too_busy` gives them.

    Raises:
        NothingComparable: If no loop has a past.
    """
    if not past and not starved:
        raise NothingComparable(f"no loop of {run} has a history on this machine; see 'bench history'")
    level = 1.0 - (1.0 - CONFIDENCE) / max(1, len(past))
    rows = (*(_row(one, budget=settings.budget(one.loop), confidence=level) for one in past), *starved)
    words = {row.verdict for row in rows}
    outcome = Outcome.PASSED
    if Verdict.SLOWER in words:
        outcome = Outcome.REGRESSION
    elif Verdict.UNCLEAR in words:
        outcome = Outcome.UNCLEAR
    return GateResult(
        schema=SCHEMA,
        outcome=outcome,
        exit_code={Outcome.REGRESSION: 1, Outcome.UNCLEAR: 3 if fail_on_unclear else 0}.get(outcome, 0),
        base=base,
        head=f"run {run}",
        loops=rows,
        noise=None,
        rounds=rounds,
        confirmation_rounds=0,
        runs=(run,),
    )


def too_busy(run: Run, *, settings: Settings) -> tuple[LoopVerdict, ...]:
    """Return a row for each loop of a run that other work kept from the processor: `unclear`, never slower."""
    cells = (cell for group in summarise(run) for cell in group.cells if cell.too_busy)
    return tuple(
        LoopVerdict(
            loop=cell.cell.loop,
            workload=cell.cell.workload,
            verdict=Verdict.UNCLEAR.value,
            slowdown=None,
            low=None,
            high=None,
            budget=settings.budget(cell.cell.loop),
            confirmed=None,
            base_step_seconds=None,
            head_step_seconds=None if cell.step is None else cell.step.estimate,
            reason=wording.failure_text(cell),
        )
        for cell in cells
    )


def _row(past: Past, *, budget: float, confidence: float) -> LoopVerdict:
    """Judge one loop."""
    freedom = max(1, past.runs - 1)
    reach = float(stdtrit(freedom, 0.5 + confidence / 2.0))
    error = sqrt(past.error**2 + max(past.spread, past.head_error) ** 2)
    slower = past.head - past.level
    bounds = [slower - reach * error, slower + reach * error]
    ratio = Interval(
        estimate=exp(-slower), low=exp(-bounds[1]), high=exp(-bounds[0]), count=past.runs, confidence=confidence
    )
    word = verdict(ratio, margin=budget)
    low, estimate, high = (exp(value) - 1.0 for value in (bounds[0], slower, bounds[1]))
    return LoopVerdict(
        loop=past.loop,
        workload=past.workload,
        verdict=word.value,
        slowdown=estimate,
        low=low,
        high=high,
        budget=budget,
        confirmed=None,
        base_step_seconds=exp(past.level) * past.unit_seconds,
        head_step_seconds=exp(past.head) * past.unit_seconds,
        reason=f"{estimate:+.1%} ({low:+.1%} to {high:+.1%}) against {past.runs} runs, budget {units.percent(budget)}",
    )
