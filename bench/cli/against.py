"""`bench gate --against`: one run, held against the machine's own history or against a baseline that has a name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from bench.errors import NothingComparable
from bench.gate import comparison
from bench.gate.against_history import Past, judge_run, too_busy
from bench.gate.as_stored import as_stored, measured_as
from bench.gate.result import GateResult
from bench.gate.settings import Settings, is_gone, resolved
from bench.history.index import Index, require
from bench.history.last_level import FEWEST, LastLevel, last_levels, runs_alike
from bench.history.series import Wanted, read_series
from bench.records import baselines, loading
from bench.runs import session
from bench.runs.options import Console, Options

HISTORY = "history"
"""What `--against` takes beside the name of a baseline or a run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Against:
    """What a gate against the past was asked for."""

    what: str
    """`HISTORY`, a baseline or a run."""
    creep: float | None
    """Slower by more than this fails, in place of all budgets; 0.05 is 5 %."""
    settings: Settings
    fail_on_unclear: bool


def check(wanted: Against, measuring: Options, *, console: Console, environment: Mapping[str, str]) -> GateResult:
    """Measure the loops here, and hold them against what was asked for.

    Raises:
        BenchError: As `bench.runs.session.execute` does, or if there is nothing to hold them against.
    """
    require("duckdb", "ruptures")
    settings = resolved(wanted.settings)
    if wanted.creep is not None:
        settings = replace(settings, max_slowdown=wanted.creep, budgets={})
    # Before anything is measured: a baseline that is not there, or has something else, costs no minutes.
    base = None
    if wanted.what == HISTORY:
        listed = tuple(loop for loop in settings.loops if not is_gone(loop))
        measuring = replace(
            measuring,
            loops=measuring.loops or listed,
            workloads=measuring.workloads or (() if settings.workload is None else (settings.workload,)),
            threads=measuring.threads or settings.threads,
        )
    else:
        folder = baselines.find(measuring.results, wanted.what)
        base = folder.name
        then = loading.load(folder)
        alike = as_stored(then, asked=measuring, settings=settings, folder=Path.cwd(), tell=console.notice)
        if alike.gone:
            console.notice(f"warning: not here any more, and not measured: {', '.join(alike.gone)}")
        measuring = measured_as(measuring, alike)
        comparison.admit_here(then, measuring=measuring, environment=environment)
        _refuse_few(base, results=measuring.results, console=console)
    opened = session.start(measuring, console=console, environment=environment)
    measured = session.execute(opened, console=console, environment=environment)
    run = opened.journal.folder.name
    with Index.opened(measuring.results, tell=console.notice) as index:
        levels = last_levels(read_series(index, Wanted()), run=run, baseline=base)
    return judge_run(
        [_past(level) for level in levels],
        base="the last level of this machine's history" if base is None else f"{wanted.what} (run {base})",
        run=run,
        rounds=measured.planned_rounds,
        settings=settings,
        fail_on_unclear=wanted.fail_on_unclear,
        starved=too_busy(measured, settings=settings),
    )


def _refuse_few(run: str, *, results: Path, console: Console) -> None:
    """Refuse a baseline of a machine whose runs are too few to say what they differ by.

    Raises:
        NothingComparable: With how many there are, and what to do.
    """
    with Index.opened(results, tell=console.notice) as index:
        count = runs_alike(read_series(index, Wanted()), run=run)
    if count < FEWEST:
        raise NothingComparable(
            f"what runs of this machine differ by is not known: {count} measured the same as {run}, and {FEWEST} are "
            f"needed; measure it again, or compare with this run alone: bench gate --baseline {run}"
        )


def _past(level: LastLevel) -> Past:
    """Return a level as the gate takes it."""
    series, head = level.series, level.head
    return Past(
        loop=series.loop,
        workload=series.setting.workload,
        level=level.level,
        error=level.error,
        spread=level.spread,
        runs=level.runs,
        head=head.logarithm,
        head_error=head.error if isfinite(head.error) else 0.0,
        unit_seconds=series.unit_seconds,
    )
