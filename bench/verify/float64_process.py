"""The processes that train in float64, from the outside: which backend stands beside which, one for many loops."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import final

from bench.records.cell import Side
from bench.sides.launcher import Launcher
from bench.units import Seconds
from bench.verify.float64 import REHEARSAL
from bench.worker import messages
from bench.worker.failure import NotRepeatable
from bench.worker.process import WorkerFailed, WorkerProcess

BESIDE = {
    "tensorflow": ("torch", "jax", "tensorflow"),
    "torch": ("tensorflow", "jax", "torch"),
    "jax": ("torch", "tensorflow", "jax"),
}
"""Backend of a loop -> backends to hold it against, the first that can: another one, so that forward pass, gradients
and update are other code; its own, run eagerly, only where no other is installed or can run the model. JAX comes after
the others because it compiles each operation by itself when it runs eagerly, which takes 20 s for a small model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the reference says of a loop."""

    reference: str
    """The backend that it ran on."""
    found: messages.Replayed


class NoReference(Exception):
    """No backend can train this model in float64; the message says why not."""


@final
class References:
    """One process per workload and backend, begun when it is first asked for."""

    def __init__(
        self,
        *,
        launcher: Launcher,
        digits: str,
        logs: Path,
        threads: int,
        timeout: Seconds,
        started: Callable[[WorkerProcess], None],
    ) -> None:
        """Remember what all have in common.

        Args:
            launcher: Prepares the processes.
            digits: Folder with the decoded arrays.
            logs: Folder for what they print.
            threads: Per process.
            timeout: Longest wait for one answer.
            started: Told of each process, so that all can be ended at once.
        """
        self._launcher = launcher
        self._digits = digits
        self._logs = logs
        self._threads = threads
        self._timeout = timeout
        self._started = started
        self._references: dict[tuple[str, str, str], _Reference] = {}
        self._lock = Lock()

    def hold(
        self, recording: Path, *, source: str, backend: str, side: Side | None, prepared: str | None = None
    ) -> Answer:
        """Hold a loop against the float64 training of its model.

        Args:
            recording: Folder with what it showed.
            source: Name of a workload, or a file with a model.
            backend: The loop's.
            side: The environment that it ran in.
            prepared: Folder with what was prepared of a user's workload.

        Raises:
            NoReference: If no backend can train the model; says why not.
            WorkerFailed: If comparing this loop failed.
        """
        request = messages.Replay(recording=str(recording), source=source, prepared=prepared)
        reasons = []
        for beside in BESIDE[backend]:
            reference = self._reference(beside, source=source, side=side)
            with reference.lock:
                if reference.why_not is None:
                    found = self._replay(reference, beside, request=request, side=side)
                    if found is not None:
                        return Answer(reference=beside, found=found)
                reasons.append(f"{beside}: {reference.why_not}")
        raise NoReference("; ".join(reasons))

    def end(self) -> None:
        """End every process; allowed more than once, and while others are asked for, which whoever is told ends."""
        with self._lock:
            known = list(self._references.values())
        for reference in known:
            if reference.process is not None:
                reference.process.end()
                reference.process = None

    def _reference(self, beside: str, *, source: str, side: Side | None) -> "_Reference":
        """Return what is known of a backend and a workload."""
        key = (beside, source, "" if side is None else side.name)
        with self._lock:
            return self._references.setdefault(key, _Reference())

    def _replay(
        self, reference: "_Reference", beside: str, *, request: messages.Replay, side: Side | None
    ) -> messages.Replayed | None:
        """Return an answer, or None if this backend turned out not to be able to train the model.

        Raises:
            WorkerFailed: If it is able to, and still failed.
        """
        if reference.refused is not None:
            raise reference.refused
        try:
            if reference.process is None:
                reference.process = self._start(beside, source=request.source, side=side)
            reference.process.send(request)
            return reference.process.receive(messages.Replayed)
        except WorkerFailed as failed:
            reference.process = None
            failure = failed.failure
            if failure.phase == REHEARSAL and failure.message.startswith(NotRepeatable.__name__):
                reference.refused = failed  # so would every other backend
            if failure.phase not in {"start", "import", REHEARSAL} or reference.refused is not None:
                raise
            reference.why_not = failure.message
            return None

    def _start(self, beside: str, *, source: str, side: Side | None) -> WorkerProcess:
        """Start a process on the CPU: float64 is slow or missing on most accelerators."""
        name = Path(source).stem if side is None else f"{Path(source).stem}-{side.name}"
        process = WorkerProcess(
            "bench.verify.float64_child",
            interpreter=self._launcher.interpreter(beside, side=side),
            environment=self._launcher.environment(backend=beside, device="cpu", threads=self._threads, side=side),
            log=self._logs / f"verify-float64-{beside}-{name}.log",
            timeout=self._timeout,
        )
        self._started(process)
        process.send(
            messages.CheckSettings(backend=beside, device="cpu", threads=self._threads, digits=self._digits, seed=0)
        )
        return process


@dataclass(kw_only=True, slots=True, eq=False)
class _Reference:
    """One backend that may train one workload."""

    lock: Lock = field(default_factory=Lock)
    """Held while it answers: several loops may ask at the same time."""
    process: WorkerProcess | None = None
    why_not: str | None = None
    """What failed, if it cannot."""
    refused: WorkerFailed | None = None
    """Why nothing can: the model is not the same each time."""
