"""Runs on disk: an append-only journal, and a manifest and tables derived from it.

results/<run-id>/journal.jsonl    header, one line per trial as it ends, end; never edited
                 manifest.json    the header and the end, written last
                 trials.csv, .parquet, blocks.csv, .parquet
                 logs/            what each trial's process printed
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, final

import msgspec

from bench.errors import InvalidResult, ResultsError
from bench.records import upgrade
from bench.records.cell import CALIBRATION
from bench.records.stored_run import SCHEMA_VERSION, Conditions, LeastStep, Run, RunEnd, RunHeader
from bench.records.trial import Trial
from bench.records.verification import Expectation, Verification

JOURNAL = "journal.jsonl"
MANIFEST = "manifest.json"


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


class EndLine(msgspec.Struct, tag_field="kind", tag="end", frozen=True):
    """Last line; after `--resume` there may be more than one, and the last one counts."""

    end: RunEnd


Line = HeaderLine | VerificationLine | TrialLine | ConditionsLine | ExpectationLine | LeastStepLine | EndLine


def utc_now() -> str:
    """Return the time of day as it is stored."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@final
class Journal:
    """Appends lines that survive whatever comes after them."""

    def __init__(self, folder: Path) -> None:
        """Write to the journal of this run's folder."""
        self.folder = folder

    @classmethod
    def create(cls, results: Path, *, header: RunHeader) -> "Journal":
        """Make the run's folder and write the first line.

        Raises:
            ResultsError: If the folder cannot be made or written.
        """
        journal = cls(results / header.run_id)
        try:
            (journal.folder / "logs").mkdir(parents=True)
            journal._append(HeaderLine(run=header))
        except OSError as error:
            raise ResultsError(
                f"{journal.folder}: cannot write results ({error.strerror}); choose another --results-dir"
            ) from error
        return journal

    def add(self, trial: Trial) -> None:
        """Write one trial."""
        self._append(TrialLine(trial=trial))

    def add_verification(self, verification: Verification) -> None:
        """Write what a check found."""
        self._append(VerificationLine(verification=verification))

    def add_expectation(self, expectation: Expectation) -> None:
        """Write what timed trials are held against."""
        self._append(ExpectationLine(expectation=expectation))

    def add_conditions(self, conditions: Conditions) -> None:
        """Write what else the machine did during a round."""
        self._append(ConditionsLine(conditions=conditions))

    def add_least_step(self, least_step: LeastStep) -> None:
        """Write the least time that a step can take."""
        self._append(LeastStepLine(least_step=least_step))

    def end(self, *, complete: bool) -> None:
        """Write the last line."""
        self._append(EndLine(end=RunEnd(ended=utc_now(), complete=complete)))

    def log_path(self, *, round_number: int, cell: object) -> Path:
        """Return where a trial's output goes."""
        return self.folder / "logs" / f"round-{round_number}-{cell}.log"

    def _append(self, line: Line) -> None:
        """Write one whole line and wait until the disk has it."""
        with (self.folder / JOURNAL).open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())


def load(folder: Path) -> Run:
    """Read a run back from its journal.

    A last line without its end, as a killed harness leaves it, is passed over: the trial it belongs to was not done.

    Raises:
        ResultsError: If there is no journal.
        InvalidResult: If a line is not what the schema says; names file, line and field.
    """
    path = folder / JOURNAL
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ResultsError(f"{path}: no such run ({error.strerror}); see 'bench list runs'") from error
    lines = list(_decoded(text, path=path))
    headers = [line.run for line in lines if isinstance(line, HeaderLine)]
    if not headers:
        raise InvalidResult(f"{path}: the first line with the run's header is missing")
    trials = [line.trial for line in lines if isinstance(line, TrialLine)]
    ends = [line.end for line in lines if isinstance(line, EndLine)]
    return Run(
        header=headers[-1],
        trials=tuple(trial for trial in trials if trial.cell.side != CALIBRATION),
        calibration=tuple(trial for trial in trials if trial.cell.side == CALIBRATION),
        verifications=tuple(line.verification for line in lines if isinstance(line, VerificationLine)),
        conditions=tuple(line.conditions for line in lines if isinstance(line, ConditionsLine)),
        expectations=tuple(line.expectation for line in lines if isinstance(line, ExpectationLine)),
        least_steps=tuple(line.least_step for line in lines if isinstance(line, LeastStepLine)),
        end=ends[-1] if ends else None,
    )


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
    replace(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def replace(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it, so that nobody sees half of it."""
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_bytes(content)
    temporary.replace(path)


def _whole_lines(text: bytes) -> Iterator[bytes]:
    """Yield the lines that were written to their end."""
    for line in text.splitlines(keepends=True):
        if line.endswith(b"\n") and line.strip():
            yield line


def _decoded(text: bytes, *, path: Path) -> Iterator[Line]:
    """Yield the lines of a journal in today's schema.

    Raises:
        InvalidResult: If one cannot be read, or was written by a version of the schema that is not known.
    """
    version, tracks = SCHEMA_VERSION, []
    for number, line in enumerate(_whole_lines(text), start=1):
        try:
            header = msgspec.json.decode(line, type=_Versioned).run
            if header is not None:
                version = header.schema_version
                tracks = list(dict.fromkeys(cell.track for cell in header.plan.cells))
                if not upgrade.OLDEST <= version <= SCHEMA_VERSION:
                    known = f"{upgrade.OLDEST} to {SCHEMA_VERSION}"
                    raise InvalidResult(f"{path}:{number}: schema version {version}, this tool reads {known}")
            if version == SCHEMA_VERSION:
                yield msgspec.json.decode(line, type=Line)
            else:
                for one in upgrade.upgraded(msgspec.json.decode(line), version=version, tracks=tracks):
                    yield msgspec.convert(one, type=Line)
        except msgspec.DecodeError as error:
            raise InvalidResult(f"{path}:{number}: {error}") from error


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

    kind: Literal["run", "verification", "trial", "conditions", "expectation", "floor", "least-step", "end"]
    run: _Header | None = None
