"""The check for CI: is any loop slower than it was, by more than it may be? `bench.gate.confirm` measures.

    Settings    what `[tool.bench.gate]` of pyproject.toml says
    of_sides    what a run of base and head in the same rounds says
    of_stored   what a run says against one that was stored earlier
    judge       what holds once it is confirmed: one row per loop, one outcome, one exit code
    to_json, to_markdown, annotation

A slowdown is *suspected* when its whole interval is beyond the loop's budget, or when the rounds disagree so much that
a large one may hide in them. It is *confirmed* when fresh rounds of that loop say so, or when all rounds together do
and the fresh ones lean the same way. Only a confirmed one fails.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from math import log1p
from pathlib import Path
from typing import Any

from bench import text, units
from bench.analysis import holm, intervals, summary, two_runs
from bench.analysis.intervals import Interval, Verdict
from bench.analysis.summary import CellSummary, Group
from bench.errors import NothingComparable, TrialsFailed, UsageError
from bench.records.cell import Cell
from bench.records.stored_run import Run
from bench.records.trial import Failure, FailureKind, Trial
from bench.report import wording
from bench.text import piped
from bench.units import Seconds

SCHEMA = "bench-verdict/1"
"""Changes whenever a field of `bench-verdict.json` changes its name or meaning."""

BASE, HEAD = "base", "head"
MOST_NAMED = 5
LARGE = 5.0
"""Where a slowdown of so many budgets cannot be ruled out, rounds were too noisy to leave it at that."""
_KEYS = {"loops", "workload", "max-slowdown", "budgets", "rounds", "threads"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a project asks of its gate."""

    loops: tuple[str, ...] = ()
    workload: str | None = None
    max_slowdown: float = intervals.MARGIN
    """Slower by more than this fails; 0.02 is 2 %."""
    budgets: Mapping[str, float] = field(default_factory=dict)
    """The same for single loops."""
    rounds: int | None = None
    threads: int | None = None

    def budget(self, loop: str) -> float:
        """Return how much slower a loop may be."""
        return self.budgets.get(loop, self.max_slowdown)


def read_settings(folder: Path) -> Settings:
    """Read `[tool.bench.gate]` of the pyproject.toml in a folder; without one, the defaults.

    Raises:
        UsageError: If the file or a value cannot be used; names file, key and value.
    """
    path = folder / "pyproject.toml"
    if not path.exists():
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("bench", {}).get("gate", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name}: {error}") from error
    where = f"{path.name}: [tool.bench.gate]"
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise UsageError(f"{where} has no '{unknown[0]}'; it knows {', '.join(sorted(_KEYS))}")
    budgets = table.get("budgets", {})
    if not isinstance(budgets, dict):
        raise UsageError(f"{where} budgets: expected a table such as {{tf-function = 5}}, got {budgets!r}")
    loops = table.get("loops", [])
    if not (isinstance(loops, list) and all(isinstance(loop, str) for loop in loops)):
        raise UsageError(f"{where} loops: expected a list of names, got {loops!r}")
    workload = table.get("workload")
    if not isinstance(workload, str | None):
        raise UsageError(f"{where} workload: expected a name, got {workload!r}")
    return Settings(
        loops=tuple(loops),
        workload=workload,
        max_slowdown=_percent(table.get("max-slowdown", 100 * intervals.MARGIN), where=f"{where} max-slowdown"),
        budgets={loop: _percent(value, where=f"{where} budgets.{loop}") for loop, value in budgets.items()},
        rounds=_count(table.get("rounds"), where=f"{where} rounds"),
        threads=_count(table.get("threads"), where=f"{where} threads"),
    )


class Outcome(StrEnum):
    """What the gate as a whole says; stable words."""

    PASSED = "passed"
    REGRESSION = "regression"
    """A slowdown beyond its budget, confirmed by fresh rounds."""
    UNCLEAR = "unclear"
    """No regression is confirmed, and for some loop none can be ruled out."""
    NOT_COMPARABLE = "not-comparable"
    """A loop of the base is gone, or nothing could be compared."""
    FAILED = "failed"
    """A loop crashed, timed out or does not do the same work as the reference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopVerdict:
    """What the gate says of one loop."""

    loop: str
    workload: str
    verdict: str
    """A word of `bench.analysis.intervals.Verdict`."""
    slowdown: float | None
    """Relative: 0.1 is 10 % slower, -0.5 takes half the time; None without a comparison."""
    low: float | None
    high: float | None
    """Interval of the slowdown, at a level at which all loops hold together."""
    budget: float
    """How much slower it may be."""
    confirmed: bool | None
    """Whether fresh rounds say so too; None where nothing was suspected."""
    base_step_seconds: float | None
    head_step_seconds: float | None
    reason: str
    """One sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    """What is written to `bench-verdict.json`."""

    schema: str
    outcome: Outcome
    exit_code: int
    base: str
    head: str
    loops: tuple[LoopVerdict, ...]
    noise_floor: float | None
    """How far one loop, measured twice under two names, came out apart; a budget below it is refused."""
    rounds: int
    confirmation_rounds: int
    """0 when nothing was suspected."""
    runs: tuple[str, ...]
    """Where the numbers are stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one measurement of base and head says, before anything is confirmed."""

    rows: tuple[LoopVerdict, ...]
    base: str
    head: str
    noise_floor: float | None
    rounds: int
    run_id: str
    ratios: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    """(loop, workload) -> base time / head time of each round; empty where rounds are not paired."""

    @property
    def suspects(self) -> tuple[str, ...]:
        """The loops that are to be measured again."""
        return tuple(row.loop for row in self.rows if _suspected(row))


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


def to_json(result: GateResult) -> str:
    """Return `bench-verdict.json`."""
    return json.dumps(asdict(result), indent=2) + "\n"


def to_markdown(result: GateResult) -> str:
    """Return a summary for a job page or a pull request: outcome first, loops that changed next, the rest folded."""
    quiet = (Verdict.SAME, Verdict.UNCLEAR)
    loud = [row for row in result.loops if row.verdict not in quiet]
    folded = [row for row in result.loops if row.verdict in quiet]
    lines = [f"### {headline(result)}", ""]
    lines += _markdown_table(loud)
    if folded:
        count = f"{len(folded)} {'loop' if len(folded) == 1 else 'loops'} without a clear change"
        lines += [f"<details><summary>{count}</summary>", "", *_markdown_table(folded), "</details>", ""]
    lines.append(f"Base: {text.plain(result.base)}. Head: {text.plain(result.head)}. {_measured(result)}")
    return "\n".join(lines) + "\n"


def to_text(result: GateResult) -> str:
    """Return the same for a terminal."""
    sentences = [f"  {row.loop}: {row.reason}" for row in result.loops]
    return "\n".join([headline(result), *sentences, _measured(result)])


def headline(result: GateResult) -> str:
    """Return the outcome in one sentence."""
    named = [row.loop for row in result.loops if row.verdict in _DECISIVE[result.outcome]]
    more = len(named) - MOST_NAMED
    names = ", ".join(named[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    faster = [row.loop for row in result.loops if row.verdict == Verdict.FASTER]
    match result.outcome:
        case Outcome.PASSED:
            return "No slowdown." + (f" Faster: {', '.join(faster)}." if faster else "")
        case Outcome.REGRESSION:
            return f"Slower, and confirmed by fresh rounds: {names}."
        case Outcome.UNCLEAR:
            return f"No slowdown is confirmed, and none can be ruled out for {names}."
        case Outcome.NOT_COMPARABLE:
            return f"Not comparable: {names}." if names else "Nothing could be compared."
        case Outcome.FAILED:
            return f"Failed: {names}."


def annotation(result: GateResult) -> str | None:
    """Return the one line that makes GitHub mark the job, or None when there is nothing to mark."""
    if result.exit_code == 0:
        return None
    return f"::error title=bench gate::{headline(result)} See the job summary."


_DECISIVE: Mapping[Outcome, tuple[str, ...]] = {
    Outcome.PASSED: (),
    Outcome.REGRESSION: (Verdict.SLOWER,),
    Outcome.UNCLEAR: (Verdict.UNCLEAR,),
    Outcome.NOT_COMPARABLE: (Verdict.REMOVED,),
    Outcome.FAILED: (Verdict.FAILED, Verdict.INVALID),
}
"""The verdicts that lead to an outcome."""


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


def _suspected(row: LoopVerdict) -> bool:
    """Whether a loop is measured again: it is slower, or so noisy that it may be, by much."""
    if row.verdict == Verdict.SLOWER:
        return True
    return row.verdict == Verdict.UNCLEAR and row.high is not None and row.high > LARGE * row.budget


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
    word = intervals.verdict(interval, margin=budget, floor=floor)
    refused = ""
    if floor is not None and _refused(budget, floor=floor):
        refused = f" refused, as identical loops were {units.percent(floor)} apart in this run"
    return word, f"{_change(interval)}, budget {units.percent(budget)}{refused}"


def _refused(budget: float, *, floor: float | None) -> bool:
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
        if not _suspected(row) or fresh is None:
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
    word = intervals.verdict(everything, margin=row.budget, floor=first.noise_floor)
    return _change(everything) if word is Verdict.SLOWER else None


def _outcome(rows: Sequence[LoopVerdict]) -> Outcome:
    """Return the gravest thing that any loop says; a failure outweighs a slowdown."""
    words = {row.verdict for row in rows}
    for outcome in (Outcome.FAILED, Outcome.REGRESSION):
        if words & set(_DECISIVE[outcome]):
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


def _change(interval: Interval) -> str:
    """Return a comparison of head with base in words, with its interval."""
    assert interval.low is not None  # callers have looked
    assert interval.high is not None
    word = "slower" if interval.estimate < 1.0 else "faster"
    size = abs(interval.reciprocal().estimate - 1.0)
    bounds = sorted(1.0 / bound - 1.0 for bound in (interval.low, interval.high))
    low, high = (f"{'+' if bound > 0 else '-'}{units.percent(abs(bound))}" for bound in bounds)
    return f"{units.percent(size)} {word} (step time {low} to {high})"


def _measured(result: GateResult) -> str:
    """Return how much was measured, and how quiet it was."""
    noise = "n/a" if result.noise_floor is None else units.percent(result.noise_floor)
    floor = "" if result.noise_floor is None else f" Identical loops came out {noise} apart."
    fresh = f", {result.confirmation_rounds} more to confirm" if result.confirmation_rounds else ""
    refused = ""
    if any(_refused(row.budget, floor=result.noise_floor) for row in result.loops):
        refused = (
            " Budgets below that are refused: no smaller slowdown is told from noise. More rounds, one thread or a"
            f" quieter machine lower it; a budget above {noise} holds here."
        )
    return f"{result.rounds} rounds, both sides in each{fresh}.{floor}{refused}"


def _markdown_table(rows: Sequence[LoopVerdict]) -> list[str]:
    """Return a table of loops, or nothing."""
    cells = [(row.loop, row.verdict, units.percent(row.budget), row.reason) for row in rows]
    return [*piped(("Loop", "Verdict", "Budget", "Why"), cells), ""] if cells else []


def _told(description: str, facts: Mapping[str, str]) -> str:
    """Return a side as it was written, with its commit where it has one."""
    commit = facts.get("commit")
    return description if commit is None else f"{description} ({commit[:12]})"


def _percent(value: Any, *, where: str) -> float:
    """Read a number of per cent from a settings file."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 100.0:  # noqa: PLR2004
        raise UsageError(f"{where}: expected a number of per cent between 0 and 100, got {value!r}")
    return value / 100.0


def _count(value: Any, *, where: str) -> int | None:
    """Read a whole number above zero from a settings file, or nothing."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise UsageError(f"{where}: expected a whole number above zero, got {value!r}")
    return value
