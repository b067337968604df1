"""Which runs of a store may go, and what it takes to move runs into it. Nothing here decides by itself: dry run first.

unwanted    by age and count, never a baseline
remove      delete runs
plan_merge  which runs of another store would come, and which cannot
merge       copy them
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.errors import FileTrouble, InvalidResult, ResultsError
from bench.records import baselines, journal, loading
from bench.records.lines import JOURNAL

ASIDE = ".deleting-"
"""A run that is deleted is renamed first, so that half of one is never taken for a run."""


def started(folder: Path) -> datetime:
    """Return when a run began; of one that cannot be read, when its journal was last written."""
    try:
        moment = datetime.fromisoformat(loading.load(folder).header.started)
    except (InvalidResult, FileTrouble, ValueError):
        return datetime.fromtimestamp((folder / JOURNAL).stat().st_mtime, tz=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def unwanted(results: Path, *, days: float | None, count: int | None, now: datetime) -> list[Path]:
    """Return the runs that a retention leaves out, oldest first; a baseline is never among them.

    Args:
        results: Folder of the runs.
        days: Runs that began earlier than so many days ago go; None keeps any age.
        count: Of those that are left, so many of the newest stay; None keeps any number.
        now: In UTC.
    """
    named = set(baselines.read(results).values())
    dated = sorted((started(folder), folder) for folder in journal.runs(results))
    oldest = _ago(days, now=now)
    kept = [folder for moment, folder in dated if oldest is None or moment >= oldest]
    if count is not None:
        kept = kept[len(kept) - min(count, len(kept)) :]
    stays = {*kept, *(folder for _, folder in dated if folder.name in named)}
    return [folder for _, folder in dated if folder not in stays]


def _ago(days: float | None, *, now: datetime) -> datetime | None:
    """Return when that was; None where it is before all calendars, as for no days at all."""
    try:
        return None if days is None else now - timedelta(days=days)
    except OverflowError:
        return None


def refuse_baselines(results: Path, folders: Sequence[Path]) -> None:
    """Say no to deleting a baseline.

    Raises:
        ResultsError: Naming the first.
    """
    names = {run: name for name, run in baselines.read(results).items()}
    for folder in folders:
        if folder.name in names:
            raise ResultsError(
                f"{folder.name} is the baseline '{names[folder.name]}'; "
                f"take its name away first: bench baseline --forget {names[folder.name]}"
            )


def size(folder: Path) -> int:
    """Return the bytes of all files of a run."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def remove(folders: Sequence[Path]) -> None:
    """Delete runs, each whole or not at all.

    Raises:
        ResultsError: If one cannot be deleted.
    """
    for folder in folders:
        aside = folder.with_name(f"{ASIDE}{folder.name}")
        try:
            folder.rename(aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise ResultsError(f"{error.filename}: cannot be deleted ({error.strerror})") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """What would come from another store."""

    new: tuple[Path, ...]
    present: tuple[Path, ...]
    """Already here, byte for byte."""
    different: tuple[Path, ...]
    """Of the same name as one here, and not the same: left where they are."""
    unreadable: tuple[Path, ...]


def plan_merge(results: Path, other: Path) -> Merge:
    """Sort the runs of another store by what would become of them.

    Raises:
        ResultsError: If it holds none.
    """
    found = journal.runs(other)
    if not found:
        raise ResultsError(f"{other}: no run is stored there")
    sorted_out: dict[str, list[Path]] = {"new": [], "present": [], "different": [], "unreadable": []}
    for folder in found:
        sorted_out[_fate(results / folder.name, folder)].append(folder)
    return Merge(**{name: tuple(folders) for name, folders in sorted_out.items()})


def _fate(here: Path, there: Path) -> str:
    """Return what becomes of a run."""
    if (here / JOURNAL).exists():
        same = (here / JOURNAL).read_bytes() == (there / JOURNAL).read_bytes()
        return "present" if same else "different"
    try:
        loading.load(there)
    except (InvalidResult, FileTrouble):
        return "unreadable"
    return "new"


def merge(results: Path, found: Merge) -> None:
    """Copy the new runs, each whole or not at all.

    Raises:
        ResultsError: If one cannot be copied.
    """
    for folder in found.new:
        unfinished = results / f".unfinished-{folder.name}"
        try:
            results.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(folder, unfinished)
            unfinished.rename(results / folder.name)
        except OSError as error:
            raise ResultsError(f"{folder}: cannot be copied to {results} ({error.strerror})") from error
