"""What is stored of a campaign beside its runs: which machine measured what, and what happened there.

results/<campaign>/campaign.json    this; written whole whenever something happens
                   parcel.zip       what was sent to the machines, until the campaign is done: going on needs it
results/<run-id>/                   one run per machine, as any other
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench import redaction
from bench.errors import FileTrouble, InvalidResult, ResultsError
from bench.files import explained, make_folder, write_whole
from bench.fleet.travel import Parcel

RECORD, PARCEL = "campaign.json", "parcel.zip"
State = Literal["placed", "running", "waiting", "complete", "lost", "interrupted", "failed"]
DONE = ("complete", "failed")
"""States after which nothing is left to be done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One run on one machine."""

    machine: str
    """Its name."""
    state: State
    run: str | None = None
    """None until its header has arrived."""
    why: str | None = None
    """What went wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The work of one machine, and who did it: the last attempt counts, earlier ones keep what they had finished."""

    name: str
    """Of the machine that it was given to first."""
    kind: str
    title: str
    named: bool = False
    """Whether runs carry their machine's name: others of its kind are measured beside it."""
    attempts: tuple[Attempt, ...] = ()

    @property
    def last(self) -> Attempt | None:
        """The attempt that counts."""
        return self.attempts[-1] if self.attempts else None

    @property
    def done(self) -> bool:
        """Whether nothing is left to be done."""
        return self.last is not None and self.last.state in DONE


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A campaign."""

    campaign: str
    tool_version: str
    started: str
    command: str
    on: str
    """The cluster, as it was typed."""
    parts: tuple[Part, ...] = ()
    remarks: tuple[str, ...] = ()
    """How the machines differ."""
    schema_version: int = 1

    @property
    def complete(self) -> bool:
        """Whether every machine, or one in its place, has come to its end."""
        return all(part.last is not None and part.last.state == "complete" for part in self.parts)


def write(record: Record, *, results: Path) -> None:
    """Write a campaign's record.

    Raises:
        FileTrouble: If it cannot be written.
    """
    folder = results / record.campaign
    make_folder(folder)
    content = redaction.redacted(msgspec.to_builtins(replace(record, parts=())))
    content["parts"] = [_redacted(part) for part in record.parts]
    write_whole(folder / RECORD, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


@lru_cache(maxsize=4096)
def _redacted(part: Part) -> Any:
    """Return a part as it is stored; of a thousand only one has changed since the last time."""
    return redaction.redacted(msgspec.to_builtins(part))


def keep(parcel: Parcel, *, record: Record, results: Path) -> None:
    """Keep what was sent, which only its owner may read: the user's files are in it."""
    folder = results / record.campaign
    make_folder(folder)
    path = folder / PARCEL
    with explained(path):
        path.touch(mode=0o600)
        path.write_bytes(parcel.content)


def drop_parcel(record: Record, *, results: Path) -> None:
    """Forget what was sent: nothing is left to be done."""
    path = results / record.campaign / PARCEL
    with explained(path):
        path.unlink(missing_ok=True)


def find(results: Path, name: str) -> Path | None:
    """Return the folder of a campaign, by its name or path; None where that is the name of something else."""
    for folder in (results / name, Path(name)):
        if (folder / RECORD).is_file():
            return folder
    return None


def load(folder: Path) -> Record:
    """Read a campaign back.

    Raises:
        FileTrouble: If it cannot be read.
        InvalidResult: If it is not what the schema says.
    """
    path = folder / RECORD
    with explained(path, doing="read"):
        content = path.read_bytes()
    try:
        record = msgspec.json.decode(content, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidResult(f"{path}: {error}; the runs beside it can be gone on with one by one") from error
    if record.campaign != folder.name:
        raise InvalidResult(f"{path}: it is of {record.campaign}; give its folder that name again")
    return record


def parcel(folder: Path) -> Parcel:
    """Read back what was sent.

    Raises:
        ResultsError: If it is not there: the campaign is done.
        FileTrouble: If it cannot be read.
    """
    path = folder / PARCEL
    if not path.is_file():
        raise ResultsError(f"{folder}: nothing is left to be done, or {PARCEL} was removed; start a new run")
    try:
        return Parcel(content=path.read_bytes())
    except OSError as error:
        raise FileTrouble(f"{path}: cannot be read ({error.strerror})") from error
