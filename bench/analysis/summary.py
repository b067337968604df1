"""From trials to what a report states: one summary per cell, one comparison per loop with the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis import effort, intervals, side_by_side, total_time
from bench.analysis import verdict as deciding
from bench.analysis.beside_steps import Costs, Work, costs_of, work_of
from bench.analysis.breakdown import Breakdown, break_down
from bench.analysis.drift import Trace, trace
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.judgement import Condition, Judgement, Noise, judge, noise_of, paired_speed_up, ranks
from bench.analysis.oddities import Oddities, of_processes
from bench.analysis.reading import Reading, read
from bench.analysis.total_time import BreakEvenSteps
from bench.analysis.verdict import Verdict
from bench.records.cell import AGAIN, Cell, Setting
from bench.records.stored_run import LeastStep, Run
from bench.records.trial import Failure, FailureKind
from bench.records.verification import Verification
from bench.units import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class CellSummary:
    """What one cell's trials say together. Times are `None` when no trial finished."""

    cell: Cell
    verdict: Verdict | None
    """Against the baseline loop of the same group; None for the baseline itself."""
    rank: int | None
    """One more than the number of loops of the group that are ahead of it, see `bench.analysis.judgement.ranks`; None
    for a loop that is not ranked, and where there is no interval."""
    step: Interval | None
    """Seconds per step: total time over total steps of each process, geometric mean over processes."""
    speed_up: Interval | None
    """How many times faster than the baseline, paired by round; None for the baseline and without one.

    The interval is as `bench.analysis.side_by_side.simultaneous` has it, together with all pairs of the run."""
    margin: float
    """Smallest relative difference that matters for this loop, as the run was asked."""
    rounds_to_settle: int | None
    """For `unclear`: rounds in all that would settle it, if the spread stays."""
    smallest_difference: float | None
    """The true slowdown that this comparison would have found four times in five; 0.05 reads 5 %."""
    break_even: BreakEvenSteps | None
    """Against the baseline, start-up counted."""
    process_steps: dict[int, Seconds]
    """Round -> seconds per step of that process, total time over total steps once it is settled."""
    trace: Trace | None
    """How the step time went on inside these processes; None without one."""
    oddities: Oddities
    costs: Costs
    work: Work
    breakdown: Breakdown | None
    """Where the time of a step goes; None where nobody asked."""
    verification: Verification | None
    """What the check against the reference found; None when it was not made."""
    off_the_curve: str | None
    """How a timed process ended outside what the reference had learned by then; None if none did."""
    failure: Failure | None
    """The first failed trial's, if any trial failed."""
    failed_trials: int
    finished_trials: int

    @property
    def evidence(self) -> Mapping[int, Seconds]:
        """Round -> seconds per step for intervals, see `bench.analysis.epoch_ends`."""
        rare = self.oddities.rare
        return self.process_steps if rare is None or rare.pseudo_values is None else rare.pseudo_values

    @property
    def is_ranked(self) -> bool:
        """Whether it was measured, does the work that it claims, and had the processor for it."""
        return self.verdict not in (Verdict.INVALID, Verdict.FAILED) and not self.too_busy

    @property
    def too_busy(self) -> bool:
        """Whether other work took the processor away in so many rounds that its times tell nothing."""
        return self.oddities.starvation is not None and self.oddities.starvation.too_busy

    @property
    def never_ran(self) -> bool:
        """Whether it has no numbers because it could not run here, or because the run ended first."""
        unavailable = self.failure is None or self.failure.kind is FailureKind.UNAVAILABLE
        return self.verdict is Verdict.FAILED and unavailable

    @property
    def condition(self) -> Condition:
        """What became of it."""
        if self.never_ran:
            return Condition.ABSENT
        broken = {Verdict.FAILED: Condition.FAILED, Verdict.INVALID: Condition.INVALID}
        sound = Condition.STARVED if self.too_busy else Condition.SOUND
        return broken.get(self.verdict or Verdict.SAME, sound)

    @property
    def samples_per_second(self) -> float | None:
        """Training throughput at the steady step time."""
        return None if self.step is None else self.cell.batch_size / self.step.estimate

    @property
    def epoch_time(self) -> Seconds | None:
        """Seconds for one pass over the training samples, evaluation not included."""
        if self.step is None or self.work.steps_per_epoch is None:
            return None
        return self.step.estimate * self.work.steps_per_epoch


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Cells that may be ranked together, fastest first, failed ones last."""

    setting: Setting
    loop: str | None
    """Whose sides are compared; None where loops are."""
    baseline: str
    """Name of the cell that the others are compared with."""
    cells: tuple[CellSummary, ...]
    noise: Noise | None
    """What identical loops differed by: the largest that the run saw. None when nothing was measured twice."""
    confidence: float
    """Level at which two loops of which none is the baseline are compared: Bonferroni's over all pairs of the group, of
    which a rank is made, and as strict as the strictest comparison with the baseline, so that what is unclear there is
    not told apart here."""
    least_step: LeastStep | None
    """The least time that a step can take; None where it was not measured, or was refuted."""
    below_least: str | None
    """The loop whose step took less than what was taken for the least: then the machine's ceilings were not found."""
    anchored: Judgement | None = None
    """What is decided about the second side against the third, the anchor; None where there is none."""

    def between(self, base: CellSummary, new: CellSummary) -> Judgement:
        """Return what is decided about two cells of the group, each of which has a place in it.

        Against the baseline that is the verdict of the table; about others it is made here, by the same rules.
        """
        if base.too_busy or new.too_busy:
            return Judgement(verdict=Verdict.UNCLEAR, speed_up=None)
        if base.cell.name == self.baseline and new.verdict is not None:
            return Judgement(verdict=new.verdict, speed_up=new.speed_up)
        if new.cell.name == self.baseline and base.verdict is not None:
            turned = None if base.speed_up is None else base.speed_up.reciprocal()
            return Judgement(verdict=_OPPOSITE.get(base.verdict, base.verdict), speed_up=turned)
        speed_up = paired_speed_up(base.evidence, new.evidence, confidence=self.confidence)
        return judge(
            speed_up,
            margin=max(base.margin, new.margin),
            noise=None if self.noise is None else self.noise.relative,
        )


_OPPOSITE = {Verdict.FASTER: Verdict.SLOWER, Verdict.SLOWER: Verdict.FASTER}


def summarise(run: Run) -> tuple[Group, ...]:
    """Return one group for each setting, in the order of the plan.

    Where sides are compared, there is one per loop as well. All pairs of the run are judged together.
    """
    plan = run.header.plan
    readings = {cell: read(run, cell) for cell in plan.cells}
    members = [[readings[cell] for cell in cells] for cells in plan.groups(plan.cells)]
    controls = [_noise(run, of_group) for of_group in members]
    noise = max((one for one in controls if one is not None), key=lambda one: one.relative, default=None)
    groups = [[reading for reading in of_group if reading.cell.side != AGAIN] for of_group in members]
    baselines = [_baseline(run, of_group) for of_group in groups]
    pairs = {
        reading.cell: None if reading.condition is not Condition.SOUND else _speed_up(reading, baseline=baseline)
        for of_group, baseline in zip(groups, baselines, strict=True)
        for reading in of_group
    }
    shown = side_by_side.simultaneous(run, pairs, readings=readings)
    return tuple(
        _group(run, of_group, baseline=baseline, shown=shown, noise=noise)
        for of_group, baseline in zip(groups, baselines, strict=True)
    )


def paired_intervals(run: Run) -> list[Interval | None]:
    """Return the ratio of every pair that the run reports, its control included, at the usual level.

    It is what decides whether a run is precise enough; verdicts have no part in it.
    """
    plan = run.header.plan
    found: list[Interval | None] = []
    for cells in plan.groups(plan.cells):
        readings = [read(run, cell) for cell in cells]
        baseline = _baseline(run, [reading for reading in readings if reading.cell.side != AGAIN])
        found += [_speed_up(reading, baseline=baseline) for reading in readings if reading is not baseline]
    return found


def _noise(run: Run, group: list[Reading]) -> Noise | None:
    """Compare a cell with its repetition, where there is one."""
    again = next((reading for reading in group if reading.cell.side == AGAIN), None)
    if again is None:
        return None
    twin = run.header.plan.twin_of(again.cell)
    first = next((reading for reading in group if reading.cell == twin), again)
    if Condition.STARVED in (first.condition, again.condition):
        return None
    return noise_of(twin.name, first.steps, again.steps)


def _speed_up(reading: Reading, *, baseline: Reading) -> Interval | None:
    """Return how a cell compares with the baseline, or None where the two cannot be compared."""
    if reading is baseline or reading.failures or Condition.STARVED in (reading.condition, baseline.condition):
        return None
    return paired_speed_up(baseline.steps, reading.steps)


def _baseline(run: Run, group: list[Reading]) -> Reading:
    """Return the cell that the others of its group are compared with.

    Among sides, the first one, whatever became of it. Among loops, that of the plan; where it could not be measured or
    is invalid, the first one that could.
    """
    plan = run.header.plan
    if plan.sides:
        return next(reading for reading in group if reading.cell.side == plan.sides[0].name)
    valid = [reading for reading in group if reading.did_its_work]
    measured = [reading for reading in valid if reading.steps] or valid or group
    return next((reading for reading in measured if reading.cell.name == plan.baseline), measured[0])


def _group(
    run: Run,
    readings: list[Reading],
    *,
    baseline: Reading,
    shown: Mapping[Cell, Interval | None],
    noise: Noise | None,
) -> Group:
    """Judge the cells of a group, and give each its place."""
    cells = [
        _summarise_cell(run, reading, baseline=baseline, speed_up=shown[reading.cell], noise=noise)
        for reading in readings
    ]
    levels = [cell.speed_up.confidence for cell in cells if cell.speed_up is not None]
    least = run.least_step_of(baseline.cell)
    below = None if least is None else _below(cells, least=least)
    group = Group(
        setting=baseline.cell.setting,
        loop=baseline.cell.loop if run.header.plan.sides else None,
        baseline=baseline.cell.name,
        cells=tuple(sorted(cells, key=_place)),
        noise=noise,
        confidence=max([*levels, _of_all_pairs(cells)]),
        least_step=None if below else least,
        below_least=below,
        anchored=side_by_side.anchored(run, readings={reading.cell: reading for reading in readings}),
    )
    ranked = [cell for cell in group.cells if cell.is_ranked and cell.step is not None and cell.step.low is not None]
    if any(cell.too_busy for cell in group.cells):  # nobody is first where one of them might be faster still
        ranked = []
    places = ranks(ranked, faster=lambda one, other: group.between(other, one).verdict is Verdict.FASTER)
    rank_of = {cell.cell: place for cell, place in zip(ranked, places, strict=True)}
    return replace(group, cells=tuple(replace(cell, rank=rank_of.get(cell.cell)) for cell in group.cells))


def _below(cells: Sequence[CellSummary], *, least: LeastStep) -> str | None:
    """Return which loop came out below the least step, as no loop can; None where none did."""
    known = [(cell.step.estimate, cell.cell.name) for cell in cells if cell.step is not None and cell.is_ranked]
    fastest = min(known, default=None)
    return fastest[1] if fastest is not None and fastest[0] < least.step_seconds else None


def _of_all_pairs(cells: Sequence[CellSummary]) -> float:
    """Return the level at which each pair of the loops that can be ranked is compared, so that all hold together."""
    count = sum(cell.is_ranked and cell.step is not None for cell in cells)
    return 1.0 - (1.0 - CONFIDENCE) / max(1, count * (count - 1) // 2)


def _place(summary: CellSummary) -> tuple[bool, bool, float]:
    """Sort fastest first, what is not ranked after the rest, what was not measured at the end."""
    return (summary.step is None, not summary.is_ranked, summary.step.estimate if summary.step else 0.0)


def _summarise_cell(
    run: Run, reading: Reading, *, baseline: Reading, speed_up: Interval | None, noise: Noise | None
) -> CellSummary:
    """Reduce one cell's trials, and judge its comparison with the baseline; its place is given later."""
    cell, finished, steps = reading.cell, reading.finished, reading.shown
    margin = run.header.plan.margin_of(cell)
    found = judge(
        speed_up,
        new=reading.condition,
        margin=margin,
        noise=None if noise is None else noise.relative,
        looked_at=bool(run.header.plan.looks),
    )
    alone = reading is baseline and reading.condition in (Condition.SOUND, Condition.STARVED)
    unclear = found.verdict is Verdict.UNCLEAR and speed_up is not None
    return CellSummary(
        cell=cell,
        verdict=None if alone else found.verdict,
        rank=None,
        step=intervals.geometric_mean_interval(list(reading.steps.values())),
        speed_up=speed_up,
        margin=margin,
        rounds_to_settle=deciding.rounds_to_settle(speed_up, margin=margin) if unclear and speed_up else None,
        smallest_difference=None if speed_up is None else effort.smallest_difference(speed_up, margin=margin),
        break_even=None
        if speed_up is None or reading.line is None or baseline.line is None
        else total_time.break_even_steps(baseline.line, reading.line),
        process_steps=steps,
        trace=trace([(trial, steps[trial.round]) for trial in finished if trial.round in steps]),
        oddities=of_processes(finished, steps=steps, starvation=reading.starvation, rare=reading.rare),
        costs=costs_of(finished, line=reading.line),
        work=work_of(finished),
        breakdown=break_down(finished, steps=steps) if run.header.plan.breakdown else None,
        verification=reading.verification,
        off_the_curve=reading.off_the_curve,
        failure=reading.failures[0] if reading.failures else None,
        failed_trials=len(reading.failures),
        finished_trials=len(finished),
    )
