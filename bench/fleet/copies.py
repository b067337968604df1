"""A journal's copy beside the driver: a prefix of the one that a machine writes, so that nothing comes twice."""

import io
import os
import re
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import final

from bench.errors import BenchError, ResultsError
from bench.files import explained, make_folder, write_whole
from bench.records.journal import utc_now
from bench.records.lines import JOURNAL
from bench.records.loading import load
from bench.records.lock import LOCK, RunLock
from bench.records.stored_run import Run

_RUN = re.compile(r"\d{8}-\d{6}-[a-z0-9-]+")


@final
class Copy:
    """The copy of one run's journal; it holds the run's lock, as whoever writes a journal does."""

    def __init__(self, results: Path, run: str) -> None:
        """Make the run's folder, or go on with it; what was not written to the end of its line is cut off.

        Raises:
            ResultsError: If the name is none of a run, or another process writes to it.
            FileTrouble: If it cannot be written.
        """
        if not _RUN.fullmatch(run):
            raise ResultsError(f"{run!r}: a machine calls a run so, and no run is called like that")
        self.folder = results / run
        self._path = self.folder / JOURNAL
        make_folder(self.folder / "logs")
        self._lock = RunLock(self.folder, now=utc_now)
        self._read: tuple[int, Run] | None = None
        content = self.content()
        self.length = content.rfind(b"\n") + 1
        if self.length < len(content):
            with explained(self._path):
                os.truncate(self._path, self.length)

    def content(self) -> bytes:
        """Return what there is so far."""
        with explained(self._path, doing="read"):
            return self._path.read_bytes() if self._path.exists() else b""

    def append(self, lines: bytes, *, at: int) -> None:
        """Write whole lines that begin at this byte of the machine's journal, and wait until the disk has them.

        Lines that are here already are passed over.

        Raises:
            ResultsError: If lines before them are missing.
            FileTrouble: If they cannot be written.
        """
        if at > self.length:
            raise ResultsError(f"{self._path}: {at - self.length:,} bytes before the next line have not arrived")
        new = lines[self.length - at :]
        if not new:
            return
        with explained(self._path), self._path.open("ab", buffering=0) as file:
            try:
                rest = memoryview(new)
                while rest:
                    rest = rest[file.write(rest) or 0 :]
                os.fsync(file.fileno())
            except BaseException:
                with suppress(OSError):
                    file.truncate(self.length)
                raise
        self.length += len(new)

    def put_beside(self, archived: bytes) -> None:
        """Write what else a run has left, such as logs and tables; the journal is never touched.

        Raises:
            FileTrouble: If it cannot be written.
        """
        with zipfile.ZipFile(io.BytesIO(archived)) as archive:
            for name in archive.namelist():
                place = PurePosixPath(name)
                if place.is_absolute() or ".." in place.parts or place.name in {JOURNAL, LOCK, ""}:
                    continue
                make_folder((self.folder / place).parent)
                write_whole(self.folder / place, archive.read(name))

    @property
    def trials(self) -> int:
        """How many trials are stored; none where it cannot be read yet."""
        run = self._run()
        return 0 if run is None else len(run.trials)

    @property
    def complete(self) -> bool:
        """Whether the run has come to its end."""
        run = self._run()
        return run is not None and run.complete

    def _run(self) -> Run | None:
        """Return the run as far as it has arrived, read once for each length; None where it cannot be read yet."""
        if self._read is None or self._read[0] != self.length:
            try:
                self._read = self.length, load(self.folder)
            except BenchError:
                return None
        return self._read[1]

    def release(self) -> None:
        """Let others write to the run."""
        self._lock.release()
