"""A stored run in the words of pyperf, for its commands and `pyperf.BenchmarkSuite.load`.

A run is a process, a value is a block, and every process has as many of them.
"""

from dataclasses import asdict

from bench.records.stored_run import Run
from bench.records.trial import BlockKind, Trial
from bench.report import wording
from bench.report.export.entries import TIMER, Entry, Exportable, Json, one_line, positive, whole

VERSION = "1.0"
"""Of the file format, which pyperf 1.0 brought and later ones kept."""


def content(found: Exportable) -> Json:
    """Return what stands in a file of pyperf, which is a suite."""
    header, facts = found.run.header, found.run.header.environment
    count = min(_counts(found))
    power = {"governor": facts.get("cpu governor"), "turbo": facts.get("cpu turbo"), "SMT": facts.get("SMT")}
    frequency = facts.get("cpu frequency MHz")
    return {
        "version": VERSION,
        "metadata": _metadata(
            unit="second",
            timer=TIMER,
            description=header.label,
            platform=facts.get("kernel"),
            cpu_model_name=facts.get("cpu model"),
            cpu_count=whole(facts.get("cpu cores logical")),
            cpu_config=", ".join(f"{name}:{value}" for name, value in power.items() if value),
            cpu_freq=frequency and f"{frequency} MHz",
            load_avg_1min=positive(facts.get("load average 1 min")),
            bench_run=header.run_id,
            bench_started=header.started,
            bench_command=header.command,
            bench_version=header.tool_version,
            bench_dataset=header.dataset.name,
        ),
        "benchmarks": [_benchmark(entry, run=found.run, count=count) for entry in found.entries],
    }


def remarks(found: Exportable) -> tuple[str, ...]:
    """Return how many blocks stay behind, so that every process has as many."""
    counts = _counts(found)
    dropped = sum(counts) - len(counts) * min(counts, default=0)
    if not dropped:
        return ()
    blocks = f"{dropped} of {sum(counts)} blocks, so that every process has {min(counts)}"
    return (f"not exported: {blocks}; pyperf calls unequal counts significant",)


def _counts(found: Exportable) -> list[int]:
    """Return how many blocks each process has."""
    return [len(trial.blocks_of(BlockKind.MEASURED)) for entry in found.entries for trial in entry.trials]


def _benchmark(entry: Entry, *, run: Run, count: int) -> Json:
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
        "runs": [_process(trial, count=count) for trial in entry.trials],
    }


def _process(trial: Trial, *, count: int) -> Json:
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
    lines = {name: one_line(value.strip()) if isinstance(value, str) else value for name, value in values.items()}
    return {name: value for name, value in lines.items() if value not in (None, "")}
