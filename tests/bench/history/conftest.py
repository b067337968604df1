"""Folders of stored runs for the tests of history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.records.journal import Journal

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
        journal = Journal.create(folder, header=run.header)
        for verification in run.verifications:
            journal.add_verification(verification)
        for trial in (*run.trials, *run.calibration):
            journal.add(trial)
        if end:
            journal.end(complete=True)
        return journal.folder

    return write
