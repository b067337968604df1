"""From trials to what a report states: one summary per cell, one comparison per loop with the baseline."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from bench import stats
from bench.records import BlockKind, Cell, Failure, Run, Seconds, Trial, Verification
from bench.stats import BreakEvenSteps, Interval, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class CellSummary:
    """What one cell's trials say together. Times are `None` when no trial finished."""

    cell: Cell
    verdict: Verdict | None
    """Against the baseline loop of the same group; None for the baseline itself."""
    step: Interval | None
    """Seconds per step: median block of each process, geometric mean over processes."""
    speed_up: Interval | None
    """How many times faster than the baseline, paired by round; None for the baseline and without one."""
    rounds_to_settle: int | None
    """For `unclear`: rounds in all that would settle it, if the spread stays."""
    break_even: BreakEvenSteps | None
    """Against the baseline, first step counted."""
    process_steps: dict[int, Seconds]
    """Round -> median seconds per step of that process."""
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
    """Drawn by the generator of the first process that was asked to, as `bench.records.Trial` stores them."""
    steps: int | None
    """Training steps of one process, median."""
    steps_per_epoch: int | None
    verification: Verification | None
    """What the check against the reference found; None when it was not made."""
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
class Group:
    """Cells that may be ranked together, fastest first, failed ones last."""

    workload: str
    track: str
    device: str
    batch_size: int
    threads: int | None
    baseline: str
    """Name of the cell that the others are compared with."""
    cells: tuple[CellSummary, ...]


def trial_step_seconds(trial: Trial) -> Seconds | None:
    """Return the median over a finished trial's measured blocks of the block's mean seconds per step."""
    measured = trial.blocks_of(BlockKind.MEASURED)
    if trial.failure is not None or not measured:
        return None
    return median(block.step_seconds for block in measured)


def summarise(run: Run) -> tuple[Group, ...]:
    """Return one group per workload, track, device, batch size and thread count, in the order of the plan."""
    members: dict[tuple[object, ...], list[Cell]] = {}
    for cell in run.header.plan.cells:
        members.setdefault(run.header.plan.group_of(cell), []).append(cell)
    return tuple(_group(run, cells) for cells in members.values())


def _group(run: Run, cells: list[Cell]) -> Group:
    """Summarise cells that differ only in the loop, or only in the side."""
    baseline = _baseline(run, cells)
    base_trials = run.trials_of(baseline)
    summaries = [_summarise_cell(run, cell=cell, baseline=baseline, base=base_trials) for cell in cells]
    summaries.sort(key=_place)
    first = cells[0]
    return Group(
        workload=first.workload,
        track=first.track,
        device=first.device,
        batch_size=first.batch_size,
        threads=first.threads,
        baseline=baseline.name,
        cells=tuple(summaries),
    )


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
    """Whether a loop was shown to do the same work, as far as this run asks for it."""
    verification = run.verification_of(cell)
    return verification.passed if verification is not None else not run.header.plan.verify


def _summarise_cell(run: Run, *, cell: Cell, baseline: Cell, base: tuple[Trial, ...]) -> CellSummary:
    """Reduce one cell's trials, and compare with the baseline's trials of the same rounds."""
    trials = run.trials_of(cell)
    finished = [trial for trial in trials if trial.failure is None]
    failures = [trial.failure for trial in trials if trial.failure is not None]
    steps = _steps_by_round(trials)
    base_steps = _steps_by_round(base)
    first_step = _median(trial.first_step_seconds for trial in finished)
    speed_up, break_even, verdict, rounds = None, None, None, None
    shared = sorted(steps.keys() & base_steps.keys())
    if failures or not steps:
        verdict = Verdict.FAILED
    elif not _valid(run, cell):
        verdict = Verdict.INVALID
    if cell != baseline and shared and verdict is None:
        speed_up = stats.ratio_interval([base_steps[r] for r in shared], [steps[r] for r in shared])
        assert speed_up is not None  # there is at least one shared round
        verdict = stats.verdict(speed_up)
        rounds = stats.rounds_to_settle(speed_up) if verdict is Verdict.UNCLEAR else None
        break_even = _break_even(finished, [trial for trial in base if trial.failure is None])
    elif cell != baseline and verdict is None:
        verdict = Verdict.UNCLEAR
    return CellSummary(
        cell=cell,
        verdict=verdict,
        step=stats.geometric_mean_interval(list(steps.values())),
        speed_up=speed_up,
        rounds_to_settle=rounds,
        break_even=break_even,
        process_steps=steps,
        first_step=first_step,
        import_time=_median(trial.import_seconds for trial in finished),
        build_time=_median(trial.build_seconds for trial in finished),
        warm_up_time=_median(trial.warm_up_seconds for trial in finished),
        evaluation_time=_median(trial.evaluation_seconds for trial in finished),
        peak_memory_bytes=max((t.peak_memory_bytes for t in finished if t.peak_memory_bytes), default=None),
        device_peak_memory_bytes=max(
            (t.device_peak_memory_bytes for t in finished if t.device_peak_memory_bytes), default=None
        ),
        cores_in_use=_median(_cores_in_use(trial) for trial in finished),
        first_loss=_median(trial.first_loss for trial in finished),
        last_loss=_median(trial.last_loss for trial in finished),
        training_metric=_median(trial.training_metric for trial in finished),
        validation_metric=_median(trial.validation_metric for trial in finished),
        metric_name=next((trial.metric_name for trial in finished if trial.metric_name), None),
        images=next((trial.images for trial in finished if trial.images), None),
        steps=None if (done := _median(trial.steps for trial in finished)) is None else int(done),
        steps_per_epoch=next((trial.steps_per_epoch for trial in finished), None),
        verification=run.verification_of(cell),
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
    return stats.break_even_steps(base_first=base_first, base_step=base_step, new_first=new_first, new_step=new_step)


def _cores_in_use(trial: Trial) -> float | None:
    """Return processor seconds per wall second over the measured blocks."""
    measured = trial.blocks_of(BlockKind.MEASURED)
    wall = sum(block.seconds for block in measured)
    return sum(block.cpu_seconds for block in measured) / wall if wall else None


def _median(values: Iterable[float | None]) -> float | None:
    """Return the median of what is available, or None when nothing is."""
    available = [value for value in values if value is not None]
    return median(available) if available else None
