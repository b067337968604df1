"""Profiles on disk: beside the run that they belong to, in files of their own.

    profiles/<cell>/profile.json     a `bench.records.profile.Profile`
                    trace.json.gz    Chrome's trace events, which Perfetto opens
                    framework/       what the framework's profiler wrote, for TensorBoard
                    flame.svg        what Python was doing, drawn by py-spy
                    stacks.txt       the same as text, a stack and how often it was seen on each line

Nothing that is ranked depends on a profile, so it is no line of the journal.
"""

from pathlib import Path

import msgspec

from bench.errors import InvalidResult
from bench.files import make_folder, write_all
from bench.records import beside
from bench.records.cell import Cell
from bench.records.profile import SCHEMA, Profile

FOLDER, RECORD, FLAME_GRAPH, STACKS, FRAMEWORK = "profiles", "profile.json", "flame.svg", "stacks.txt", "framework"
LARGEST_BYTES = 16 << 20
"""Of a record: an hour of memory readings has less."""
_WAY_OUT = "remove the folder it lies in and profile again"


def folder_of(run: Path, cell: Cell) -> Path:
    """Return where the profile of a cell lies in the folder of a run."""
    return run / FOLDER / str(cell)


def store(profile: Profile, *, folder: Path) -> None:
    """Write the record, whole or not at all.

    Raises:
        FileTrouble: If it cannot be written.
    """
    make_folder(folder)
    write_all(folder, {RECORD: msgspec.json.format(msgspec.json.encode(profile), indent=1) + b"\n"})


def load(run: Path) -> tuple[Profile, ...]:
    """Return the profiles that lie beside a run, by the names of their cells; none where nobody asked for any.

    Raises:
        InvalidResult: If one is not what it should be; names file and field.
        FileTrouble: If one cannot be read.
    """
    return tuple(_read(path) for path in sorted((run / FOLDER).glob(f"*/{RECORD}")))


def _read(path: Path) -> Profile:
    """Read one record."""
    found = beside.read(path, kind=Profile, largest=LARGEST_BYTES, what="profile", way_out=_WAY_OUT)
    if found.schema != SCHEMA or not found.block_step_seconds or min(found.block_step_seconds) <= 0.0:
        raise InvalidResult(f"{path}: it is no {SCHEMA}; {_WAY_OUT}")
    return found
