"""Runs on disk: an append-only journal, and a manifest and tables derived from it.

results/<run-id>/journal.jsonl    header, one line per trial as it ends, end; never edited
                 manifest.json    the header and the end, written last
                 trials.csv, .parquet, blocks.csv, .parquet
                 logs/            what each trial's process printed
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, final

import msgspec

from bench import redaction
from bench.errors import BenchError, FileTrouble, InvalidResult, ResultsError, UsageError
from bench.files import explained, make_folder, way_out, write_whole
from bench.records import upgrade
from bench.records.cell import CALIBRATION, Cell
from bench.records.lock import RunLock
from bench.records.stored_run import SCHEMA_VERSION, Conditions, LeastStep, Run, RunEnd, RunHeader
from bench.records.trial import Retry, Trial
from bench.records.validation import (
    Contents,
    storable_expectation,
    storable_trial,
    storable_verification,
    wrong_values,
)
from bench.records.verification import Expectation, Verification

JOURNAL = "journal.jsonl"
MANIFEST = "manifest.json"
LARGEST_BYTES = 2**29
"""Of a journal; the largest runs so far take a hundredth of it."""
WAY_OUT = "correct the line, or move the run's folder away"


class HeaderLine(msgspec.Struct, tag_field="kind", tag="run", frozen=True):
    """First line of a journal."""

    run: RunHeader


class TrialLine(msgspec.Struct, tag_field="kind", tag="trial", frozen=True):
    """One trial."""

    trial: Trial


class VerificationLine(msgspec.Struct, tag_field="kind", tag="verification", frozen=True):
    """What the check of a loop against the reference found."""

    verification: Verification


class ExpectationLine(msgspec.Struct, tag_field="kind", tag="expectation", frozen=True):
    """What timed trials are held against."""

    expectation: Expectation


class LeastStepLine(msgspec.Struct, tag_field="kind", tag="least-step", frozen=True):
    """The least time that a step can take on this machine, measured before the first round."""

    least_step: LeastStep


class ConditionsLine(msgspec.Struct, tag_field="kind", tag="conditions", frozen=True):
    """What else the machine did during a round."""

    conditions: Conditions


class RetryLine(msgspec.Struct, tag_field="kind", tag="retry", frozen=True):
    """A failed row that does not count any more."""

    retry: Retry


class EndLine(msgspec.Struct, tag_field="kind", tag="end", frozen=True):
    """Last line; after `--resume` there may be more than one, and the last one counts."""

    end: RunEnd


Line = (
    HeaderLine | VerificationLine | TrialLine | RetryLine | ConditionsLine | ExpectationLine | LeastStepLine | EndLine
)


def utc_now() -> str:
    """Return the time of day as it is stored."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@final
class Journal:
    """Appends lines that survive whatever comes after them; one process at a time, which holds a lock."""

    def __init__(self, folder: Path) -> None:
        """Write to the journal of this run's folder, from the first line on."""
        self.folder = folder
        self._lock: RunLock | None = None
        self._rows: set[tuple[Cell, int]] = set()

    @classmethod
    def create(cls, results: Path, *, header: RunHeader) -> "Journal":
        """Make the run's folder and write the first line; if that fails, the folder is gone again.

        Raises:
            UsageError: If what was asked for cannot be stored; names field and value.
            FileTrouble: If the folder cannot be made or written.
        """
        for wrong in (*wrong_values(header, at="$.run"), *Contents.wrong_header(header)):
            raise UsageError(f"this run cannot be stored: {wrong}; choose other options")
        journal = cls(results / header.run_id)
        make_folder(results)
        with explained(journal.folder, doing="made"):
            journal.folder.mkdir()
        try:
            make_folder(journal.folder / "logs")
            journal._lock = RunLock(journal.folder, now=utc_now)
            journal._append(HeaderLine(run=header))
        except BenchError:
            shutil.rmtree(journal.folder, ignore_errors=True)
            raise
        return journal

    @classmethod
    def reopen(cls, folder: Path, *, tell: Callable[[str], None]) -> tuple["Journal", Run]:
        """Go on with a run: take its lock, cut a torn last line off, and return what is stored.

        Args:
            folder: The run's.
            tell: Is told in one line what was cut off.

        Raises:
            ResultsError: If another process writes to it.
            InvalidResult: If a line is not what the schema says.
            FileTrouble: If it cannot be written.
        """
        load(folder)  # what is no run is left alone
        journal = cls(folder)
        journal._lock = RunLock(folder, now=utc_now)
        journal._cut_torn_line(tell)
        run = load(folder)  # again: another process may have gone on with it until the lock was free
        journal._rows = {(trial.cell, trial.round) for trial in (*run.trials, *run.calibration)}
        return journal, run

    def add(self, trial: Trial) -> None:
        """Write one trial.

        Raises:
            ResultsError: If there is a row of its cell and round.
        """
        if (trial.cell, trial.round) in self._rows:
            raise ResultsError(
                f"{self.folder / JOURNAL}: has a row of {trial.cell} in round {trial.round + 1} already; "
                "no second one is written, see whether another process writes to this run"
            )
        self._append(TrialLine(trial=storable_trial(trial)))
        self._rows.add((trial.cell, trial.round))

    def set_aside(self, failed: Trial) -> None:
        """Have a failed row count no more, so that its cell is tried again; the row itself stays where it is."""
        self._append(RetryLine(retry=Retry(cell=failed.cell, round=failed.round)))
        self._rows.discard((failed.cell, failed.round))

    def add_verification(self, verification: Verification) -> None:
        """Write what a check found."""
        self._append(VerificationLine(verification=storable_verification(verification)))

    def add_expectation(self, expectation: Expectation) -> None:
        """Write what timed trials are held against; nothing, where the reference itself has left the numbers."""
        storable = storable_expectation(expectation)
        if storable is not None:
            self._append(ExpectationLine(expectation=storable))

    def add_conditions(self, conditions: Conditions) -> None:
        """Write what else the machine did during a round."""
        self._append(ConditionsLine(conditions=conditions))

    def add_least_step(self, least_step: LeastStep) -> None:
        """Write the least time that a step can take."""
        self._append(LeastStepLine(least_step=least_step))

    def end(self, *, complete: bool) -> None:
        """Write the last line."""
        self._append(EndLine(end=RunEnd(ended=utc_now(), complete=complete)))

    def release(self) -> None:
        """Let others write to this run."""
        if self._lock is not None:
            self._lock.release()

    def log_path(self, *, round_number: int, cell: object) -> Path:
        """Return where a trial's output goes."""
        return self.folder / "logs" / f"round-{round_number}-{cell}.log"

    def _append(self, line: Line) -> None:
        """Write one whole line and wait until the disk has it; if that fails, nothing of it is left.

        Raises:
            FileTrouble: If it cannot be written.
        """
        path = self.folder / JOURNAL
        rest = memoryview(_encoded(redaction.redacted(msgspec.to_builtins(line))) + b"\n")
        again = f"then go on with: bench run --resume {self.folder.name}"
        with ExitStack() as opened:
            try:
                file = opened.enter_context(path.open("ab", buffering=0))
                before = file.seek(0, os.SEEK_END)
                try:
                    while rest:
                        rest = rest[file.write(rest) or 0 :]
                    os.fsync(file.fileno())
                except BaseException:
                    with suppress(OSError):
                        file.truncate(before)
                    raise
            except OSError as error:
                raise FileTrouble(
                    f"{path}: cannot be written ({error.strerror or error}); {way_out(error)}, {again}"
                ) from error

    def _cut_torn_line(self, tell: Callable[[str], None]) -> None:
        """Have the journal end with its last whole line."""
        path = self.folder / JOURNAL
        with explained(path), path.open("r+b") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole == len(content):
                return
            file.truncate(whole)
            os.fsync(file.fileno())
        lost = len(content) - whole
        tell(f"warning: {path}: the last line was not written to its end; cut back by {lost:,} bytes")


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
        with path.open("rb") as file:
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
        written = _header(whole, where=where) or written
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
    ends = [line.end for line in lines if isinstance(line, EndLine)]
    return Run(
        header=header,
        trials=tuple(trial for trial in trials if trial.cell.side != CALIBRATION),
        calibration=tuple(trial for trial in trials if trial.cell.side == CALIBRATION),
        verifications=tuple(line.verification for line in lines if isinstance(line, VerificationLine)),
        conditions=tuple(line.conditions for line in lines if isinstance(line, ConditionsLine)),
        expectations=tuple(line.expectation for line in lines if isinstance(line, ExpectationLine)),
        least_steps=tuple(line.least_step for line in lines if isinstance(line, LeastStepLine)),
        end=ends[-1] if ends else None,
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


def find(results: Path, run: str | None = None) -> Path:
    """Return the folder of a run given by path, by run-id, by a unique beginning of it, or the newest.

    Raises:
        ResultsError: If there is none, or more than one.
    """
    if run is not None and (Path(run) / JOURNAL).exists():
        return Path(run)
    matches = [folder for folder in runs(results) if run is None or folder.name.startswith(run)]
    if not matches:
        what = "no run is stored" if run is None else f"there is no run '{run}'"
        raise ResultsError(f"{results}: {what}; see 'bench list runs'")
    if run is not None and len(matches) > 1 and run not in {folder.name for folder in matches}:
        raise ResultsError(f"'{run}' could be any of {', '.join(folder.name for folder in matches)}")
    return next((folder for folder in matches if folder.name == run), matches[-1])


def runs(results: Path) -> list[Path]:
    """Return the folders of stored runs, oldest first."""
    return sorted(path.parent for path in results.glob(f"*/{JOURNAL}"))


def write_manifest(run: Run, *, folder: Path) -> None:
    """Write the header and the end once more as one readable file; its existence means that the run was closed."""
    manifest = {"run": run.header, "end": run.end, "trials": len(run.trials)}
    write_whole(folder / MANIFEST, msgspec.json.format(_encoded(manifest), indent=2) + b"\n")


def _encoded(content: Any) -> bytes:
    """Return content as JSON; halves of characters, such as the system gives for undecodable names, become "?"."""
    try:
        return msgspec.json.encode(content)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(content), ensure_ascii=False).encode("utf-8", "replace")


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
    found: _Header | None = _read(lambda: msgspec.json.decode(line, type=_Versioned).run, where=where)
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
        return [_read(lambda: msgspec.json.decode(line, type=Line), where=where)]
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

    kind: Literal["run", "verification", "trial", "retry", "conditions", "expectation", "floor", "least-step", "end"]
    run: _Header | None = None
