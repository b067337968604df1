"""Going on with a run means running what its journal names; whose journal it is decides whether that is asked first."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from bench.files import make_folder, write_whole
from bench.records.lines import JOURNAL
from bench.records.plan import Plan

Ask = Callable[[str], None]
"""Is told what will be run and why that is in question; returns if it may be, raises if not."""


class Started(msgspec.Struct, frozen=True):
    """What a run was when it was started here: kept in the user's own cache, where no journal of others reaches."""

    first_line_sha256: str
    files: dict[str, str | None]
    """Hash of a path -> SHA-256 of the user's file there, None where there was none; paths may name somebody."""


def programs(plan: Plan) -> Iterator[str]:
    """Yield what a run executes beside this tool and what is installed here, in words."""
    yield from plan.files
    yield from (f"{interpreter} for {backend}" for backend, interpreter in plan.interpreters.items())
    for side in plan.sides:
        if side.interpreter is not None or side.python_path or side.variables or side.tree is not None:
            yield f"side {side.name} ({side.description})"


def remember(folder: Path, *, plan: Plan, cache: Path) -> None:
    """Note that a run was started here, by whom the cache belongs to; nothing where it runs nothing of anybody's.

    Raises:
        FileTrouble: If it cannot be noted.
    """
    if any(programs(plan)):
        make_folder(cache / "started")
        files = {_sha256(path.encode()): found for path, found in _files(plan).items()}
        started = Started(first_line_sha256=_first_line(folder), files=files)
        write_whole(_note(folder, cache=cache), msgspec.json.encode(started))


def doubt(folder: Path, *, plan: Plan, cache: Path) -> str | None:
    """Return why somebody should look at what a run executes before it goes on; None if it is as it was begun."""
    if not any(programs(plan)):
        return None
    try:
        started = msgspec.json.decode(_note(folder, cache=cache).read_bytes(), type=Started)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return "it was not started here by you"
    if _first_line(folder) != started.first_line_sha256:
        return "its first line is not the one that was written when you started it"
    changed = [
        path
        for path, found in _files(plan).items()
        # One that is gone runs nothing, and is named when it is read.
        if found is not None and found != started.files.get(_sha256(path.encode()))
    ]
    return f"changed since it was started: {', '.join(changed)}" if changed else None


def _first_line(folder: Path) -> str:
    """Return the hash of a journal's first line."""
    with (folder / JOURNAL).open("rb") as journal:
        return _sha256(journal.readline())


def _files(plan: Plan) -> dict[str, str | None]:
    """Return the hash of each file of the user that a run names, or None where there is none."""
    return {path: _sha256(Path(path).read_bytes()) if Path(path).is_file() else None for path in plan.files_here}


def _sha256(content: bytes) -> str:
    """Return the hash of something."""
    return hashlib.sha256(content).hexdigest()


def _note(folder: Path, *, cache: Path) -> Path:
    """Return where it is noted that a run was started here."""
    return cache / "started" / f"{hashlib.sha256(folder.name.encode()).hexdigest()[:32]}.json"
