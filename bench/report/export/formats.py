"""A stored run in the words of other tools, so that their commands read it.

render     the text of a file for pytest-benchmark, pyperf or github-action-benchmark
remarks    what that file leaves out, one line each
save       the text in a file, without overwriting another one unasked

Loops that failed or do other work are left out, never written as numbers. What a run does not store is null or absent,
never the fact of the machine that happens to export it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any, Literal

import numpy as np

from bench import units
from bench.analysis.intervals import Interval
from bench.analysis.summary import CellSummary, summarise
from bench.errors import NothingComparable, UsageError
from bench.files import write_whole
from bench.records.cell import Cell, Setting
from bench.records.stored_run import Run
from bench.records.trial import BlockKind, Trial
from bench.report import wording
from bench.units import Seconds

Format = Literal["pytest-benchmark", "pyperf", "github-action"]
Json = dict[str, Any]

PYTEST_BENCHMARK_VERSION = "5.3.1"
"""Whose file format is written; its own files carry the version of the tool there."""

PYPERF_VERSION = "1.0"
"""Of the file format, which pyperf 1.0 brought and later ones kept."""

_PROJECT = "loopbench"
_TIMER = "time.perf_counter_ns"
_FENCE = 1.5
"""Interquartile ranges beyond the quartiles, from where on Tukey calls a value an outlier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A cell that is exported: it was measured, and does the work it claims."""

    name: str
    """The same in every run, unique within one, on one line."""
    baseline: str
    """The loop that its speed-up refers to."""
    summary: CellSummary
    trials: tuple[Trial, ...]
    """In the order of rounds; all of them finished and were measured."""

    @property
    def cell(self) -> Cell:
        """What was measured."""
        return self.summary.cell

    @property
    def verdict(self) -> str:
        """The stable word, "baseline" for the baseline itself."""
        return wording.BASELINE if self.summary.verdict is None else str(self.summary.verdict)


def render(run: Run, *, to: Format) -> str:
    """Return a run as the JSON of another tool.

    Args:
        run: As it was read back, complete or not.
        to: "pytest-benchmark" for its `compare` and its storage, "pyperf" for its commands and
            `pyperf.BenchmarkSuite.load`, "github-action" for github-action-benchmark's `customSmallerIsBetter`.

    Raises:
        NothingComparable: If no loop of the run may be exported.
    """
    entries = _entries(run)
    if not entries:
        run_id = wording.display_name(run.header.run_id)
        raise NothingComparable(
            f"{run_id}: nothing to export, since no loop was measured and passed its check; see 'bench report {run_id}'"
        )
    if to == "github-action":
        content: Json | list[Json] = [_github_action(entry, run=run) for entry in entries]
    else:
        content = (_pytest_benchmark if to == "pytest-benchmark" else _pyperf)(entries, run=run)
    return json.dumps(content, indent=2, allow_nan=False)


def remarks(run: Run, *, to: Format) -> tuple[str, ...]:
    """Return what an export leaves out: each loop with its reason, and values that have no counterpart elsewhere."""
    unranked = (cell for group in summarise(run) for cell in group.cells if not cell.is_ranked)
    lines = [f"not exported: {wording.display_name(str(cell.cell))}: {wording.failure_text(cell)}" for cell in unranked]
    entries = _entries(run) if to == "pyperf" else ()
    if entries:
        counts = [len(trial.blocks_of(BlockKind.MEASURED)) for entry in entries for trial in entry.trials]
        dropped = sum(counts) - len(counts) * min(counts)
        if dropped:
            lines.append(
                f"not exported: {dropped} of {sum(counts)} blocks, so that every process has {min(counts)}; "
                "pyperf calls unequal counts significant"
            )
    return tuple(lines)


def save(text: str, *, file: Path, force: bool) -> None:
    """Write an export and a line end.

    Raises:
        UsageError: If the file is there and was not to be overwritten.
        FileTrouble: If it cannot be written; an older file is then as it was.
    """
    try:
        write_whole(file, f"{text}\n".encode(), overwrite=force)
    except FileExistsError as error:
        raise UsageError(f"{file}: is there already; choose another --output or give --force") from error


def _entries(run: Run) -> tuple[Entry, ...]:
    """Return the cells that may be exported, group by group, fastest first."""
    return tuple(
        Entry(
            name=f"{_escaped(cell.cell.loop)}[{_parameters(cell.cell)}]",
            baseline=group.baseline,
            summary=cell,
            trials=tuple(trial for trial in run.trials_of(cell.cell) if trial.round in cell.process_steps),
        )
        for group in summarise(run)
        for cell in group.cells
        if cell.is_ranked
    )


def _parameters(cell: Cell) -> str:
    """Return everything but the loop, as it stands in a name: "mnist-mlp-matched-cpu-b32"."""
    side = "" if cell.side is None else f"-{_escaped(cell.side)}"
    return f"{_setting(cell).slug}{side}"


def _setting(cell: Cell) -> Setting:
    """Return a cell's setting with the workload's name escaped."""
    return replace(cell.setting, workload=_escaped(cell.workload))


def _escaped(text: str) -> str:
    r"""Return a name that these tools take as it is: different names stay different, and none breaks a line.

    A bracket is escaped, because pytest-benchmark cuts names there, and a blank at the beginning, because pyperf
    strips it.

    >>> print(_escaped("mine"), _escaped("two\nlines"), _escaped("a[b]"))
    mine two\u{a}lines a\u{5b}b]
    """
    marked = text.replace("\\", _code("\\")).replace("[", _code("["))
    return _one_line(_code(" ") + marked[1:] if marked.startswith(" ") else marked)


def _one_line(text: str) -> str:
    """Return text with line breaks and everything else that is not for print as codes."""
    return "".join(character if character.isprintable() else _code(character) for character in text)


def _code(character: str) -> str:
    """Return a character by its number."""
    return f"\\u{{{ord(character):x}}}"


def _pytest_benchmark(entries: Sequence[Entry], *, run: Run) -> Json:
    """Return a file of pytest-benchmark; a round is a process."""
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
            "cpu": {"brand_raw": model, "count": _whole(facts.get("cpu cores logical"))},
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
        "benchmarks": [_pytest_benchmark_entry(entry, run=run) for entry in entries],
        "datetime": run.header.started,
        "version": PYTEST_BENCHMARK_VERSION,
    }


def _pytest_benchmark_entry(entry: Entry, *, run: Run) -> Json:
    """Return one benchmark, in a group with those it may be ranked with."""
    cell = entry.cell
    parameters = _parameters(cell)
    return {
        "group": parameters,
        "name": entry.name,
        "fullname": entry.name,
        "params": asdict(_setting(cell)),
        "param": parameters,
        "extra_info": {"bench": _facts(entry, run=run)},
        "options": {"disable_gc": False, "timer": _TIMER, "min_rounds": run.header.plan.rounds, "warmup": True},
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


def _pyperf(entries: Sequence[Entry], *, run: Run) -> Json:
    """Return a suite of pyperf: a run is a process, a value is a block, and every process has as many of them."""
    header, facts = run.header, run.header.environment
    count = min(len(trial.blocks_of(BlockKind.MEASURED)) for entry in entries for trial in entry.trials)
    power = {"governor": facts.get("cpu governor"), "turbo": facts.get("cpu turbo"), "SMT": facts.get("SMT")}
    frequency = facts.get("cpu frequency MHz")
    return {
        "version": PYPERF_VERSION,
        "metadata": _metadata(
            unit="second",
            timer=_TIMER,
            description=header.label,
            platform=facts.get("kernel"),
            cpu_model_name=facts.get("cpu model"),
            cpu_count=_whole(facts.get("cpu cores logical")),
            cpu_config=", ".join(f"{name}:{value}" for name, value in power.items() if value),
            cpu_freq=frequency and f"{frequency} MHz",
            load_avg_1min=_positive(facts.get("load average 1 min")),
            bench_run=header.run_id,
            bench_started=header.started,
            bench_command=header.command,
            bench_version=header.tool_version,
            bench_dataset=header.dataset.name,
        ),
        "benchmarks": [_pyperf_entry(entry, run=run, count=count) for entry in entries],
    }


def _pyperf_entry(entry: Entry, *, run: Run, count: int) -> Json:
    """Return one benchmark; pyperf derives the duration of a run from its values, warm-ups and steps per block."""
    cell, verification = entry.cell, entry.summary.verification
    versions = {
        name: [t.versions[name] for t in entry.trials if name in t.versions] for name in entry.trials[0].versions
    }
    implementation = run.header.environment.get("python", "").partition(" ")[0].lower()
    speed = wording.speed_text(entry.summary)
    return {
        "metadata": _metadata(
            name=entry.name,
            python_implementation=implementation,
            # One value for all runs: pyperf refuses a benchmark whose processes differ in these.
            **{f"{name}_version": ", ".join(dict.fromkeys(found)) for name, found in versions.items()},
            bench_loop=cell.loop,
            **{f"bench_{axis}": value for axis, value in asdict(cell.setting).items()},
            bench_baseline=entry.baseline,
            bench_verdict=entry.verdict,
            bench_speed_up=None if entry.summary.speed_up is None else speed,
            bench_verified=None if verification is None else wording.verified_text(entry.summary),
        ),
        "runs": [_pyperf_run(trial, count=count) for trial in entry.trials],
    }


def _pyperf_run(trial: Trial, *, count: int) -> Json:
    """Return one process; the first call, tracing and compiling included, is its first warm-up."""
    measured = trial.blocks_of(BlockKind.MEASURED)[:count]
    before = [block for block in trial.blocks if block.kind in (BlockKind.FIRST, BlockKind.WARM_UP)]
    return {
        "metadata": _metadata(
            loops=measured[0].steps, mem_max_rss=trial.peak_memory_bytes or None, bench_round=trial.round
        ),
        "warmups": [(block.steps, block.step_seconds) for block in before],
        "values": [block.step_seconds for block in measured],
    }


def _metadata(**values: str | float | None) -> Json:
    """Return what pyperf accepts: no null, and text that is neither blank nor longer than a line."""
    lines = {name: _one_line(value.strip()) if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in lines.items() if value not in (None, "")}


def _github_action(entry: Entry, *, run: Run) -> Json:
    """Return one line of the chart: milliseconds per step, and the half-width of the interval."""
    step, speed_up = entry.summary.step, entry.summary.speed_up
    assert step is not None  # a cell without finished trials is not exported
    tooltip = [entry.verdict]
    if speed_up is not None:
        span = units.speed_span(speed_up.estimate, low=speed_up.low, high=speed_up.high)
        speed = wording.speed_text(entry.summary)
        tooltip = [f"{entry.verdict}: {speed} (baseline {entry.baseline}, 95 % interval {span})"]
    tooltip += [
        f"processes: {step.count}",
        f"same work as the reference: {wording.verified_text(entry.summary)}",
        *(f"{name} {version}" for name, version in entry.trials[0].versions.items()),
        f"run: {run.header.run_id}",
    ]
    found: Json = {"name": entry.name, "unit": "ms/step", "value": step.estimate * 1e3}
    if step.low is not None and step.high is not None:
        found["range"] = f"± {(step.high - step.low) / 2.0 * 1e3:#.3g}"
    return found | {"extra": "\n".join(_one_line(line) for line in tooltip)}


def _positive(text: str | None) -> float | None:
    """Return a fact of the passport as a number; None where it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) and value >= 0.0 else None


def _whole(text: str | None) -> int | None:
    """Return a fact of the passport as a whole number above zero; None where it is none."""
    value = _positive(text)
    return int(value) or None if value is not None else None
