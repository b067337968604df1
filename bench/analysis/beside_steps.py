"""What processes of a loop cost besides their steps, and what they trained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.analysis import metrics
from bench.analysis.oddities import cores_in_use
from bench.analysis.total_time import Line
from bench.records.trial import Trial
from bench.units import Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What a loop costs besides its steps. Medians over processes, largest for memory; None where nobody knows."""

    line: Line | None
    """Total time over steps, start-up counted, by round; None where no process has all parts of it."""
    first_step: Seconds | None
    """First call, tracing and compiling included."""
    import_time: Seconds | None
    build_time: Seconds | None
    warm_up_time: Seconds | None
    evaluation_time: Seconds | None
    peak_memory_bytes: int | None
    device_peak_memory_bytes: int | None
    cores_in_use: float | None
    """Processor seconds per wall second in measured blocks."""
    compiled: dict[str, int] | None
    """What the framework compiled, of the process with the most; as `bench.records.trial.Trial` has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a loop trained. Medians over processes; None where nobody knows."""

    steps: int | None
    """Training steps of one process."""
    steps_per_epoch: int | None
    first_loss: float | None
    last_loss: float | None
    training_metric: float | None
    validation_metric: float | None
    metric_name: str | None
    """What both metrics are."""
    training_metrics: Mapping[str, float]
    """All of them by their names."""
    validation_metrics: Mapping[str, float]
    """Likewise; nothing where there are no samples to validate with."""
    images: str | None
    """Drawn by the generator of the first process that was asked to, as `bench.records.trial.Trial` stores them."""


def costs_of(finished: Sequence[Trial], *, line: Line | None) -> Costs:
    """Return what the processes cost besides their steps."""
    return Costs(
        line=line,
        first_step=_median(trial.first_step_seconds for trial in finished),
        import_time=_median(trial.import_seconds for trial in finished),
        build_time=_median(trial.build_seconds for trial in finished),
        warm_up_time=_median(trial.warm_up_seconds for trial in finished),
        evaluation_time=_median(trial.evaluation_seconds for trial in finished),
        peak_memory_bytes=max((t.peak_memory_bytes for t in finished if t.peak_memory_bytes), default=None),
        device_peak_memory_bytes=max(
            (t.device_peak_memory_bytes for t in finished if t.device_peak_memory_bytes), default=None
        ),
        cores_in_use=_median(cores_in_use(trial) for trial in finished),
        compiled=max(
            (trial.compiled for trial in finished if trial.compiled is not None),
            key=lambda found: sum(found.values()),
            default=None,
        ),
    )


def work_of(finished: Sequence[Trial]) -> Work:
    """Return what the processes trained."""
    done = _median(trial.steps for trial in finished)
    return Work(
        steps=None if done is None else int(done),
        steps_per_epoch=next((trial.steps_per_epoch for trial in finished), None),
        first_loss=_median(trial.first_loss for trial in finished),
        last_loss=_median(trial.last_loss for trial in finished),
        training_metric=_median(trial.training_metric for trial in finished),
        validation_metric=_median(trial.validation_metric for trial in finished),
        metric_name=next((trial.metric_name for trial in finished if trial.metric_name), None),
        training_metrics=metrics.medians((t.training_metrics, t.training_metric, t.metric_name) for t in finished),
        validation_metrics=metrics.medians(
            (t.validation_metrics, t.validation_metric, t.metric_name) for t in finished
        ),
        images=next((trial.images for trial in finished if trial.images), None),
    )


def _median(values: Iterable[float | None]) -> float | None:
    """Return the median of what is available, or None when nothing is."""
    available = [value for value in values if value is not None]
    return median(available) if available else None
