"""A stored run in the words of pytest-benchmark, for its `compare` and its storage; a round is a process."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import mean, median, stdev

import numpy as np

from bench.analysis.intervals import Interval
from bench.records.stored_run import Run
from bench.records.trial import BlockKind
from bench.report.export.entries import TIMER, Entry, Exportable, Json, parameters, setting, whole
from bench.units import Seconds

VERSION = "5.3.1"
"""Whose file format is written; its own files carry the version of the tool there."""

_PROJECT = "loopbench"
_FENCE = 1.5
"""Interquartile ranges beyond the quartiles, from where on Tukey calls a value an outlier."""


def content(found: Exportable) -> Json:
    """Return what stands in a file of pytest-benchmark."""
    run = found.run
    facts = run.header.environment
    implementation, _, python = facts.get("python", "").partition(" ")
    system, _, release = facts.get("kernel", "").partition(" ")
    model = facts.get("cpu model")
    return {
        "machine_info": {
            "node": None,
            "processor": model,
            "machine": None,
            "python_compiler": None,
            "python_implementation": implementation or None,
            "python_implementation_version": python or None,
            "python_version": python or None,
            "python_build": None,
            "release": release or None,
            "system": system or None,
            "cpu": {"brand_raw": model, "count": whole(facts.get("cpu cores logical"))},
            "bench": facts,
        },
        "commit_info": {
            "id": facts.get("git commit", "unversioned"),
            "time": None,
            "author_time": None,
            "dirty": {"yes": True, "no": False}.get(facts.get("git dirty", "")),
            "project": _PROJECT,
            "branch": facts.get("git branch", "(unknown)"),
        },
        "benchmarks": [_benchmark(entry, run=run) for entry in found.entries],
        "datetime": run.header.started,
        "version": VERSION,
    }


def _benchmark(entry: Entry, *, run: Run) -> Json:
    """Return one benchmark, in a group with those it may be ranked with."""
    cell = entry.cell
    group = parameters(cell)
    return {
        "group": group,
        "name": entry.name,
        "fullname": entry.name,
        "params": asdict(setting(cell)),
        "param": group,
        "extra_info": {"bench": _facts(entry, run=run)},
        "options": {"disable_gc": False, "timer": TIMER, "min_rounds": run.header.plan.rounds, "warmup": True},
        "stats": _statistics(_process_steps(entry)) | {"iterations": min(_measured_steps(entry))},
    }


def _process_steps(entry: Entry) -> list[Seconds]:
    """Return one number per process, in the order of rounds."""
    return [seconds for _, seconds in sorted(entry.summary.process_steps.items())]


def _measured_steps(entry: Entry) -> list[int]:
    """Return how many steps each process was measured for; those sized by time differ a little."""
    return [sum(block.steps for block in trial.blocks_of(BlockKind.MEASURED)) for trial in entry.trials]


def _statistics(values: Sequence[Seconds]) -> Json:
    """Return what pytest-benchmark would compute from these rounds, by its own rules.

    Its quartiles interpolate at ``n p + 1/2`` (Hyndman and Fan's type 5, which NumPy calls Hazen's), and the deviation
    of a single round is 0, because its tables can print nothing else.
    """
    centre = mean(values)
    deviation = stdev(values) if len(values) > 1 else 0.0
    low, high = (float(quartile) for quartile in np.quantile(values, (0.25, 0.75), method="hazen"))
    fences = low - _FENCE * (high - low), high + _FENCE * (high - low)
    inside = [value for value in values if fences[0] <= value <= fences[1]]
    by_deviation = sum(abs(value - centre) > deviation for value in values)
    by_range = len(values) - len(inside)
    return {
        "min": min(values),
        "max": max(values),
        "mean": centre,
        "stddev": deviation,
        "rounds": len(values),
        "median": median(values),
        "iqr": high - low,
        "q1": low,
        "q3": high,
        "iqr_outliers": by_range,
        "stddev_outliers": by_deviation,
        "outliers": f"{by_deviation};{by_range}",
        "ld15iqr": min(inside),
        "hd15iqr": max(inside),
        "ops": 1.0 / centre,
        "total": sum(values),
        "data": list(values),
    }


def _facts(entry: Entry, *, run: Run) -> Json:
    """Return what this tool found and the other one has no field for; seconds and bytes."""
    header, cell, first = run.header, entry.summary, entry.trials[0]
    verification = cell.verification
    return {
        "run_id": header.run_id,
        "label": header.label,
        "command": header.command,
        "tool_version": header.tool_version,
        "cell": asdict(cell.cell),
        "verdict": entry.verdict,
        "baseline": entry.baseline,
        "speed_up": _interval(cell.speed_up),
        "step_seconds": _interval(cell.step),
        "first_step_seconds": cell.costs.first_step,
        "samples_per_second": cell.samples_per_second,
        "measured_steps": _measured_steps(entry),
        "peak_memory_bytes": cell.costs.peak_memory_bytes,
        "device_peak_memory_bytes": cell.costs.device_peak_memory_bytes,
        "device_name": first.device_name,
        "versions": first.versions,
        "loop_sha256": first.loop_sha256,
        "workload_sha256": first.workload_sha256,
        "dataset": {"name": header.dataset.name, "sha256": header.dataset.sha256},
        "verification": verification
        and {
            "passed": verification.passed,
            "peer": verification.peer,
            "formula": verification.formula,
            "largest_loss_gap": verification.largest_loss_gap,
        },
    }


def _interval(interval: Interval | None) -> Json | None:
    """Return an interval with its bounds, which are null after a single round."""
    return None if interval is None else asdict(interval)
