"""What `bench history` printed, so that asking again with nothing new is answered at once.

    ask     the answer of last time where nothing has changed since, or a new one

An answer holds for the very question, journals, pages and sources of the harness that it was given for, and as long as
the page that was written then lies there untouched. The file beside the runs is as disposable as their index.
"""

import sys
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bench.errors import FileTrouble
from bench.files import PAGE, pages_of, write_whole
from bench.history import FOLDER, RUNS
from bench.history.sources import sources
from bench.text import is_harmless

if TYPE_CHECKING:
    from bench.history.series import Wanted

FILE = ".index.answers.json"
_MOST = 8
"""Answers that are kept: some loops, machines and formats."""
_HARNESS = Path(__file__).parent.parent

State = tuple[int, int]
"""Of a file: size in bytes, and nanoseconds when it was written."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was printed and written."""

    question: str
    text: str
    pages: list[State | None] | None
    """As `_pages` saw them then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What to print, and the page that is there."""

    text: str
    page: Path | None


def ask(
    results: Path,
    wanted: "Wanted",
    *,
    reports: Path | None,
    margin: float,
    output_format: str,
    encoding: str | None,
    tell: Callable[[str], None],
) -> Told:
    """Answer what `bench history` was asked.

    Args:
        results: Folder of the runs.
        wanted: Which series.
        reports: Folder of pages; None writes none.
        margin: Smallest change that is told.
        output_format: "table", "json", "csv" or "md".
        encoding: Of what it is printed to.
        tell: Gets a line where this takes a while.

    Raises:
        NothingComparable: If no run fits.
        ResultsError: If no run is stored.
        UsageError: If what this needs is not installed.
    """
    question = partial(_question, results, (repr(wanted), margin, output_format, encoding), reports=reports)
    now, known, folder = question(), _read(results / FILE), reports and reports / FOLDER
    for answer in known:
        # The folder may be somebody else's: what could steer a terminal is not repeated, but looked up.
        if (answer.question, answer.pages) == (now, _pages(folder)) and is_harmless(answer.text):
            return Told(text=answer.text, page=folder and folder / PAGE)
    from bench.history import asked  # noqa: PLC0415 - SciPy, DuckDB and Jinja2: half a second that an old answer saves

    found = asked.history(results, wanted, reports=reports, margin=margin, tell=tell)
    printed = found.text(output_format, encoding=encoding)
    if now == question():  # no run came while the others were read
        newest = Answer(question=now, text=printed, pages=_pages(folder))
        with suppress(FileTrouble):  # where nothing can be written, nothing is kept
            write_whole(results / FILE, msgspec.json.encode([newest, *known][:_MOST]))
    return Told(text=printed, page=found.page)


def _question(results: Path, asked: tuple[Hashable, ...], *, reports: Path | None) -> str:
    """Return all that an answer depends on, as a hash."""
    digest = sha256(repr((asked, results.absolute(), reports and reports.absolute(), sys.version)).encode())
    for source in sources(results).values():
        digest.update(f"{source.run} {source.size} {source.modified_nanoseconds}\n".encode())
    if reports is not None:
        digest.update(repr(sorted(pages_of(reports) - {FOLDER})).encode())
    for path in sorted(path for kind in ("py", "j2") for path in _HARNESS.rglob(f"*.{kind}")):
        digest.update(repr((path, _state(path))).encode())
    return digest.hexdigest()


def _pages(folder: Path | None) -> list[State | None] | None:
    """Return how the pages of histories lie on the disk; None where none are wanted."""
    return None if folder is None else [_state(folder / name) for name in (PAGE, RUNS)]


def _state(path: Path) -> State | None:
    """Return how a file lies on the disk, None where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns)


def _read(file: Path) -> list[Answer]:
    """Return the answers that were kept; none from a file that is broken or not ours."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[Answer])
    except (OSError, msgspec.DecodeError):
        return []
