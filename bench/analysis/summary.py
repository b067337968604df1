"""From trials to what a report states: one summary per cell, one comparison per loop with the baseline."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from bench.analysis import effort, holm, intervals, total_time
from bench.analysis import verdict as deciding
from bench.analysis.band import band
from bench.analysis.breakdown import Breakdown, break_down
from bench.analysis.drift import Trace, trace
from bench.analysis.intervals import Interval
from bench.analysis.oddities import cores_in_use, disturbed_rounds, is_odd, never_settles, recompiled_at
from bench.analysis.process import steady_blocks, trial_step_seconds
from bench.analysis.total_time import BreakEvenSteps
from bench.analysis.verdict import Verdict
from bench.records.cell import AGAIN, Cell
from bench.records.stored_run import Floor, Run
from bench.records.trial import BlockKind, Failure, Trial
from bench.records.verification import Verification
from bench.units import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class CellSummary:
    """What one cell's trials say together. Times are `None` when no trial finished."""

    cell: Cell
    verdict: Verdict | None
    """Against the baseline loop of the same group; None for the baseline itself."""
    step: Interval | None
    """Seconds per step: interquartile mean of each process, geometric mean over processes."""
    speed_up: Interval | None
    """How many times faster than the baseline, paired by round; None for the baseline and without one.

    The interval is at the level that Holm's procedure gives it among all pairs of the run."""
    margin: float
    """Smallest relative difference that matters, as the run was asked."""
    rounds_to_settle: int | None
    """For `unclear`: rounds in all that would settle it, if the spread stays."""
    smallest_difference: float | None
    """The true slowdown that this comparison would have found four times in five; 0.05 reads 5 %."""
    break_even: BreakEvenSteps | None
    """Against the baseline, first step counted."""
    process_steps: dict[int, Seconds]
    """Round -> seconds per step of that process, interquartile mean of its steady blocks."""
    trace: Trace | None
    """How the step time went on inside these processes; None without one."""
    unsteady_rounds: tuple[int, ...]
    """Rounds whose process never settled: its step time is that of all its blocks, and should not be quoted."""
    excluded_blocks: int
    """Measured blocks that were left out, because the process was shown to be warming up still."""
    recompiled_steps: tuple[int, ...]
    """Of the first process in which the framework compiled again while it was measured: the first step, counted from
    1, of each such block."""
    disturbed_blocks: int
    """Blocks that were slow and in which the operating system took the processor away unusually often."""
    odd_rounds: tuple[int, ...]
    """Rounds whose process is more than `DISAGREEMENT` away from the median of its siblings."""
    first_step: Seconds | None
    """Median over processes: first call, tracing and compiling included."""
    import_time: Seconds | None
    build_time: Seconds | None
    warm_up_time: Seconds | None
    evaluation_time: Seconds | None
    peak_memory_bytes: int | None
    """Largest over processes."""
    device_peak_memory_bytes: int | None
    cores_in_use: float | None
    """Processor seconds per wall second in measured blocks."""
    first_loss: float | None
    last_loss: float | None
    training_metric: float | None
    validation_metric: float | None
    metric_name: str | None
    """What both metrics are."""
    images: str | None
    """Drawn by the generator of the first process that was asked to, as `bench.records.trial.Trial` stores them."""
    compiled: dict[str, int] | None
    """What the framework compiled, of the process with the most; as `bench.records.trial.Trial` has it."""
    steps: int | None
    """Training steps of one process, median."""
    steps_per_epoch: int | None
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
    def samples_per_second(self) -> float | None:
        """Training throughput at the steady step time."""
        return None if self.step is None else self.cell.batch_size / self.step.estimate

    @property
    def epoch_time(self) -> Seconds | None:
        """Seconds for one pass over the training samples, evaluation not included."""
        if self.step is None or self.steps_per_epoch is None:
            return None
        return self.step.estimate * self.steps_per_epoch


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """One thing measured twice under two names in the same rounds."""

    name: str
    """Of the cell that was repeated."""
    ratio: Interval
    """Of the two, which is 1 but for noise."""
    floor: float
    """The furthest that identical things were apart, as far as the interval tells; 0.02 reads 2 %."""
    typical: float
    """How far they were apart in a typical round, by ranks: a wild one does not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Cells that may be ranked together, fastest first, failed ones last."""

    workload: str
    track: str
    device: str
    batch_size: int
    width: int | None
    threads: int | None
    baseline: str
    """Name of the cell that the others are compared with."""
    cells: tuple[CellSummary, ...]
    control: Control | None
    """None when nothing was measured twice."""
    floor: Floor | None
    """The least time that a step can take; None where it was not measured."""


def summarise(run: Run) -> tuple[Group, ...]:
    """Return one group per workload, track, device, batch size, width and thread count, in the order of the plan.

    Where sides are compared, there is one per loop as well. All pairs of the run are judged together.
    """
    plan = run.header.plan
    members = plan.groups(plan.cells)
    controls = [_control(run, cells) for cells in members]
    floor = max((control.floor for control in controls if control is not None), default=None)
    groups = [[cell for cell in cells if cell.side != AGAIN] for cells in members]
    baselines = [_baseline(run, cells) for cells in groups]
    pairs = {
        cell: _speed_up(run, cell, baseline=baseline) if _valid(run, cell) else None
        for cells, baseline in zip(groups, baselines, strict=True)
        for cell in cells
    }
    shown = dict(zip(pairs, holm.simultaneous(list(pairs.values()), margin=plan.margin), strict=True))
    summaries = [
        [_summarise_cell(run, cell=cell, baseline=baseline, speed_up=shown[cell], floor=floor) for cell in cells]
        for cells, baseline in zip(groups, baselines, strict=True)
    ]
    return tuple(
        Group(
            workload=baseline.workload,
            track=baseline.track,
            device=baseline.device,
            batch_size=baseline.batch_size,
            width=baseline.width,
            threads=baseline.threads,
            baseline=baseline.name,
            cells=tuple(sorted(cells, key=_place)),
            control=control,
            floor=run.floor_of(baseline),
        )
        for baseline, cells, control in zip(baselines, summaries, controls, strict=True)
    )


def paired_intervals(run: Run) -> list[Interval | None]:
    """Return the ratio of every pair that the run reports, its control included, at the usual level.

    It is what decides whether a run is precise enough; verdicts have no part in it.
    """
    plan = run.header.plan
    found: list[Interval | None] = []
    for cells in plan.groups(plan.cells):
        baseline = _baseline(run, [cell for cell in cells if cell.side != AGAIN])
        found += [_speed_up(run, cell, baseline=baseline) for cell in cells if cell != baseline]
    return found


def off_the_curve(run: Run, cell: Cell) -> str | None:
    """Return how a timed trial ended outside what the reference had learned by then, or None if none did."""
    expectation = run.expectation_of(cell)
    for trial in run.trials_of(cell) if expectation is not None else ():
        if trial.failure is None and trial.steps is not None and trial.validation_metric is not None:
            assert expectation is not None  # or there is nothing to go through
            low, high = band(expectation, steps=trial.steps)
            if not low <= trial.validation_metric <= high:
                what = f"validation {trial.metric_name or 'metric'} {trial.validation_metric:.3g}"
                when = f"after {trial.steps} timed steps in round {trial.round + 1}"
                return f"{what} {when}; the reference had {max(low, 0.0):.3g} to {high:.3g}"
    return None


def _control(run: Run, cells: list[Cell]) -> Control | None:
    """Compare a cell with its repetition, where there is one."""
    again = next((cell for cell in cells if cell.side == AGAIN), None)
    if again is None:
        return None
    twin = run.header.plan.twin_of(again)
    first, second = (_steps_by_round(run.trials_of(cell)) for cell in (twin, again))
    shared = sorted(first.keys() & second.keys())
    ratio = intervals.ratio_interval([first[r] for r in shared], [second[r] for r in shared])
    ranked = intervals.signed_rank_interval([first[r] / second[r] for r in shared])
    floor = None if ratio is None else deciding.noise_floor(ratio)
    if ratio is None or ranked is None or floor is None:
        return None
    typical = max(ranked.estimate, 1.0 / ranked.estimate) - 1.0
    return Control(name=twin.name, ratio=ratio, floor=floor, typical=typical)


def _speed_up(run: Run, cell: Cell, *, baseline: Cell) -> Interval | None:
    """Return how a cell compares with the baseline, or None where the two cannot be compared."""
    trials = run.trials_of(cell)
    if cell == baseline or any(trial.failure is not None for trial in trials):
        return None
    steps, base_steps = _steps_by_round(trials), _steps_by_round(run.trials_of(baseline))
    shared = sorted(steps.keys() & base_steps.keys())
    return intervals.ratio_interval([base_steps[r] for r in shared], [steps[r] for r in shared])


def _baseline(run: Run, cells: list[Cell]) -> Cell:
    """Return the cell that the others of its group are compared with.

    Among sides, the first one, whatever became of it. Among loops, that of the plan; where it could not be measured or
    is invalid, the first one that could.
    """
    plan = run.header.plan
    if plan.sides:
        return next(cell for cell in cells if cell.side == plan.sides[0].name)
    valid = [cell for cell in cells if _valid(run, cell)]
    measured = [cell for cell in valid if _steps_by_round(run.trials_of(cell))] or valid or cells
    return next((cell for cell in measured if cell.name == plan.baseline), measured[0])


def _place(summary: CellSummary) -> tuple[bool, bool, float]:
    """Sort fastest first, what is not ranked after the rest, what was not measured at the end."""
    unranked = summary.verdict in (Verdict.INVALID, Verdict.FAILED)
    return (summary.step is None, unranked, summary.step.estimate if summary.step else 0.0)


def _valid(run: Run, cell: Cell) -> bool:
    """Whether a loop was shown to do the same work, as far as this run asks for it, and its timed trials did it."""
    verification = run.verification_of(cell)
    passed = not verification.failed if verification is not None else not run.header.plan.verify
    return passed and off_the_curve(run, cell) is None


def _summarise_cell(
    run: Run, *, cell: Cell, baseline: Cell, speed_up: Interval | None, floor: float | None
) -> CellSummary:
    """Reduce one cell's trials, and judge its comparison with the baseline."""
    plan, trials, base = run.header.plan, run.trials_of(cell), run.trials_of(baseline)
    finished = [trial for trial in trials if trial.failure is None]
    failures = [trial.failure for trial in trials if trial.failure is not None]
    steps = _steps_by_round(trials)
    first_step = _median(trial.first_step_seconds for trial in finished)
    verdict: Verdict | None = None
    if failures or not steps:
        verdict = Verdict.FAILED
    elif not _valid(run, cell):
        verdict = Verdict.INVALID
    elif speed_up is not None:
        verdict = deciding.verdict(speed_up, margin=plan.margin, floor=floor)
    elif cell != baseline:
        verdict = Verdict.UNCLEAR
    unclear = verdict is Verdict.UNCLEAR and speed_up is not None
    return CellSummary(
        cell=cell,
        verdict=verdict,
        step=intervals.geometric_mean_interval(list(steps.values())),
        speed_up=speed_up,
        margin=plan.margin,
        rounds_to_settle=deciding.rounds_to_settle(speed_up, margin=plan.margin) if unclear and speed_up else None,
        smallest_difference=None if speed_up is None else effort.smallest_difference(speed_up, margin=plan.margin),
        break_even=None
        if speed_up is None
        else _break_even(finished, [trial for trial in base if trial.failure is None]),
        process_steps=steps,
        trace=trace([(trial, steps[trial.round]) for trial in finished if trial.round in steps]),
        unsteady_rounds=tuple(trial.round for trial in finished if never_settles(trial)),
        excluded_blocks=sum(len(trial.blocks_of(BlockKind.MEASURED)) - len(steady_blocks(trial)) for trial in finished),
        recompiled_steps=next((found for trial in finished if (found := recompiled_at(trial))), ()),
        disturbed_blocks=disturbed_rounds(finished),
        odd_rounds=is_odd(steps),
        first_step=first_step,
        import_time=_median(trial.import_seconds for trial in finished),
        build_time=_median(trial.build_seconds for trial in finished),
        warm_up_time=_median(trial.warm_up_seconds for trial in finished),
        evaluation_time=_median(trial.evaluation_seconds for trial in finished),
        peak_memory_bytes=max((t.peak_memory_bytes for t in finished if t.peak_memory_bytes), default=None),
        device_peak_memory_bytes=max(
            (t.device_peak_memory_bytes for t in finished if t.device_peak_memory_bytes), default=None
        ),
        cores_in_use=_median(cores_in_use(trial) for trial in finished),
        first_loss=_median(trial.first_loss for trial in finished),
        last_loss=_median(trial.last_loss for trial in finished),
        training_metric=_median(trial.training_metric for trial in finished),
        validation_metric=_median(trial.validation_metric for trial in finished),
        metric_name=next((trial.metric_name for trial in finished if trial.metric_name), None),
        images=next((trial.images for trial in finished if trial.images), None),
        compiled=max(
            (trial.compiled for trial in finished if trial.compiled is not None),
            key=lambda found: sum(found.values()),
            default=None,
        ),
        steps=None if (done := _median(trial.steps for trial in finished)) is None else int(done),
        steps_per_epoch=next((trial.steps_per_epoch for trial in finished), None),
        breakdown=break_down(finished, steps=steps) if plan.breakdown else None,
        verification=run.verification_of(cell),
        off_the_curve=off_the_curve(run, cell),
        failure=failures[0] if failures else None,
        failed_trials=len(failures),
        finished_trials=len(finished),
    )


def _steps_by_round(trials: Iterable[Trial]) -> dict[int, Seconds]:
    """Return round -> seconds per step, for the trials that finished."""
    pairs = ((trial.round, trial_step_seconds(trial)) for trial in trials)
    return {number: seconds for number, seconds in pairs if seconds is not None}


def _break_even(new: list[Trial], base: list[Trial]) -> BreakEvenSteps | None:
    """Compare first step and steady step of two loops, medians over processes."""
    base_first, new_first = (_median(trial.first_step_seconds for trial in side) for side in (base, new))
    base_step, new_step = (_median(trial_step_seconds(trial) for trial in side) for side in (base, new))
    if base_first is None or new_first is None or base_step is None or new_step is None:
        return None
    return total_time.break_even_steps(
        base_first=base_first, base_step=base_step, new_first=new_first, new_step=new_step
    )


def _median(values: Iterable[float | None]) -> float | None:
    """Return the median of what is available, or None when nothing is."""
    available = [value for value in values if value is not None]
    return median(available) if available else None
