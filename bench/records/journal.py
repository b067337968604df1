"""Runs on disk: an append-only journal, and a manifest and tables derived from it.

results/<run-id>/journal.jsonl    header, one line per trial as it ends, end; never edited
                 manifest.json    the header and the end, written last
                 trials.csv, .parquet, blocks.csv, .parquet
                 logs/            what each trial's process printed

Here a journal is written and found; `bench.records.loading` reads it back.
"""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

import msgspec

from bench import redaction
from bench.errors import BenchError, FileTrouble, ResultsError, UsageError
from bench.files import explained, make_folder, way_out, write_whole
from bench.records.cell import Cell
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
from bench.records.loading import load
from bench.records.lock import RunLock
from bench.records.stored_run import Conditions, Extension, LeastStep, Run, RunEnd, RunHeader
from bench.records.trial import Retry, Trial
from bench.records.validation import (
    Contents,
    storable_expectation,
    storable_trial,
    storable_verification,
    wrong_values,
)
from bench.records.verification import Expectation, Verification

MANIFEST = "manifest.json"


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
        self._rows = set[tuple[Cell, int]]()

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

    def add(self, trial: Trial) -> Trial:
        """Write one trial, and return it as it can be read back: what cannot be stored is a failure.

        Raises:
            ResultsError: If there is a row of its cell and round.
        """
        if (trial.cell, trial.round) in self._rows:
            raise ResultsError(
                f"{self.folder / JOURNAL}: has a row of {trial.cell} in round {trial.round + 1} already; "
                "no second one is written, see whether another process writes to this run"
            )
        row = storable_trial(trial)
        self._append(TrialLine(trial=row))
        self._rows.add((row.cell, row.round))
        return row

    def set_aside(self, failed: Trial) -> None:
        """Have a failed row count no more, so that its cell is tried again; the row itself stays where it is."""
        self._append(RetryLine(retry=Retry(cell=failed.cell, round=failed.round)))
        self._rows.discard((failed.cell, failed.round))

    def extend(self, *, rounds: int, command: str) -> None:
        """Have the run go on for so many rounds in all."""
        self._append(ExtensionLine(extension=Extension(rounds=rounds, command=command, started=utc_now())))

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

    def end(self, *, complete: bool) -> RunEnd:
        """Write the last line, and return it."""
        end = RunEnd(ended=utc_now(), complete=complete)
        self._append(EndLine(end=end))
        return end

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
