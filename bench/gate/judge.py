"""The check for CI: is any loop slower than it was, by more than it may be? `bench.gate.confirm` measures.

    of_sides    what a run of base and head in the same rounds says
    of_stored   what a run says against one that was stored earlier
    judge       what holds once it is confirmed: one row per loop, one outcome, one exit code

A slowdown is *suspected* when its whole interval is beyond the loop's budget, or when the rounds disagree so much that
a large one may hide in them. It is *confirmed* when fresh rounds of that loop say so, or when all rounds together do
and the fresh ones lean the same way. Only a confirmed one fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import log1p

from bench import units
from bench.analysis import holm, intervals, summary
from bench.analysis import verdict as deciding
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary, Group
from bench.analysis.verdict import Verdict
from bench.errors import NothingComparable, TrialsFailed
from bench.gate.result import BASE, HEAD, SCHEMA, Finding, GateResult, LoopVerdict, Outcome, is_suspected
from bench.gate.settings import Settings
from bench.records.cell import Cell
from bench.records.stored_run import Run
from bench.records.trial import Failure, FailureKind, Trial
from bench.report import two_runs, wording
from bench.units import Seconds


def of_sides(run: Run, *, settings: Settings) -> Finding:
    """Judge a run of two sides, base first; all loops that have numbers are judged together."""
    summarised = summary.summarise(run)
    groups = [group for group in summarised if len(group.cells) > 1]
    floor = _floor(summarised)
    budgets = [settings.budget(_loop(group)) for group in groups]
    shown = holm.simultaneous([_slow_down(group) for group in groups], margins=budgets)
    base, head = run.header.plan.sides
    return Finding(
        rows=tuple(
            _row(run, group, interval=interval, budget=budget, floor=floor)
            for group, interval, budget in zip(groups, shown, budgets, strict=True)
        ),
        base=_told(base.description, base.facts),
        head=_told(head.description, head.facts),
        noise_floor=floor,
        rounds=run.planned_rounds,
        run_id=run.header.run_id,
        ratios={
            (group.cells[0].cell.loop, group.workload): tuple(
                base / head for base, head in zip(*_paired(group), strict=True)
            )
            for group in groups
        },
    )


def of_stored(base: Run, head: Run, *, settings: Settings) -> Finding:
    """Judge a run against one that was stored earlier; rounds are not paired, so the kernel is the common unit.

    Raises:
        NothingComparable: If the two were measured on other machines or other data.
    """
    comparison = two_runs.compare_runs(base, head, margin=settings.max_slowdown)
    two_runs.admit(comparison, allow_mismatch=False)
    floor = _floor(summary.summarise(head))
    budgets = [settings.budget(row.cell.loop) for row in comparison.rows]
    pairs = [row.calibrated if row.decided_by == "calibrated" else row.raw for row in comparison.rows]
    shown = holm.simultaneous(pairs, margins=budgets)
    return Finding(
        rows=tuple(
            _stored_row(row, interval=interval, budget=budget, floor=floor)
            for row, interval, budget in zip(comparison.rows, shown, budgets, strict=True)
        ),
        base=f"run {base.header.run_id}",
        head="this working tree",
        noise_floor=floor,
        rounds=head.planned_rounds,
        run_id=head.header.run_id,
    )


def judge(first: Finding, *, confirmation: Finding | None, fail_on_unclear: bool) -> GateResult:
    """Return the verdicts.

    Args:
        first: Of all loops.
        confirmation: Of the suspects, from fresh rounds; None when there were none.
        fail_on_unclear: Whether an outcome of `unclear` is an exit code of 3 instead of 0.
    """
    rows = first.rows if confirmation is None else tuple(_confirmed(first, again=confirmation))
    outcome = _outcome(rows)
    return GateResult(
        schema=SCHEMA,
        outcome=outcome,
        exit_code=_exit_code(outcome, fail_on_unclear=fail_on_unclear),
        base=first.base,
        head=first.head,
        loops=rows,
        noise_floor=first.noise_floor,
        rounds=first.rounds,
        confirmation_rounds=0 if confirmation is None else confirmation.rounds,
        runs=tuple(one.run_id for one in (first, confirmation) if one is not None),
    )


def _floor(groups: Sequence[Group]) -> float | None:
    """Return how far identical loops came out apart in a run, if it measured any twice.

    In a typical round, where a report takes the further end of an interval: one odd process among the repetitions moves
    that end beyond any slowdown that the loops themselves show clearly, and fresh rounds have to confirm one here.
    """
    return max((group.control.typical for group in groups if group.control is not None), default=None)


def _loop(group: Group) -> str:
    """Return the loop that a group of sides is about."""
    return group.cells[0].cell.loop


def _side(group: Group, name: str) -> CellSummary:
    """Return one side of a loop."""
    return next(cell for cell in group.cells if cell.cell.side == name)


def _slow_down(group: Group) -> Interval | None:
    """Return the interval of base time / head time at the usual level, or None where one side has no numbers."""
    base, head = _side(group, BASE), _side(group, HEAD)
    if any(cell.verdict in (Verdict.FAILED, Verdict.INVALID) for cell in (base, head)):
        return None
    return intervals.ratio_interval(*_paired(group))


def _paired(group: Group) -> tuple[list[Seconds], list[Seconds]]:
    """Return the step times of base and head in the rounds that both finished."""
    base, head = _side(group, BASE).process_steps, _side(group, HEAD).process_steps
    shared = sorted(base.keys() & head.keys())
    return [base[number] for number in shared], [head[number] for number in shared]


def _row(run: Run, group: Group, *, interval: Interval | None, budget: float, floor: float | None) -> LoopVerdict:
    """Put one loop into words."""
    base, head = _side(group, BASE), _side(group, HEAD)
    word, reason = _word(run, base=base, head=head, interval=interval, budget=budget, floor=floor)
    return _verdict(
        word,
        reason,
        cell=base.cell,
        interval=interval,
        budget=budget,
        steps=(base.step, head.step),
    )


def _stored_row(row: two_runs.Row, *, interval: Interval | None, budget: float, floor: float | None) -> LoopVerdict:
    """Put one loop of two stored runs into words."""
    word, reason = row.verdict, row.reason or ""
    if interval is not None and word not in (Verdict.FAILED, Verdict.INVALID, Verdict.NEW, Verdict.REMOVED):
        word, reason = _compared(interval, budget=budget, floor=floor)
    return _verdict(word, reason, cell=row.cell, interval=interval, budget=budget, steps=(row.base_step, row.new_step))


def _verdict(
    word: Verdict,
    reason: str,
    *,
    cell: Cell,
    interval: Interval | None,
    budget: float,
    steps: tuple[Interval | None, Interval | None],
) -> LoopVerdict:
    """Return a row; the interval is of base time / head time, a slowdown is the other way round."""
    times = None if interval is None else interval.reciprocal()
    base, head = (None if step is None else step.estimate for step in steps)
    return LoopVerdict(
        loop=cell.loop,
        workload=cell.workload,
        verdict=word.value,
        slowdown=None if times is None else times.estimate - 1.0,
        low=None if times is None or times.low is None else times.low - 1.0,
        high=None if times is None or times.high is None else times.high - 1.0,
        budget=budget,
        confirmed=None,
        base_step_seconds=base,
        head_step_seconds=head,
        reason=reason,
    )


def _word(
    run: Run, *, base: CellSummary, head: CellSummary, interval: Interval | None, budget: float, floor: float | None
) -> tuple[Verdict, str]:
    """Return the verdict on a loop and the sentence that explains it."""
    absent = {cell.cell.side: _absent(run, cell) for cell in (base, head)}
    if absent[HEAD] and not absent[BASE]:
        return Verdict.REMOVED, f"in the base and not in the head: {absent[HEAD]}"
    if absent[BASE] and not absent[HEAD]:
        return Verdict.NEW, "in the head and not in the base, so there is nothing to compare with"
    for side in (head, base):
        if side.failure is not None:
            return Verdict.FAILED, f"{side.cell.side}: {side.failure.kind.value}: {side.failure.message}"
        if side.verdict is Verdict.INVALID:
            return Verdict.INVALID, f"{side.cell.side}: {wording.invalid_text(side)}"
    if interval is None:
        return Verdict.UNCLEAR, "no round was finished on both sides"
    return _compared(interval, budget=budget, floor=floor)


def _compared(interval: Interval, *, budget: float, floor: float | None) -> tuple[Verdict, str]:
    """Return what an interval says against a budget, and the sentence that explains it."""
    if interval.low is None:
        return Verdict.UNCLEAR, "too few rounds for an interval"
    word = deciding.verdict(interval, margin=budget, floor=floor)
    refused = ""
    if floor is not None and is_refused(budget, floor=floor):
        refused = f" refused, as identical loops were {units.percent(floor)} apart in this run"
    return word, f"{change_text(interval)}, budget {units.percent(budget)}{refused}"


def is_refused(budget: float, *, floor: float | None) -> bool:
    """Whether a budget cannot be held in a run: identical loops came out further apart."""
    return floor is not None and floor > budget


def _absent(run: Run, cell: CellSummary) -> str | None:
    """Return why a side does not have a loop, or None if it has it."""
    trials: Iterable[Trial] = run.trials_of(cell.cell)
    failures: list[Failure] = [trial.failure for trial in trials if trial.failure is not None]
    return next((f.message for f in failures if f.kind is FailureKind.UNAVAILABLE), None)


def _confirmed(first: Finding, *, again: Finding) -> list[LoopVerdict]:
    """Let a slowdown stand only where fresh rounds say so as well."""
    second = {(row.loop, row.workload): row for row in again.rows}
    settled = []
    for row in first.rows:
        fresh = second.get((row.loop, row.workload))
        fresh = None if fresh is None else _beyond_noise(fresh, floor=first.noise_floor)
        if not is_suspected(row) or fresh is None:
            settled.append(row)
        elif fresh.verdict in (Verdict.FAILED, Verdict.INVALID):
            settled.append(fresh)
        elif fresh.verdict == Verdict.SLOWER:
            reason = f"{row.reason}; fresh rounds: {fresh.reason}"
            settled.append(replace(row, verdict=Verdict.SLOWER.value, confirmed=True, reason=reason))
        elif (together := _together(first, again, row=row, suspects=len(second))) is not None:
            reason = f"{row.reason}; fresh rounds: {fresh.reason}; all together: {together}"
            settled.append(replace(row, verdict=Verdict.SLOWER.value, confirmed=True, reason=reason))
        elif row.verdict == Verdict.SLOWER:
            reason = f"suspected ({row.reason}), not confirmed by fresh rounds ({fresh.reason})"
            settled.append(replace(row, verdict=Verdict.UNCLEAR.value, confirmed=False, reason=reason))
        else:
            reason = f"{fresh.reason}, in fresh rounds; the first ones disagreed ({row.reason})"
            settled.append(replace(fresh, confirmed=False, reason=reason))
    return settled


def _beyond_noise(fresh: LoopVerdict, *, floor: float | None) -> LoopVerdict:
    """Return what fresh rounds say, or `unclear` where it is no more than identical loops showed in the first ones."""
    if floor is None or fresh.slowdown is None or fresh.verdict not in (Verdict.SLOWER, Verdict.FASTER):
        return fresh
    if abs(log1p(fresh.slowdown)) > log1p(floor):
        return fresh
    reason = f"{fresh.reason}, less than the {units.percent(floor)} of identical loops in the first rounds"
    return replace(fresh, verdict=Verdict.UNCLEAR.value, reason=reason)


def _together(first: Finding, again: Finding, *, row: LoopVerdict, suspects: int) -> str | None:
    """Return the slowdown that all rounds show together, or None where they do not or the fresh ones lean elsewhere.

    By ranks, so that one wild round on either side does not hide what all others agree on.
    """
    key = (row.loop, row.workload)
    fresh = intervals.signed_rank_interval(again.ratios.get(key, ()))
    level = 1.0 - (1.0 - intervals.CONFIDENCE) / suspects  # Bonferroni
    everything = intervals.signed_rank_interval(
        (*first.ratios.get(key, ()), *again.ratios.get(key, ())), confidence=level
    )
    if fresh is None or everything is None or everything.low is None or 1.0 / fresh.estimate <= 1.0 + row.budget:
        return None
    word = deciding.verdict(everything, margin=row.budget, floor=first.noise_floor)
    return change_text(everything) if word is Verdict.SLOWER else None


def _outcome(rows: Sequence[LoopVerdict]) -> Outcome:
    """Return the gravest thing that any loop says; a failure outweighs a slowdown."""
    words = {row.verdict for row in rows}
    for outcome in (Outcome.FAILED, Outcome.REGRESSION):
        if words & set(DECISIVE[outcome]):
            return outcome
    if Verdict.REMOVED in words or not words - {Verdict.NEW}:
        return Outcome.NOT_COMPARABLE
    return Outcome.UNCLEAR if Verdict.UNCLEAR in words else Outcome.PASSED


def _exit_code(outcome: Outcome, *, fail_on_unclear: bool) -> int:
    """Return the exit code of an outcome."""
    return {
        Outcome.PASSED: 0,
        Outcome.REGRESSION: 1,
        Outcome.UNCLEAR: 3 if fail_on_unclear else 0,
        Outcome.NOT_COMPARABLE: NothingComparable.exit_code,
        Outcome.FAILED: TrialsFailed.exit_code,
    }[outcome]


def _told(description: str, facts: Mapping[str, str]) -> str:
    """Return a side as it was written, with its commit where it has one."""
    commit = facts.get("commit")
    return description if commit is None else f"{description} ({commit[:12]})"


DECISIVE: Mapping[Outcome, tuple[str, ...]] = {
    Outcome.PASSED: (),
    Outcome.REGRESSION: (Verdict.SLOWER,),
    Outcome.UNCLEAR: (Verdict.UNCLEAR,),
    Outcome.NOT_COMPARABLE: (Verdict.REMOVED,),
    Outcome.FAILED: (Verdict.FAILED, Verdict.INVALID),
}
"""The verdicts that lead to an outcome."""


def change_text(interval: Interval) -> str:
    """Return a comparison of head with base in words, with its interval."""
    assert interval.low is not None  # callers have looked
    assert interval.high is not None
    word = "slower" if interval.estimate < 1.0 else "faster"
    size = abs(interval.reciprocal().estimate - 1.0)
    bounds = sorted(1.0 / bound - 1.0 for bound in (interval.low, interval.high))
    low, high = (f"{'+' if bound > 0 else '-'}{units.percent(abs(bound))}" for bound in bounds)
    return f"{units.percent(size)} {word} (step time {low} to {high})"
