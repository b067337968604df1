"""Folders of stored runs for the tests of history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from bench.analysis.intervals import Interval
from bench.history.events import Alike, Break, Event, Judged
from bench.history.segments import Level
from bench.history.series import Point, Series
from bench.records.cell import Setting
from bench.records.lines import JOURNAL, EndLine, HeaderLine, Line, TrialLine, VerificationLine
from bench.records.stored_run import RunEnd

MACHINE = {
    "cpu model": "AMD EPYC",
    "cpu cores logical": "2",
    "cpu cores usable": "2",
    "memory total MiB": "24105",
    "operating system": "Debian GNU/Linux 12 (bookworm)",
}
FIRST = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def store(make_run) -> Callable[..., Path]:
    """Return a function that stores one run a night: ``store(folder, night=3, steps={"tf-fit": 0.7e-3})``."""

    def write(
        folder: Path, *, night: int, environment: dict[str, str] | None = None, end: bool = True, **settings
    ) -> Path:
        settings = {"rounds": 3, "kernel": 3e-4, "seed": night, "drift": 0.0} | settings
        started = FIRST + timedelta(days=night)
        run = make_run(
            run_id=f"{started:%Y%m%d}-{night:04d}",
            started=started.isoformat(),
            environment=MACHINE | (environment or {}),
            **settings,
        )
        lines: list[Line] = [HeaderLine(run=run.header)]
        lines += [VerificationLine(verification=one) for one in run.verifications]
        lines += [TrialLine(trial=trial) for trial in (*run.trials, *run.calibration)]
        if end:
            lines.append(EndLine(end=RunEnd(ended=started.isoformat(), complete=True)))
        stored = folder / run.header.run_id
        stored.mkdir(parents=True)
        # At once: a journal waits for the disk after each line.
        (stored / JOURNAL).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        return stored

    return write


@pytest.fixture
def make_point() -> Callable[..., Point]:
    """Return a function that makes one run of a series: ``make_point(3, value=2.1)`` is the one of the fourth night."""

    def make(night: int = 0, **fields) -> Point:
        started = (FIRST + timedelta(days=night)).replace(tzinfo=None)
        settings = {
            "run": f"{started:%Y%m%d}-{night:04d}",
            "started": started,
            "value": 2.0,
            "error": 0.01,
            "processes": 3,
            "seconds": 0.6e-3,
            "commit": None,
            "tool_commit": None,
            "versions": "numpy 2.4.6",
            "identity": ("data", "workload", "machine", "kernel"),
            "loop_sha256": "ab",
        }
        return Point(**settings | fields)

    return make


@pytest.fixture
def make_judged(make_point) -> Callable[..., Judged]:
    """Return a function that makes a judged series of values: ``make_judged([2.0, 2.0, 2.2], events=[...])``.

    Its levels end where steps and breaks are; nothing is searched for.
    """

    def make(values=(2.0,) * 4, *, events=(), breaks=(), lone=(), points=None, **fields) -> Judged:
        points = tuple(points or (make_point(night, value=value) for night, value in enumerate(values)))
        settings = {
            "machine": "box",
            "title": "AMD EPYC, 2 cores",
            "loop": "tf-fit",
            "setting": Setting(workload="mnist-mlp", track="matched", device="cpu", batch_size=32),
            "calibrated": True,
            "points": points,
            "unit_seconds": 0.3e-3,
            "left_out": 0,
        }
        places = {one.place for one in (*events, *breaks) if getattr(one, "per_run", None) is None}
        bounds = [0, *sorted(places), len(points)]
        levels = []
        for start, stop in pairwise(bounds):
            mean = sum(point.value for point in points[start:stop]) / (stop - start)
            typical = Interval(estimate=mean, low=0.99 * mean, high=1.01 * mean, count=stop - start)
            levels.append(Level(start=start, stop=stop, typical=typical))
        return Judged(
            series=Series(**settings | fields),
            levels=tuple(levels),
            events=tuple(events),
            breaks=tuple(breaks),
            spread=0.01,
            lone=tuple(lone),
        )

    return make


@pytest.fixture
def make_event() -> Callable[..., Event]:
    """Return a function that makes a change of a ratio at a place: ``make_event(2, 1.1)``; ``alike`` names loops."""

    def make(place: int, ratio: float = 1.1, *, alike=None, **fields) -> Event:
        size = Interval(estimate=ratio, low=0.99 * ratio, high=1.01 * ratio, count=3)
        together = None if alike is None else Alike(loops=tuple(alike), ratio=size)
        settings = {"number": 1, "earliest": place, "latest": place, "ratio": size, "per_run": None, "changed": ()}
        return Event(**{"place": place, "alike": together} | settings | fields)

    return make


@pytest.fixture
def make_break() -> Callable[..., Break]:
    """Return a function that makes a break: ``make_break(2)``."""
    return lambda place, what="the data": Break(place=place, what=what)
