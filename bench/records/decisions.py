"""Decisions on disk: `decision.json` in the folder of each run that a gate measured."""

from pathlib import Path

import msgspec

from bench import redaction
from bench.errors import InvalidResult
from bench.files import write_all
from bench.records import beside
from bench.records.decision import SCHEMA, Decision

FILE = "decision.json"
LARGEST_BYTES = 1 << 20
_WAY_OUT = "remove it, and the page is one of a run like any other"


def store(decision: Decision, *, folder: Path) -> None:
    """Write it into the folder of a run, whole or not at all, without secrets.

    Raises:
        FileTrouble: If it cannot be written.
    """
    content = msgspec.json.encode(redaction.redacted(msgspec.to_builtins(decision)))
    write_all(folder, {FILE: msgspec.json.format(content, indent=1) + b"\n"})


def load(folder: Path) -> Decision | None:
    """Return what a gate decided of the run in a folder; None where it is no gate's.

    Raises:
        InvalidResult: If the file is not what it should be; names file and field.
        FileTrouble: If it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    found = beside.read(path, kind=Decision, largest=LARGEST_BYTES, what="decision", way_out=_WAY_OUT)
    if found.schema != SCHEMA:
        raise InvalidResult(f"{path}: it is no {SCHEMA}; {_WAY_OUT}")
    return found
