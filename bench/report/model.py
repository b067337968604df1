"""The report as data: one model, from which terminal, Markdown, CSV and HTML are rendered with the same words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis import side_by_side, summary
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary, Group
from bench.analysis.verdict import Verdict
from bench.records.cell import BASE, Setting
from bench.records.decision import Decision
from bench.records.profile import Profile
from bench.records.stored_run import LeastStep, Run
from bench.report import (
    advice,
    least_step,
    levers,
    notices,
    parts,
    profiled,
    provenance,
    rows,
    sentences,
    sweep,
    wording,
)
from bench.report.advice import Advice
from bench.report.levers import Levers
from bench.report.notice import Notice
from bench.report.parts import BreakdownRow
from bench.report.profiled import ProfileReport
from bench.report.provenance import Citation, Command, Fact
from bench.report.rows import LimitRow, MemoryRow, Row, StartUpRow, WordsRow, WorkRow
from bench.report.settling import Settling, round_time, settling
from bench.report.sweep import ScalingReport

SCHEMA = "bench-report/2"
"""Changes whenever a field of `report.json` changes its name or meaning."""

_GROUPS_IN_VERDICT = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How many loops got a verdict."""

    verdict: str
    glyph: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """A file that belongs to the report."""

    name: str
    address: str
    """Relative to the page, quoted for a link."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupReport:
    """Cells that may be ranked together: all but the loop is the same."""

    name: str
    """The setting in words."""
    setting: Setting
    baseline: str
    """Registered name of the loop that speed-ups refer to."""
    baseline_name: str
    """The same, for display."""
    margin: float
    """Smallest relative difference that matters."""
    metric: str
    """What training and validation metric are, such as "accuracy"; of several, the first."""
    headline: str
    to_type: str | None
    """What to type to have the fastest loop; None where its source does not say."""
    words: tuple[WordsRow, ...]
    """What the loops are called by people, in the order of the rows; those that do not say it are left out."""
    rows: tuple[Row, ...]
    """Fastest first, failed ones last."""
    conclusions: tuple[str, ...]
    """One for each row, in the same order; then what the run could have told."""
    start_up: tuple[StartUpRow, ...]
    start_up_conclusions: tuple[str, ...]
    work: tuple[WorkRow, ...]
    memory: tuple[MemoryRow, ...]
    least_step: LeastStep | None
    """The least time that a step can take; None where it was not measured."""
    limit: tuple[LimitRow, ...]
    """Of the loops that finished; empty without a least step."""
    limit_formula: str | None
    """What the least step is made of."""
    breakdown: tuple[BreakdownRow, ...]
    """Of the loops whose processes were asked; empty where none was."""
    cells: tuple[CellSummary, ...]
    """The numbers behind the rows, in the same order; seconds and bytes."""

    @property
    def in_gate(self) -> bool:
        """Whether base and head of a gate are compared, and the margin is its budget."""
        return any(cell.cell.side == BASE for cell in self.cells)

    @property
    def validates(self) -> bool:
        """Whether any loop was evaluated on samples that it was not trained on."""
        return any(row.validation_metrics for row in self.work)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What changed since an earlier run, in words; `bench.report.changes.told` makes it."""

    base: str
    """Run id of the earlier run."""
    headline: str
    difference_columns: tuple[str, ...]
    differences: tuple[tuple[str, ...], ...]
    """What is not the same in both runs."""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """One per loop, the slower ones first."""
    remarks: tuple[str, ...]
    """Why loops have no numbers, what would settle those that are unclear, and what to be careful about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """Why loops take what they take, and what would help."""

    levers: tuple[Levers, ...]
    """What to change about the loops that people have, and about those that were profiled."""
    profiles: tuple[ProfileReport, ...]
    """Of the loops that were profiled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything that a rendering shows, in the order in which it is shown.

    Flat, because it is the document `report.json`, whose readers find each part under its own name at the top.
    """

    schema: str
    run_id: str
    title: str
    verdict: str
    """The answer in one sentence."""
    counts: tuple[Count, ...]
    trust: str
    complete: bool
    """Whether every planned trial has a row."""
    widest_interval: float | None
    """Largest relative half-width among the intervals."""
    notices: tuple[Notice, ...]
    decision: Decision | None
    """Of the gate that measured this run; None where it is no gate's."""
    change: Change | None
    """Since an earlier run; None where none was named."""
    groups: tuple[GroupReport, ...]
    scaling: tuple[ScalingReport, ...]
    """One for each sweep of batch sizes or widths; empty where only one size was measured."""
    advice: tuple[Advice, ...]
    """One paragraph for each group in which there is a choice."""
    explained: Explained
    """Where time goes and what to change, beyond the groups."""
    reading: tuple[str, ...]
    method: tuple[str, ...]
    facts: tuple[Fact, ...]
    commands: tuple[Command, ...]
    settling: Settling | None
    """What would settle the comparisons that are unclear; None where nothing is, or nothing would."""
    citation: Citation
    files: tuple[DataFile, ...] = ()

    @property
    def source(self) -> str:
        """Where the numbers come from, in one line."""
        return self.citation.source


def build(
    run: Run, *, change: Change | None = None, profiles: Sequence[Profile] = (), decision: Decision | None = None
) -> Report:
    """Return the report of a stored run.

    Args:
        run: As it was read back, complete or not.
        change: Since an earlier run.
        profiles: That lie beside it.
        decision: Of the gate that measured it.
    """
    summaries = summary.summarise(run)
    noted = notices.notices(run, summaries)
    groups = tuple(_group(group, run=run) for group in summaries)
    to_change = _levers(run, groups=summaries, profiles=profiles)
    return Report(
        schema=SCHEMA,
        run_id=wording.display_name(run.header.run_id),
        title=_title(run),
        verdict=_verdict(groups),
        counts=_counts(groups),
        trust=notices.trust(run, groups=summaries, noted=noted),
        complete=run.complete,
        widest_interval=notices.widest_interval(summaries),
        notices=noted,
        decision=decision,
        change=change,
        groups=groups,
        scaling=sweep.build(summaries),
        advice=advice.build(run, summaries),
        explained=Explained(
            levers=tuple(to_change.values()),
            profiles=tuple(_profiles(profiles, groups=groups, to_change=to_change)),
        ),
        reading=provenance.reading(run),
        method=provenance.method(run),
        facts=provenance.facts(run),
        commands=provenance.commands(run, place=None),
        settling=settling(run, [cell for group in summaries for cell in group.cells]),
        citation=provenance.citation(run),
    )


def _group(group: Group, *, run: Run) -> GroupReport:
    """Sort, rank and describe one group."""
    lasting, words = round_time(run), wording.of_workload(run.header.loops, workload=group.setting.workload)
    # `compare` sorts by time alone; a loop of which some processes failed has a time, but no rank.
    ordered = sorted(group.cells, key=lambda cell: (not cell.is_ranked, cell.never_ran))
    cells = tuple(_compact(cell) for cell in ordered)
    baseline = next(cell for cell in cells if cell.cell.name == group.baseline)
    ranks = rows.ranks(ordered)
    names = {cell.cell.name for cell in cells}
    looked_at = bool(run.header.plan.looks)
    sensitivity = sentences.sensitivity(cells, noise=None if looked_at else group.noise)
    least = group.least_step
    limit = None if least is None else least_step.limit(cells, least=least)
    start_up = [sentences.start_up(cell, baseline=baseline) for cell in cells]
    return GroupReport(
        name=wording.setting_name(group.setting),
        setting=group.setting,
        baseline=group.baseline,
        baseline_name=wording.display_name(group.baseline),
        margin=cells[0].margin,
        metric=next((cell.work.metric_name for cell in cells if cell.work.metric_name), "metric"),
        headline=sentences.headline(cells, baseline=group.baseline, words=words),
        to_type=sentences.to_type(cells, words=words),
        words=tuple(rows.words_rows(cells, words=words)),
        rows=tuple(rows.main_row(cell, rank=rank) for cell, rank in zip(cells, ranks, strict=True)),
        conclusions=tuple(sentences.conclusion(cell, baseline=baseline, round_time=lasting) for cell in cells)
        + (() if sensitivity is None else (sensitivity,))
        + (() if (unseen := sentences.unseen(cells)) is None else (unseen,))
        + (
            (sentences.noise(group.noise, decides=not looked_at),)
            if group.noise is not None and group.noise.loop in names
            else ()
        )
        + _anchored(group, run=run)
        + (() if limit is None else (limit,)),
        start_up=tuple(rows.start_up_row(cell, baseline=cell is baseline) for cell in cells),
        start_up_conclusions=tuple(sentence for sentence in start_up if sentence is not None),
        work=tuple(rows.work_row(cell) for cell in cells),
        memory=tuple(rows.memory_row(cell) for cell in cells),
        least_step=least,
        limit=() if least is None else tuple(rows.limit_row(c, least=least) for c in cells if c.step is not None),
        limit_formula=None if least is None else least_step.formula(least),
        breakdown=tuple(
            parts.row(cell.breakdown, loop=wording.display_name(cell.cell.name), step=wording.step_text(cell))
            for cell in cells
            if cell.breakdown is not None
        ),
        cells=cells,
    )


def _levers(run: Run, *, groups: Sequence[Group], profiles: Sequence[Profile]) -> dict[tuple[Setting, str], Levers]:
    """Return what to change, by setting and name of the loop."""
    asked = [profile.cell for profile in profiles]
    return {
        (group.setting, one.loop): one
        for group in groups
        for one in levers.of_group(
            run, group, words=wording.of_workload(run.header.loops, workload=group.setting.workload), asked=asked
        )
    }


def _profiles(
    found: Sequence[Profile], *, groups: Sequence[GroupReport], to_change: Mapping[tuple[Setting, str], Levers]
) -> Iterator[ProfileReport]:
    """Yield what is said of each profile of a run's cells; one of another run's would explain nothing here."""
    cells = {cell.cell: cell for group in groups for cell in group.cells}
    for one in found:
        if one.cell in cells:
            known = to_change.get((one.cell.setting, wording.display_name(one.cell.name)))
            yield profiled.build(one, cell=cells[one.cell], levers=known)


def _anchored(group: Group, *, run: Run) -> tuple[str, ...]:
    """Return what changes since the anchor came to, where there is one."""
    if group.anchored is None:
        return ()
    plan = run.header.plan
    head = next(cell.cell for cell in group.cells if cell.cell.side == plan.sides[1].name)
    budget = side_by_side.anchor_budget(plan, head)
    return (sentences.anchored(group.anchored, anchor=plan.sides[2].description, budget=budget),)


def _compact(cell: CellSummary) -> CellSummary:
    """Return the cell as it is published; the journal keeps the rest.

    Python's traceback names folders of the machine. Four digits of a process's step time, a tenth of a per cent of
    what its blocks differ from it and eight digits of an interval are below its noise, and of a check the largest gaps
    are what counts.
    """
    failure = None if cell.failure is None else replace(cell.failure, traceback=None)
    steps = {number: float(f"{seconds:.4g}") for number, seconds in cell.process_steps.items()}
    verification = None if cell.verification is None else replace(cell.verification, losses=())
    trace = None if cell.trace is None else cell.trace.rounded(3)
    return replace(
        cell,
        failure=failure,
        process_steps=steps,
        trace=trace,
        verification=verification,
        step=_rounded(cell.step),
        speed_up=_rounded(cell.speed_up),
    )


def _rounded(interval: Interval | None) -> Interval | None:
    """Return an interval with eight digits of each of its numbers."""
    if interval is None:
        return None

    def eight(number: float | None) -> float | None:
        return None if number is None else float(f"{number:.8g}")

    return replace(
        interval,
        estimate=float(f"{interval.estimate:.8g}"),
        low=eight(interval.low),
        high=eight(interval.high),
        confidence=round(interval.confidence, 8),
    )


def _title(run: Run) -> str:
    """Return the workloads, and the user's label where there is one."""
    workloads = ", ".join(dict.fromkeys(wording.display_name(cell.workload) for cell in run.header.plan.cells))
    label = f" - {wording.display_name(run.header.label)}" if run.header.label else ""
    return f"Training-loop speed: {workloads}{label}"


def _verdict(groups: Sequence[GroupReport]) -> str:
    """Return the headline of the only group, or those of the first few."""
    if len(groups) == 1:
        return groups[0].headline
    shown = " ".join(f"{group.name}: {group.headline}" for group in groups[:_GROUPS_IN_VERDICT])
    more = len(groups) - _GROUPS_IN_VERDICT
    return f"{shown} {more} more groups below." if more > 0 else shown


def _counts(groups: Sequence[GroupReport]) -> tuple[Count, ...]:
    """Return how often each verdict was given; the rare ones only where they were."""
    given = [row.verdict for group in groups for row in group.rows]
    always = (Verdict.FASTER, Verdict.SLOWER, Verdict.SAME, Verdict.UNCLEAR, Verdict.FAILED)
    words = [
        (str(verdict), glyph) for verdict, glyph in wording.GLYPHS.items() if verdict in always or verdict in given
    ]
    if wording.UNAVAILABLE in given:
        words.append((wording.UNAVAILABLE, "-"))
    return tuple(Count(verdict=word, glyph=glyph, number=given.count(word)) for word, glyph in words)
