"""The runs of one loop, in one setting, on one machine, in order: what a history is drawn and judged from.

A loop's step is a multiple of the kernel's step in the same rounds, so that a machine at another speed changes nothing.
Where most runs lack the kernel, and on a GPU, whose speed the kernel does not tell, it is seconds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from math import exp, log, sqrt
from operator import itemgetter
from typing import Any, Final, Literal

from bench import units
from bench.history.index import Index
from bench.records.cell import Setting

Merge = Literal["run", "commit", "date"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One run, or several that were merged."""

    run: str
    """Name of its folder; of several, of the last."""
    started: datetime
    value: float
    """Step time in seconds, or as a multiple of the kernel's step."""
    error: float
    """Standard error of the logarithm; NaN for one process."""
    processes: int
    seconds: units.Seconds
    """Step time as it was measured."""
    commit: str | None
    tool_commit: str | None
    versions: str
    identity: tuple[str | None, ...]
    """Of data, workload's source, machine and kernel: what makes it another thing that is measured."""
    loop_sha256: str | None
    runs: int = 1

    @property
    def logarithm(self) -> float:
        """Of the value."""
        return log(self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Points in the order in which they were measured."""

    machine: str
    title: str
    """Of the machine, for people."""
    loop: str
    setting: Setting
    calibrated: bool
    """Whether values are multiples of the kernel's step."""
    points: tuple[Point, ...]
    unit_seconds: units.Seconds
    """What a value is multiplied by for people: the kernel's usual step, or 1."""
    left_out: int
    """Runs without a kernel among runs that have one."""

    @property
    def breaks(self) -> list[int]:
        """Indices of the first points that measure another thing than those before."""
        pairs = zip(self.points, self.points[1:], strict=False)
        return [place for place, (before, after) in enumerate(pairs, start=1) if before.identity != after.identity]


IDENTITY = ("the data", "the source of the workload", "the machine", "the kernel that measures the machine")
"""What `Point.identity` holds, in words."""

_SETTING: Final = tuple(field.name for field in fields(Setting))
_KEY: Final = ("machine", *_SETTING, "loop")
"""Columns that tell series apart."""
_COLUMNS: Final = (
    *_KEY,
    *("machine_title", "run", "started", "step_seconds", "step_error", "processes", "multiple", "multiple_error"),
    *("multiple_processes", "kernel_step_seconds", "commit", "tool_commit", "versions", "dataset_sha256"),
    *("workload_sha256", "fingerprint", "kernel_identity", "loop_sha256"),
)
_QUERY: Final = """
    SELECT {columns}
    FROM loop_rows JOIN run_rows USING (run)
    WHERE as_is AND state = 'measured' AND started IS NOT NULL AND {wanted}
    ORDER BY {key}, started, run
"""
_AMBIGUOUS: Final = {"workload": "loop_rows.workload", "processes": "loop_rows.processes"}
"""Columns that runs have as well."""

_Row = dict[str, Any]
"""Of `_COLUMNS`, by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which series, and from when on."""

    loops: tuple[str, ...] = ()
    """Empty for all."""
    workload: str | None = None
    machine: str | None = None
    """Name, fingerprint or the beginning of either."""
    since: datetime | None = None
    by: Merge = "run"


def read_series(index: Index, wanted: Wanted) -> list[Series]:
    """Return the series that an index holds, machine by machine, setting by setting.

    A run that does not tell when it was measured has no place in any of them.
    """
    conditions: list[tuple[str, Any]] = []
    if wanted.loops:
        conditions.append(("list_contains(?, loop)", list(wanted.loops)))
    if wanted.workload is not None:
        conditions.append(("workload = ?", wanted.workload))
    if wanted.machine is not None:
        conditions.append(("(starts_with(machine, ?) OR starts_with(fingerprint, ?))", wanted.machine))
    if wanted.since is not None:
        conditions.append(("started >= ?", wanted.since))
    text = " AND ".join(condition for condition, _ in conditions) or "true"
    values = [value for condition, value in conditions for _ in range(condition.count("?"))]
    columns, key = (", ".join(_AMBIGUOUS.get(name, name) for name in names) for names in (_COLUMNS, _KEY))
    found = index.rows(_QUERY.format(columns=columns, key=key, wanted=text), values)
    rows = (dict(zip(_COLUMNS, row, strict=True)) for row in found)
    return [_series(list(group), by=wanted.by) for _, group in groupby(rows, key=itemgetter(*_KEY))]


def _series(rows: list[_Row], *, by: Merge) -> Series:
    """Return the rows of one series as points."""
    calibrated = rows[0]["device"] == "cpu" and 2 * sum(row["multiple"] is not None for row in rows) > len(rows)
    kept = [row for row in rows if row["multiple"] is not None] if calibrated else rows
    kernels = sorted(row["kernel_step_seconds"] for row in kept if row["kernel_step_seconds"] is not None)
    points = [_point(row, calibrated=calibrated) for row in kept]
    last = rows[-1]
    return Series(
        machine=last["machine"],
        title=last["machine_title"],
        loop=last["loop"],
        setting=Setting(**{name: last[name] for name in _SETTING}),
        calibrated=calibrated,
        points=tuple(_merged(points, by=by)),
        unit_seconds=kernels[len(kernels) // 2] if calibrated else 1.0,
        left_out=len(rows) - len(kept),
    )


def _point(row: _Row, *, calibrated: bool) -> Point:
    """Return a row as a point."""
    measured = ("multiple", "multiple_error", "multiple_processes")
    value, error, processes = itemgetter(*(measured if calibrated else ("step_seconds", "step_error", "processes")))(
        row
    )
    kernel = row["kernel_identity"] if calibrated else None
    return Point(
        run=row["run"],
        started=row["started"],
        value=value,
        error=float("nan") if error is None else error,
        processes=processes,
        seconds=row["step_seconds"],
        commit=row["commit"],
        tool_commit=row["tool_commit"],
        versions=row["versions"] or "",
        identity=(row["dataset_sha256"], row["workload_sha256"], row["fingerprint"], kernel),
        loop_sha256=row["loop_sha256"],
    )


def _merged(points: Sequence[Point], *, by: Merge) -> Iterator[Point]:
    """Yield points, those of one commit or day together; what makes them another thing is never merged."""
    keys: dict[Merge, Callable[[Point], Any]] = {
        "run": lambda point: point.run,
        "commit": lambda point: (point.commit or point.run, point.identity),
        "date": lambda point: (point.started.date(), point.identity),
    }
    for _, group in groupby(points, key=keys[by]):
        together = list(group)
        yield together[0] if len(together) == 1 else _mean(together)


def _mean(points: Sequence[Point]) -> Point:
    """Return several runs as one, each counting by its processes."""
    weights = [point.processes for point in points]
    total = sum(weights)
    errors = [(weight * point.error / total) ** 2 for weight, point in zip(weights, points, strict=True)]
    last = points[-1]
    return Point(
        run=last.run,
        started=last.started,
        value=exp(sum(w * log(point.value) for w, point in zip(weights, points, strict=True)) / total),
        error=sqrt(sum(errors)),
        processes=total,
        seconds=exp(sum(w * log(point.seconds) for w, point in zip(weights, points, strict=True)) / total),
        commit=last.commit,
        tool_commit=last.tool_commit,
        versions=last.versions,
        identity=last.identity,
        loop_sha256=last.loop_sha256,
        runs=len(points),
    )
