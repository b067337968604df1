"""The check for CI: is any loop slower than it was, by more than it may be? `bench.gate.confirm` measures.

    of_sides    what a run of base and head in the same rounds says
    of_stored   what a run says against one that was stored earlier
    judge       what holds once it is confirmed: one row per loop, one outcome, one exit code

Of sides in the same rounds, `bench.analysis.sequential` decides: a slowdown is beyond its budget, or it is not, or the
time was up before that was known. Against a stored run a slowdown is *suspected* when its whole interval is beyond the
loop's budget, or when the rounds disagree so much that a large one may hide in them, and *confirmed* when fresh rounds
of that loop say so. Only a confirmed one fails.
"""

from collections.abc import Mapping
from dataclasses import replace

from bench import units
from bench.analysis import judgement, sessions, side_by_side, summary, two_runs
from bench.analysis.intervals import Interval
from bench.analysis.judgement import Condition, Judgement
from bench.analysis.sessions import Sessions
from bench.analysis.summary import CellSummary, Group
from bench.analysis.verdict import Verdict
from bench.gate import policy, stored
from bench.gate.policy import Policies
from bench.gate.result import (
    SCHEMA,
    Anchored,
    Finding,
    GateResult,
    LoopVerdict,
    Outcome,
    is_suspected,
)
from bench.gate.settings import Settings
from bench.records.cell import ANCHOR, BASE, HEAD, Cell
from bench.records.plan import Plan
from bench.records.stored_run import Run
from bench.records.trial import FailureKind
from bench.report import changes, wording


def of_sides(run: Run) -> Finding:
    """Return what a run of two sides says, base first; its plan holds the budgets, so its report says the same."""
    plan = run.header.plan
    groups = [group for group in summary.summarise(run) if len(group.cells) > 1]
    base, head = plan.sides[:2]
    return Finding(
        rows=tuple(_of_group(group, plan=plan) for group in groups),
        base=told(base.description, base.facts),
        head=told(head.description, head.facts),
        noise=max((group.noise.relative for group in groups if group.noise is not None), default=None),
        rounds=run.planned_rounds,
        run_id=run.header.run_id,
        is_paired=True,
    )


def of_stored(base: Run, head: Run, *, settings: Settings, apart: Sessions = sessions.UNKNOWN) -> Finding:
    """Judge a run against one that was stored earlier; rounds are not paired, so the kernel is the common unit.

    Args:
        base: The stored run.
        head: What was measured here.
        settings: Budgets.
        apart: What two sessions of this machine differ by.

    Raises:
        NothingComparable: If the two were measured on other machines or other data.
    """
    comparison = two_runs.compare_runs(base, head, margin=settings.max_slowdown, margins=settings.budgets, apart=apart)
    stored.refuse(comparison)
    return Finding(
        rows=tuple(
            _verdict(
                Judgement(verdict=_mended(row), speed_up=row.speed_up),
                changes.reason(row),
                cell=row.cell,
                budget=settings.budget(row.cell.loop),
                steps=(row.base_step, row.new_step),
            )
            for row in comparison.rows
        ),
        base=f"run {base.header.run_id}",
        head="this working tree",
        noise=comparison.noise,
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
    outcome, code = policy.outcome(rows, policies=Policies(on_unclear="fail" if fail_on_unclear else "pass"))
    return GateResult(
        schema=SCHEMA,
        outcome=outcome,
        exit_code=code,
        base=first.base,
        head=first.head,
        loops=rows,
        noise=first.noise,
        rounds=first.rounds,
        confirmation_rounds=0 if confirmation is None else confirmation.rounds,
        runs=tuple(one.run_id for one in (first, confirmation) if one is not None),
        identical=first.identical,
    )


def _side(group: Group, name: str) -> CellSummary:
    """Return one side of a loop."""
    return next(cell for cell in group.cells if cell.cell.side == name)


def _of_group(group: Group, *, plan: Plan) -> LoopVerdict:
    """Put one loop of a run of two sides into words."""
    base, head = _side(group, BASE), _side(group, HEAD)
    looked_at = bool(plan.looks)
    judged = judgement.judge(
        head.speed_up, base=base.condition, new=head.condition, margin=head.margin, looked_at=looked_at
    )
    why_not = _why_not(judged.verdict, base=base, head=head)
    if _mends(base=base, head=head):
        judged, why_not = Judgement(verdict=Verdict.NEW, speed_up=None), f"{MENDED}: {why_not}"
    row = _verdict(
        judged,
        why_not or (_looked_at(judged, budget=head.margin) if looked_at else None),
        cell=head.cell,
        budget=head.margin,
        steps=(base.step, head.step),
    )
    interval = judged.speed_up
    if not looked_at or interval is None or interval.low is None:
        return replace(row, anchor=_of_anchor(group, head=head, plan=plan))
    return replace(
        row,
        confirmed=True if judged.verdict is Verdict.SLOWER else None,
        rounds=interval.count,
        decidable=interval.relative_half_width,
        anchor=_of_anchor(group, head=head, plan=plan),
    )


def _of_anchor(group: Group, *, head: CellSummary, plan: Plan) -> Anchored | None:
    """Put the same loop against the anchor into words; None where there is no anchor, or no head that works."""
    judged = group.anchored
    if judged is None or plan.anchor_margin is None or head.condition not in (Condition.SOUND, Condition.STARVED):
        return None
    anchor, budget = _side(group, ANCHOR), side_by_side.anchor_budget(plan, head.cell)
    if anchor.condition not in (Condition.SOUND, Condition.STARVED):
        reason = f"in the head, and not in the anchor, or not working there: {wording.failure_text(anchor)}"
        judged = Judgement(verdict=Verdict.NEW, speed_up=None)
    else:
        starved = _why_not(judged.verdict, base=anchor, head=head)
        reason = starved or _looked_at(judged, budget=budget)
    slowdown, low, high = _slowdown(judged.speed_up)
    return Anchored(
        verdict=judged.verdict.value,
        slowdown=slowdown,
        low=low,
        high=high,
        budget=budget,
        rounds=None if low is None or judged.speed_up is None else judged.speed_up.count,
        reason=reason,
    )


MENDED = "works in the head and not in the base, so there is nothing to compare with"


def _mends(*, base: CellSummary, head: CellSummary) -> bool:
    """Whether a loop works in the head only; whoever mends a base is not held up by it.

    Not where the base was not run as it is: what was not built, or came from the working tree, is to be put right.
    """
    if head.condition not in (Condition.SOUND, Condition.STARVED) or base.condition not in (
        Condition.FAILED,
        Condition.INVALID,
    ):
        return False
    return base.failure is None or base.failure.kind is not FailureKind.OUTSIDE_COMMIT


def _mended(row: two_runs.Row) -> Verdict:
    """Return the verdict on a loop of two runs; one that failed in the stored run only is new."""
    only_there = row.verdict is Verdict.FAILED and row.base_step is None and row.new_step is not None
    return Verdict.NEW if only_there else row.verdict


def _why_not(word: Verdict, *, base: CellSummary, head: CellSummary) -> str | None:
    """Return why a loop has no comparison; None where it has."""
    if word is Verdict.REMOVED:
        return f"in the base and not in the head: {wording.failure_text(head)}"
    if word is Verdict.NEW:
        return "in the head and not in the base, so there is nothing to compare with"
    for side in (head, base):
        if word is Verdict.UNCLEAR and side.too_busy:
            return f"{side.cell.side}: {wording.failure_text(side)}"
        if word is Verdict.FAILED and side.failure is not None:
            return f"{side.cell.side}: {side.failure.kind.value}: {side.failure.message}"
        if word is Verdict.INVALID and side.verdict is word:
            return f"{side.cell.side}: {wording.invalid_text(side)}"
    return None


def _verdict(
    judged: Judgement,
    reason: str | None,
    *,
    cell: Cell,
    budget: float,
    steps: tuple[Interval | None, Interval | None],
) -> LoopVerdict:
    """Return a row."""
    slowdown, low, high = _slowdown(judged.speed_up)
    base, head = (None if step is None else step.estimate for step in steps)
    return LoopVerdict(
        loop=cell.loop,
        workload=cell.workload,
        verdict=judged.verdict.value,
        slowdown=slowdown,
        low=low,
        high=high,
        budget=budget,
        confirmed=None,
        base_step_seconds=base,
        head_step_seconds=head,
        reason=reason or _compared(judged.speed_up, budget=budget),
    )


def _slowdown(speed_up: Interval | None) -> tuple[float | None, float | None, float | None]:
    """Return estimate and bounds; the interval is of base time / head time, a slowdown is the other way round."""
    if speed_up is None:
        return None, None, None
    times = speed_up.reciprocal()
    low, high = (None if bound is None else bound - 1.0 for bound in (times.low, times.high))
    return times.estimate - 1.0, low, high


def _looked_at(judged: Judgement, *, budget: float) -> str:
    """Return the sentence that explains what the looks at a comparison came to."""
    compared, interval = _compared(judged.speed_up, budget=budget), judged.speed_up
    if interval is None or interval.relative_half_width is None:
        return compared
    rounds = f"{interval.count} rounds"
    if judged.verdict is Verdict.UNCLEAR:
        could = units.percent(interval.relative_half_width)
        return f"{compared}, not decided in {rounds}: this machine could have decided {could}"
    return f"{compared}, decided in {rounds}"


def _compared(interval: Interval | None, *, budget: float) -> str:
    """Return the sentence that explains what an interval says against a budget."""
    if interval is None:
        return "no round was finished on both sides"
    if interval.low is None:
        return "too few rounds for an interval"
    return f"{change_text(interval)}, budget {units.percent(budget)}"


def _confirmed(first: Finding, *, again: Finding) -> list[LoopVerdict]:
    """Let a slowdown stand only where fresh rounds say so as well; where these have both sides, they decide."""
    second = {(row.loop, row.workload): row for row in again.rows}
    how = "beside its commit" if again.is_paired else "by fresh rounds"
    settled = []
    for row in first.rows:
        fresh = second.get((row.loop, row.workload))
        if not is_suspected(row) or fresh is None:
            settled.append(row)
        elif fresh.verdict in (Verdict.FAILED, Verdict.INVALID):
            settled.append(fresh)
        elif fresh.verdict == Verdict.SLOWER:
            reason = f"{row.reason}; {how}: {fresh.reason}"
            settled.append(replace(row, verdict=Verdict.SLOWER.value, confirmed=True, reason=reason))
        elif again.is_paired and fresh.verdict in (Verdict.SAME, Verdict.FASTER):
            reason = f"{fresh.reason}, beside the commit of {first.base}, which alone would say {row.reason}"
            settled.append(replace(fresh, confirmed=False, reason=reason))
        elif row.verdict == Verdict.SLOWER:
            reason = f"suspected ({row.reason}), not confirmed {how} ({fresh.reason})"
            settled.append(replace(row, verdict=Verdict.UNCLEAR.value, confirmed=False, reason=reason))
        else:
            reason = f"{fresh.reason}, in fresh rounds; the first ones disagreed ({row.reason})"
            settled.append(replace(fresh, confirmed=False, reason=reason))
    return settled


def told(description: str, facts: Mapping[str, str]) -> str:
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
