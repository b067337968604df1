"""The end of a campaign on one machine: lays out what was sent, starts the run, hands its journal over as it grows.

A cluster carries this module over as it is, to machines that may have no `bench`: it imports the standard library, and
what it lays out. Answers are plain dicts and bytes for the same reason.
"""

import io
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, final

JOURNAL = "journal.jsonl"
MOST_BESIDE = 2**27
"""Bytes of logs, tables and traces that come back beside a journal."""
A_LOOK = 0.5
"""Seconds between two looks at a journal: a look is one call of the system, so that it disturbs no measurement."""
IN_ORDER = 2.0
"""Seconds that a run has to close its journal when it is to end."""
FACTS_WITHIN = 60.0
_KEPT_HERE = ("BENCH_CACHE_DIR", "BENCH_STATE_DIR")
"""Say where a machine keeps things, and are its own."""


@final
class OnNode:
    """What the driver asks of one machine. Several threads may call it at once."""

    def __init__(self) -> None:
        """Nothing is laid out."""
        self._root: Path | None = None
        self._kept: Any = None
        self._held = -1
        self._lock = threading.Lock()

    def facts(self, parcel: bytes) -> dict[str, Any]:
        """Return the machine's passport as `bench env` tells it, or in "trouble" why there is none."""
        with tempfile.TemporaryDirectory(prefix="bench-facts-") as folder:
            _lay_out(parcel, Path(folder))
            try:
                done = subprocess.run(
                    [sys.executable, "-m", "bench", "env", "--format", "json"],
                    cwd=Path(folder) / "files",
                    env=_environment({}, source=Path(folder) / "source"),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=FACTS_WITHIN,
                    check=True,
                )
                return dict(json.loads(done.stdout))
            except subprocess.CalledProcessError as error:
                lines = str(error.stderr).strip().splitlines()
                return {"trouble": lines[-1] if lines else f"it ended with {error.returncode}"}
            except (OSError, subprocess.TimeoutExpired, ValueError) as error:
                return {"trouble": str(error)}

    def begin(self, parcel: bytes, job: dict[str, Any]) -> dict[str, Any]:
        """Start a run, or go on with one.

        Args:
            parcel: What `bench.fleet.travel` packed.
            job: "campaign" and "work", which name a folder; "options" to type; and, of a run that is gone on with, its
                name, "run", and its "journal" as far as the driver has it.
        """
        root = _own_folder(job["campaign"], job["work"])
        self._root = root
        for part in ("source", "files"):
            shutil.rmtree(root / part, ignore_errors=True)
        _lay_out(parcel, root)
        order = json.loads((root / "order.json").read_bytes())
        results = root / "results"
        options = ["--results-dir", str(results), "--no-report", *job["options"]]
        if job["run"] is None:
            shutil.rmtree(results, ignore_errors=True)
            words = [*options, *order["words"]]
        else:
            _as_far_as_known(results / job["run"], journal=job["journal"])
            words = ["--resume", job["run"], "--yes", *options]
        results.mkdir(exist_ok=True)
        environment = _environment(order["variables"], source=root / "source")
        self._start([sys.executable, "-m", "bench", "run", *words], environment=environment, root=root)
        return {}

    def step_aside(self) -> None:
        """Leave the processors to the run, which has begun: Ray's part of this process wakes a hundred times a second.

        What is started from now on would step aside too.
        """
        from bench.machine import cpus  # noqa: PLC0415 - from what was sent

        cpus.step_aside(os.getpid())

    def news(self, known: int, heard: int, *, patience: float) -> dict[str, Any]:
        """Return what is new, as soon as there is something or the patience, in seconds, is over.

        Args:
            known: Bytes of the journal that the driver has.
            heard: Bytes of standard error that it has.
            patience: Longest wait.
        """
        deadline = time.monotonic() + patience
        while True:
            found = self._look(known, heard)
            if found["lines"] or found["said"] or found["code"] is not None or time.monotonic() >= deadline:
                return found
            time.sleep(A_LOOK)

    def _look(self, known: int, heard: int) -> dict[str, Any]:
        """Return what is new now: how the run ended is asked first, so that nothing is written after the last look."""
        assert self._root is not None
        code = None if self._kept is None else self._kept.keeper.poll()
        journals = sorted((self._root / "results").glob(f"*/{JOURNAL}"))
        lines = _from(journals[0], known) if journals else b""
        return {
            "run": journals[0].parent.name if journals else None,
            "lines": lines[: lines.rfind(b"\n") + 1],
            "said": _from(self._root / "said.txt", heard),
            "code": code,
        }

    def beside(self) -> bytes:
        """Return what else a run has left, as a zip archive: logs, tables, traces; the largest stay where they are."""
        assert self._root is not None
        archived = io.BytesIO()
        left = MOST_BESIDE
        with zipfile.ZipFile(archived, "w", compression=zipfile.ZIP_DEFLATED) as archive:
            for folder in sorted((self._root / "results").glob("*")):
                files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
                for path in sorted(files, key=lambda path: path.stat().st_size):
                    left -= path.stat().st_size
                    if left >= 0 and path.name != JOURNAL and not path.name.startswith("."):
                        archive.write(path, path.relative_to(folder).as_posix())
        return archived.getvalue()

    def end(self, known: int, heard: int) -> dict[str, Any]:
        """End the run in order, or else at once, with all that it started, and return what is new then."""
        with self._lock:
            if self._kept is not None and self._kept.keeper.poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(self._kept.process_id, signal.SIGTERM)
                deadline = time.monotonic() + IN_ORDER
                while self._kept.keeper.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.05)
                self._kept.end()
            return self._look(known, heard)

    def clear(self) -> None:
        """Remove everything that was laid out."""
        if self._root is None:
            return
        self.end(0, 0)
        if self._held >= 0:
            os.close(self._held)
            self._held = -1
        shutil.rmtree(self._root, ignore_errors=True)
        with suppress(OSError):  # work of other machines may lie beside it
            self._root.parent.rmdir()

    def _start(self, command: list[str], *, environment: dict[str, str], root: Path) -> None:
        """Start a process that ends with this one, however this one ends."""
        sys.path.insert(0, str(root / "source"))
        from bench.machine.kept import Kept  # noqa: PLC0415 - from what was sent

        lifeline, self._held = os.pipe()
        try:
            with (root / "said.txt").open("wb") as said, (root / "printed.txt").open("wb") as printed:
                streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": printed, "stderr": said}
                self._kept = Kept(command, environment=environment, lifeline=lifeline, cwd=root / "files", **streams)
        finally:
            os.close(lifeline)


def _own_folder(campaign: str, work: str) -> Path:
    """Return the folder of one machine's work, the same whichever machine does it: a journal names paths in it."""
    above = Path(tempfile.gettempdir()) / f"bench-fleet-{os.getuid()}"
    above.mkdir(mode=0o700, exist_ok=True)
    found = above.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(f"{above}: somebody else could write to it; remove it")
    folder = above / campaign / f"at-{re.sub(r'[^A-Za-z0-9_.-]', '-', work)}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _lay_out(parcel: bytes, folder: Path) -> None:
    """Unpack what was sent."""
    (folder / "files").mkdir(exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(parcel)) as archive:
        archive.extractall(folder)


def _as_far_as_known(run: Path, *, journal: bytes) -> None:
    """Have a run's folder hold what the driver has of its journal; one that begins so and has more is left alone."""
    path = run / JOURNAL
    with suppress(OSError):
        if path.read_bytes().startswith(journal):
            return
    shutil.rmtree(run.parent, ignore_errors=True)
    (run / "logs").mkdir(parents=True)
    path.write_bytes(journal)


def _from(path: Path, start: int) -> bytes:
    """Return what a file holds from a place on; nothing where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read()
    except FileNotFoundError:
        return b""


def _environment(variables: dict[str, str], *, source: Path) -> dict[str, str]:
    """Return what a process sees: the machine's own environment, our source first on its path, and the options.

    It is that of the cluster's daemon, which has started this process: what a cluster sets for its own workers, such as
    OMP_NUM_THREADS and hidden GPUs, would change what is measured.
    """
    inherited = _of_process(os.getppid()) or dict(os.environ)
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(("RAY_", "BENCH_")) or name in _KEPT_HERE
    }
    path = os.pathsep.join(part for part in (str(source), kept.get("PYTHONPATH", "")) if part)
    return kept | variables | {"PYTHONPATH": path}


def _of_process(number: int) -> dict[str, str]:
    """Return the environment that a process was started with; none where the system does not say."""
    try:
        content = Path(f"/proc/{number}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (os.fsdecode(entry).partition("=") for entry in content.split(b"\0"))
    return {name: value for name, equals, value in pairs if equals}
