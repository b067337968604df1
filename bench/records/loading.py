"""A journal read back: each line in today's schema, and nothing in it that cannot be."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.errors import FileTrouble, InvalidResult, ResultsError
from bench.files import open_regular, way_out
from bench.records import upgrade
from bench.records.cell import CALIBRATION, Cell
from bench.records.lines import (
    JOURNAL,
    ConditionsLine,
    EndLine,
    ExpectationLine,
    ExtensionLine,
    HeaderLine,
    LeastStepLine,
    Line,
    RetryLine,
    TrialLine,
    VerificationLine,
)
from bench.records.stored_run import SCHEMA_VERSION, Run, RunEnd
from bench.records.trial import Trial
from bench.records.validation import Contents, wrong_values

LARGEST_BYTES = 2**29
"""Of a journal; the largest runs so far take a hundredth of it."""
WAY_OUT = "correct the line, or move the run's folder away"


def load(folder: Path) -> Run:
    """Read a run back from its journal.

    A last line without its end, as a killed harness leaves it, is passed over: the trial it belongs to was not done.

    Raises:
        ResultsError: If there is no journal.
        FileTrouble: If it cannot be read.
        InvalidResult: If a line is not what the schema says, or holds what cannot be; names file, line and field.
    """
    path = folder / JOURNAL
    lines = list(_lines_of(_bytes_of(path), path=path))
    if not lines:
        raise InvalidResult(f"{path}: the first line with the run's header is missing; {WAY_OUT}")
    return _run_of(lines)


def _bytes_of(path: Path) -> bytes:
    """Read a journal's file.

    Raises:
        ResultsError: If there is none, or it cannot be read.
        InvalidResult: If it is larger than any run is.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST_BYTES:
                raise InvalidResult(f"{path}: {size:,} bytes are more than a run takes; {WAY_OUT}")
            return file.read(LARGEST_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ResultsError(f"{path}: no such run ({error.strerror}); see 'bench list runs'") from error
    except OSError as error:
        raise FileTrouble(f"{path}: cannot be read ({error.strerror}); {way_out(error)}") from error


def _lines_of(text: bytes, *, path: Path) -> Iterator[Line]:
    """Yield the lines of a journal in today's schema, each of which may stand where it does.

    Raises:
        InvalidResult: If one cannot be read, or says what cannot be; names file, line and field.
    """
    contents: Contents | None = None
    written: _Header | None = None
    for number, whole in _whole_lines(text):
        where = f"{path}:{number}"
        written = written or _header(whole, where=where)
        for line in _decode(whole, where=where, written=written):
            if contents is None:
                if not isinstance(line, HeaderLine):
                    raise InvalidResult(f"{path}: the first line with the run's header is missing; {WAY_OUT}")
                contents = Contents(line.run)
            elif isinstance(line, HeaderLine):
                raise InvalidResult(f"{where}: $.run: a second header, so two runs were put together; {WAY_OUT}")
            for wrong in _wrong(line, contents=contents):
                raise InvalidResult(f"{where}: {wrong}; {WAY_OUT}")
            yield line


def _run_of(lines: Sequence[Line]) -> Run:
    """Return the run that a journal's lines tell."""
    (header,) = (line.run for line in lines if isinstance(line, HeaderLine))
    trials = _rows_that_count(lines)
    end: RunEnd | None = None
    for line in lines:
        if isinstance(line, EndLine):
            end = line.end
        elif isinstance(line, ExtensionLine):  # it has begun anew, and may not have come to its end
            header, end = replace(header, plan=replace(header.plan, rounds=line.extension.rounds)), None
    return Run(
        header=header,
        trials=tuple(trial for trial in trials if trial.cell.side != CALIBRATION),
        calibration=tuple(trial for trial in trials if trial.cell.side == CALIBRATION),
        verifications=tuple(line.verification for line in lines if isinstance(line, VerificationLine)),
        conditions=tuple(line.conditions for line in lines if isinstance(line, ConditionsLine)),
        expectations=tuple(line.expectation for line in lines if isinstance(line, ExpectationLine)),
        least_steps=tuple(line.least_step for line in lines if isinstance(line, LeastStepLine)),
        end=end,
    )


def _rows_that_count(lines: Sequence[Line]) -> list[Trial]:
    """Return the trials in the order in which they were stored, without those that were set aside."""
    rows: dict[tuple[Cell, int], Trial] = {}
    for line in lines:
        if isinstance(line, TrialLine):
            rows[line.trial.cell, line.trial.round] = line.trial
        elif isinstance(line, RetryLine):
            rows.pop((line.retry.cell, line.retry.round), None)
    return list(rows.values())


def _whole_lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that were written to their end, with their numbers."""
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        if line.strip():
            yield number, line


def _header(line: bytes, *, where: str) -> "_Header | None":
    """Read the part of a header that comes before anything else; None where a line is another one.

    Raises:
        InvalidResult: If the line cannot be read, or was written by a version of the schema that is not known.
    """
    found: _Header | None = _read(lambda: _read_version(line).run, where=where)
    if found is not None and not upgrade.OLDEST <= found.schema_version <= SCHEMA_VERSION:
        raise InvalidResult(
            f"{where}: schema version {found.schema_version}, this tool reads {upgrade.OLDEST} to {SCHEMA_VERSION}; "
            "read it with the version of the tool that wrote it"
        )
    return found


def _decode(line: bytes, *, where: str, written: "_Header | None") -> list[Line]:
    """Read one line in today's schema.

    Raises:
        InvalidResult: If it cannot be read.
    """
    if written is None or written.schema_version == SCHEMA_VERSION:
        return [_read(lambda: _read_line(line), where=where)]
    tracks = dict.fromkeys(cell.track for cell in written.plan.cells)
    raw = _read(lambda: msgspec.json.decode(line), where=where)
    today = upgrade.upgraded(raw, version=written.schema_version, tracks=tracks)
    lines: list[Line] = _read(lambda: msgspec.convert(today, type=list[Line]), where=where)
    return lines


def _read(read: Callable[[], Any], *, where: str) -> Any:
    """Return what is read.

    Raises:
        InvalidResult: If it cannot be.
    """
    try:
        return read()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidResult(f"{where}: {error}; {WAY_OUT}") from error
    except (RecursionError, MemoryError) as error:
        raise InvalidResult(f"{where}: nested too deep; {WAY_OUT}") from error


def _wrong(line: Line, *, contents: Contents) -> Iterator[str]:
    """Yield what one line says that cannot be, by itself first."""
    content = {name: getattr(line, name) for name in line.__struct_fields__}
    for name, record in content.items():
        yield from wrong_values(record, at=f"$.{name}")
    if isinstance(line, HeaderLine):
        yield from contents.wrong_header(line.run)
    elif isinstance(line, TrialLine):
        yield from contents.wrong_trial(line.trial)
    elif isinstance(line, RetryLine):
        yield from contents.wrong_retry(line.retry)
    elif isinstance(line, ExtensionLine):
        yield from contents.wrong_extension(line.extension)
    elif isinstance(line, VerificationLine):
        yield from contents.wrong_verification(line.verification)
    elif isinstance(line, ExpectationLine):
        yield from contents.wrong_expectation(line.expectation)


class _Track(msgspec.Struct, frozen=True):
    """The part of a cell that upgrading asks for."""

    track: str


class _Plan(msgspec.Struct, frozen=True):
    """The part of a plan that upgrading asks for."""

    cells: list[_Track]


class _Header(msgspec.Struct, frozen=True):
    """The part of a header that is read before anything else."""

    schema_version: int
    plan: _Plan


class _Versioned(msgspec.Struct, frozen=True):
    """The part of a line that is read before anything else."""

    kind: Literal[
        "run",
        "verification",
        "trial",
        "retry",
        "conditions",
        "expectation",
        "floor",
        "least-step",
        "extension",
        "end",
    ]
    run: _Header | None = None


_read_version = msgspec.json.Decoder(_Versioned).decode
_read_line = msgspec.json.Decoder(Line).decode
