"""Journals as they lie on the disk: by size and time of change, an index knows what is new."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.records.lines import JOURNAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A journal as it lies on the disk."""

    run: str
    """Name of its folder."""
    size: int
    """Bytes."""
    modified_nanoseconds: int


def sources(results: Path) -> dict[str, Source]:
    """Return what lies in a results folder, by the name of the run's folder."""
    found: dict[str, Source] = {}
    if not results.is_dir():
        return found
    with os.scandir(results) as entries:  # patterns and paths take several times as long
        for name in sorted(entry.name for entry in entries):
            with suppress(OSError):  # no run, or deleted a moment ago
                status = os.stat(f"{results}/{name}/{JOURNAL}")  # noqa: PTH116
                found[name] = Source(run=name, size=status.st_size, modified_nanoseconds=status.st_mtime_ns)
    return found
