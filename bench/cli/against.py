"""`bench gate --against`: one run, held against the machine's own history or against a baseline that has a name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite

from bench.gate.against_history import Past, judge_run, too_busy
from bench.gate.result import GateResult
from bench.gate.settings import Settings
from bench.history.index import Index, require
from bench.history.last_level import LastLevel, last_levels
from bench.history.series import Wanted, read_series
from bench.records import baselines
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
    # Before anything is measured: a baseline that is not there costs no minutes.
    base = None if wanted.what == HISTORY else baselines.find(measuring.results, wanted.what).name
    opened = session.start(measuring, console=console, environment=environment)
    stored = session.execute(opened, console=console, environment=environment)
    run = opened.journal.folder.name
    with Index.opened(measuring.results, tell=console.notice) as index:
        levels = last_levels(read_series(index, Wanted()), run=run, baseline=base)
    settings = wanted.settings
    if wanted.creep is not None:
        settings = replace(settings, max_slowdown=wanted.creep, budgets={})
    return judge_run(
        [_past(level) for level in levels],
        base="the last level of this machine's history" if base is None else f"{wanted.what} (run {base})",
        run=run,
        rounds=stored.planned_rounds,
        settings=settings,
        fail_on_unclear=wanted.fail_on_unclear,
        starved=too_busy(stored, settings=settings),
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
