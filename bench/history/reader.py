"""From a stored run to the rows of the index: read by `bench.records.loading`, counted by `bench.analysis`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

from scipy.special import stdtrit

from bench.analysis import epoch_ends, starvation
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.process import step_seconds_of
from bench.analysis.reading import off_the_curve
from bench.analysis.starvation import Starvation
from bench.errors import FileTrouble, InvalidResult, ResultsError
from bench.history import tables
from bench.history.sources import Source
from bench.records import loading
from bench.records.cell import AGAIN, Cell
from bench.records.machine import machine_of
from bench.records.stored_run import Run
from bench.records.trial import FailureKind, Trial
from bench.units import Seconds

Columns = dict[str, list[Any]]
Rows = dict[str, Columns]

_KERNEL_VERSIONS = ("python", "numpy")
_SHORT = 12


def read(results: Path, wanted: Sequence[Source], *, blocks: bool = False) -> Rows:
    """Return the rows of these runs, column by column.

    A run that cannot be read has a row that says why, and no other. One that was deleted meanwhile has none.

    Args:
        results: Folder of the runs.
        wanted: Which ones.
        blocks: Whether blocks are wanted as well; they are most of the numbers and of the time.
    """
    rows: Rows = {name: {column: [] for column in columns} for name, columns in tables.ROWS.items() if name != "found"}
    for source in wanted:
        problem = None
        try:
            run = loading.load(results / source.run)
        except (InvalidResult, FileTrouble) as error:
            problem = str(error)
        except ResultsError:
            continue
        else:
            _add_run(rows, run, folder=source.run)
            if blocks:
                _add_blocks(rows["block_rows"], run, folder=source.run)
        _append(
            rows["source_rows"],
            run=source.run,
            bytes=source.size,
            modified_nanoseconds=source.modified_nanoseconds,
            blocks=blocks,
            problem=problem,
        )
    return rows


def _append(columns: Columns, **values: Any) -> None:
    """Add one row; columns that it does not name are null."""
    for name, column in columns.items():
        column.append(values.get(name))


def _add_run(rows: Rows, run: Run, *, folder: str) -> None:
    """Add the rows of a run: itself, its processes and its loops."""
    trials = (*run.trials, *run.calibration)
    steps = step_seconds_of(trials)
    sound = {id(trial) for trial in starvation.sound(run, run.calibration)}
    kernel = {
        trial.round: seconds
        for trial, seconds in zip(run.calibration, steps[len(run.trials) :], strict=True)
        if seconds is not None and id(trial) in sound
    }
    for number, (trial, seconds) in enumerate(zip(trials, steps, strict=True)):
        _add_trial(rows["trial_rows"], trial, folder=folder, number=number, seconds=seconds)
    by_cell: dict[Cell, list[tuple[Trial, Seconds | None]]] = {cell: [] for cell in run.header.plan.cells}
    for trial, seconds in zip(run.trials, steps, strict=False):
        by_cell.setdefault(trial.cell, []).append((trial, seconds))
    for cell, processes in by_cell.items():
        _add_loop(rows["loop_rows"], run, cell=cell, processes=processes, kernel=kernel, folder=folder)
    _add_header(rows["run_rows"], run, kernel=kernel, folder=folder)


def _add_header(columns: Columns, run: Run, *, kernel: Mapping[int, Seconds], folder: str) -> None:
    """Add the row of a run."""
    header, machine = run.header, machine_of(run.header.environment)
    passport = header.environment
    level = level_of(list(kernel.values()))
    _append(
        columns,
        run=folder,
        run_id=header.run_id,
        name=header.label,
        started=_time(header.started),
        ended=None if run.end is None else _time(run.end.ended),
        complete=run.complete,
        command=header.command,
        tool_version=header.tool_version,
        tool_commit=passport.get("git commit"),
        commit=passport.get("project commit"),
        branch=passport.get("project branch"),
        dirty=None if (dirty := passport.get("project dirty")) is None else dirty == "yes",
        machine=machine.key,
        machine_title=machine.title,
        fingerprint=machine.fingerprint,
        processor=machine.processor,
        cores=machine.cores,
        memory_gibibytes=machine.memory_gibibytes,
        accelerators=", ".join(machine.accelerators) or None,
        operating_system=machine.operating_system,
        dataset=header.dataset.name,
        dataset_sha256=header.dataset.sha256,
        rounds=run.planned_rounds,
        processes=len(run.trials),
        kernel_step_seconds=None if level is None else level.estimate,
        kernel_error=_error(level),
        kernel_processes=len(kernel),
        kernel_identity=_kernel_identity(run.calibration),
        passport=json.dumps(passport),
    )


def _add_trial(columns: Columns, trial: Trial, *, folder: str, number: int, seconds: Seconds | None) -> None:
    """Add the row of a process."""
    _append(
        columns,
        run=folder,
        process=number,
        **_cell(trial.cell),
        round=trial.round,
        step_seconds=seconds,
        first_step_seconds=trial.first_step_seconds,
        import_seconds=trial.import_seconds,
        build_seconds=trial.build_seconds,
        evaluation_seconds=trial.evaluation_seconds,
        peak_memory_bytes=trial.peak_memory_bytes,
        device_peak_memory_bytes=trial.device_peak_memory_bytes,
        last_loss=trial.last_loss,
        validation_metric=trial.validation_metric,
        failure=None if trial.failure is None else f"{trial.failure.kind.value}: {trial.failure.message}",
        **_identity(trial),
    )


def _add_loop(
    columns: Columns,
    run: Run,
    *,
    cell: Cell,
    processes: Sequence[tuple[Trial, Seconds | None]],
    kernel: Mapping[int, Seconds],
    folder: str,
) -> None:
    """Add the row of a cell: what its processes say together, in seconds and as a multiple of the kernel's step."""
    side = run.header.plan.side_of(cell)
    starved = starvation.of_cell(run, [trial for trial, _ in processes])
    steps = {trial.round: seconds for trial, seconds in processes if seconds is not None}
    if starved is not None and not starved.too_busy:
        steps = {number: seconds for number, seconds in steps.items() if number not in starved.rounds}
    steps = epoch_ends.evidence([trial for trial, _ in processes], steps)
    multiples = [seconds / kernel[number] for number, seconds in steps.items() if number in kernel]
    step, multiple = level_of(list(steps.values())), level_of(multiples)
    measured = next((trial for trial, seconds in processes if seconds is not None), None)
    _append(
        columns,
        run=folder,
        **_cell(cell),
        as_is=cell.side != AGAIN and (side is None or side.changes_nothing),
        state=_state(run, cell=cell, processes=processes, starved=starved),
        processes=len(steps),
        step_seconds=None if step is None else step.estimate,
        step_low=None if step is None else step.low,
        step_high=None if step is None else step.high,
        step_error=_error(step),
        multiple=None if multiple is None else multiple.estimate,
        multiple_low=None if multiple is None else multiple.low,
        multiple_high=None if multiple is None else multiple.high,
        multiple_error=_error(multiple),
        multiple_processes=len(multiples),
        **({} if measured is None else _identity(measured)),
    )


def _state(
    run: Run, *, cell: Cell, processes: Iterable[tuple[Trial, Seconds | None]], starved: Starvation | None
) -> str:
    """Return whether its numbers count: "measured", or "unavailable", "failed", "invalid", "starved", "missing"."""
    failures = [trial.failure for trial, _ in processes if trial.failure is not None]
    if failures:
        kinds = {failure.kind for failure in failures}
        return "unavailable" if kinds == {FailureKind.UNAVAILABLE} else "failed"
    if all(seconds is None for _, seconds in processes):
        return "missing"
    check = run.verification_of(cell)
    wrong = check.failed if check is not None else run.header.plan.verify
    if wrong or off_the_curve(run, cell) is not None:
        return "invalid"
    return "starved" if starved is not None and starved.too_busy else "measured"


def _add_blocks(columns: Columns, run: Run, *, folder: str) -> None:
    """Add one row per process with its blocks in order."""
    for number, trial in enumerate((*run.trials, *run.calibration)):
        _append(
            columns,
            run=folder,
            process=number,
            kind=[block.kind.value for block in trial.blocks],
            steps=[block.steps for block in trial.blocks],
            seconds=[block.seconds for block in trial.blocks],
            started_seconds=[block.started for block in trial.blocks],
            cpu_seconds=[block.cpu_seconds for block in trial.blocks],
            involuntary_switches=[block.involuntary_switches for block in trial.blocks],
            compilations=[block.compilations for block in trial.blocks],
        )


def level_of(values: Sequence[float]) -> Interval | None:
    """Return what `geometric_mean_interval` does, ten times quicker: it is asked for every loop of every run.

    Args:
        values: One positive number per process.

    Returns:
        None for no values; an interval without bounds for one.
    """
    if not values:
        return None
    logarithms = [log(value) for value in values]
    count = len(values)
    mean = sum(logarithms) / count
    bare = Interval(estimate=exp(mean), low=None, high=None, count=count)
    if count == 1:
        return bare
    variance = sum((one - mean) ** 2 for one in logarithms) / (count - 1)
    half_width = _quantile(count - 1) * sqrt(variance / count)
    return replace(bare, low=exp(mean - half_width), high=exp(mean + half_width))


@lru_cache
def _quantile(freedom: int) -> float:
    """Return how many standard errors an interval reaches."""
    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2.0))


def _error(level: Interval | None) -> float | None:
    """Return the standard error of a level's logarithm; None without bounds."""
    if level is None or level.low is None or level.high is None:
        return None
    return log(level.high / level.low) / 2.0 / _quantile(level.count - 1)


def _cell(cell: Cell) -> dict[str, Any]:
    """Return the fields of a cell."""
    return {name: getattr(cell, name) for name in tables.CELL}


def _identity(trial: Trial) -> dict[str, Any]:
    """Return what a process measured with."""
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(trial.versions.items())) or None,
        "device_name": trial.device_name,
        "loop_sha256": trial.loop_sha256,
        "workload_sha256": trial.workload_sha256,
    }


def _kernel_identity(trials: Iterable[Trial]) -> str | None:
    """Return a digest of what the kernel's speed depends on besides the machine; None without one that ran."""
    for trial in trials:
        if trial.failure is None:
            versions = [trial.versions.get(name) for name in _KERNEL_VERSIONS]
            parts = (trial.loop_sha256, trial.workload_sha256, *versions, trial.cell)
            return sha256("\n".join(map(str, parts)).encode()).hexdigest()[:_SHORT]
    return None


def _time(text: str) -> datetime | None:
    """Return a stored time in UTC; None where it is none, or none that UTC's calendar holds."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
