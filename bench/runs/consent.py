"""Going on with a run means running what its journal names; whose journal it is decides whether that is asked first."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from bench import redaction
from bench.files import make_folder, write_whole
from bench.records.lines import JOURNAL
from bench.records.plan import Plan

Ask = Callable[[str], None]
"""Is told what will be run and why that is in question; returns if it may be, raises if not."""


class Started(msgspec.Struct, frozen=True):
    """What a run was when it was started here: kept in the user's own cache, where no journal of others reaches."""

    first_line_sha256: str
    files: dict[str, str | None]
    """Path -> SHA-256 of the user's files; None where there was none."""


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
        write_whole(_note(folder, cache=cache), msgspec.json.encode(_as_it_is(folder, plan=plan)))


def doubt(folder: Path, *, plan: Plan, cache: Path) -> str | None:
    """Return why somebody should look at what a run executes before it goes on; None if it is as it was begun."""
    if not any(programs(plan)):
        return None
    try:
        started = msgspec.json.decode(_note(folder, cache=cache).read_bytes(), type=Started)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return "it was not started here by you"
    now = _as_it_is(folder, plan=plan)
    if now.first_line_sha256 != started.first_line_sha256:
        return "its first line is not the one that was written when you started it"
    changed = _changed(started.files, now.files)
    return f"changed since it was started: {', '.join(changed)}" if changed else None


def _changed(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[str]:
    """Return the files that are not what they were; one that is gone runs nothing, and is named when it is read."""
    return [path for path, sha256 in now.items() if sha256 is not None and sha256 != before.get(path)]


def _as_it_is(folder: Path, *, plan: Plan) -> Started:
    """Return what a run and the files that it names are now."""
    with (folder / JOURNAL).open("rb") as journal:
        first = hashlib.sha256(journal.readline()).hexdigest()
    files = map(redaction.at_home, plan.files)  # a journal says "~", a plan that has just been made does not
    return Started(first_line_sha256=first, files={path: _sha256(Path(path)) for path in files})


def _sha256(path: Path) -> str | None:
    """Return the hash of a file, or None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _note(folder: Path, *, cache: Path) -> Path:
    """Return where it is noted that a run was started here."""
    return cache / "started" / f"{hashlib.sha256(folder.name.encode()).hexdigest()[:32]}.json"
