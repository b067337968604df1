"""Verification of loops: which are checked in which process, two at a time."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from threading import Lock
from typing import Any, final

from bench.records.cell import Side
from bench.records.trial import FailureKind
from bench.records.verification import Verification
from bench.sides.launcher import Launcher
from bench.units import Seconds
from bench.verify import peers
from bench.worker import messages
from bench.worker.process import WorkerFailed, WorkerProcess
from loops import registry

PROCESSES = 2
"""At a time: the work is importing and tracing, which keep one core busy each."""

THREADS = 1
"""Per process: batches are small, and threads of two processes only get into each other's way."""

WORTH_A_PROCESS = 8
"""Checks left, at least, for a second process of the same framework: by then its import has paid off."""

PACKAGES = ("keras", "tensorflow", "torch", "jax", "numpy")

Tell = Callable[[Verification], None]
"""Called with each result as it comes in, from the thread that got it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One loop and the workloads to check it on."""

    loop: str
    workloads: tuple[str, ...]
    backend: str | None = None
    """Its framework; None asks the registry here."""
    side: Side | None = None
    """The environment to check it in; None is this one."""
    prepared: Mapping[str, str] = field(default_factory=dict)
    """Workload -> folder, of those that users brought."""
    policy: str | None = None
    """Keras' dtype policy for those; None leaves it to the model."""


def verify(
    requests: Sequence[Request],
    *,
    digits: str,
    device: str,
    launcher: Launcher,
    logs: Path,
    timeout: Seconds,
    tell: Tell,
) -> list[Verification]:
    """Check loops against the reference, two processes at a time.

    Our own loops of one framework share a process: importing it takes longer than most checks. Other packages' loops
    have one each, for nobody knows what they leave behind.

    Args:
        requests: What to check.
        digits: Folder with the decoded arrays.
        device: "cpu" or "gpu".
        launcher: Prepares the processes.
        logs: Folder for what they print.
        timeout: Longest wait for one workload.
        tell: Called as each result comes in.

    Returns:
        One verification per loop and workload, in the order of the requests.
    """
    checks = [_Check(request=request, workload=workload) for request in requests for workload in request.workloads]
    processes = _Processes(checks, digits=digits, device=device, launcher=launcher, logs=logs, timeout=timeout)
    found: dict[_Check, Verification] = {}

    def work(_: int) -> None:
        for check, verification in processes.work():
            if not peers.without_reference(verification.workload):
                tell(verification)
            found[check] = verification

    with ThreadPoolExecutor(max_workers=PROCESSES) as pool:
        try:
            list(pool.map(work, range(PROCESSES)))
        finally:
            processes.stop()  # on Ctrl-C, before the pool waits for its threads
    verifications = [found[check] for check in checks]
    compared = [_beside_peer(verification, verifications) for verification in verifications]
    for verification in compared:
        if peers.without_reference(verification.workload):
            tell(verification)
    return compared


def _beside_peer(one: Verification, found: Sequence[Verification]) -> Verification:
    """Hold a loop against the first one that trained a workload, where there is no reference to hold it against."""
    if not peers.without_reference(one.workload) or not one.losses:
        return one
    trained = [other for other in found if other.workload == one.workload and other.losses]
    peer = trained[0].loop if trained[0].side is None else f"{trained[0].loop} [{trained[0].side}]"
    if one is trained[0]:
        return replace(one, peer=peer)
    return replace(one, peer=peer, gaps=(peers.peer_gap(one.losses, trained[0].losses),))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Check:
    """One loop on one workload: what a process is asked for at a time."""

    request: Request
    workload: str

    @property
    def backend(self) -> str:
        """The loop's framework."""
        return self.request.backend or registry.describe_loop(self.request.loop).backend or ""

    @property
    def process(self) -> str:
        """Name of the processes that may make this check, one check after another."""
        loop, side = self.request.loop, self.request.side
        name = self.backend if registry.is_ours(loop, workload=self.workload) else f"{self.backend}-{loop}"
        return name if side is None else f"{name}-{side.name}"


@dataclass(kw_only=True, slots=True, eq=False)
class _Queue:
    """Checks that wait for processes of one name."""

    name: str
    waiting: deque[_Check] = field(default_factory=deque)
    begun: bool = False
    process_numbers: Iterator[int] = field(default_factory=partial(count, 1))


@final
class _Processes:
    """The processes of one call of `verify`."""

    def __init__(
        self, checks: Sequence[_Check], *, digits: str, device: str, launcher: Launcher, logs: Path, timeout: Seconds
    ) -> None:
        """Remember what all have in common, and line up the checks."""
        self._digits = digits
        self._device = device
        self._launcher = launcher
        self._logs = logs
        self._timeout = timeout
        self._queues: dict[str, _Queue] = {}
        for check in checks:
            self._queues.setdefault(check.process, _Queue(name=check.process)).waiting.append(check)
        self._lock = Lock()
        """Held while a queue is chosen or a check is taken: there are several threads at work."""
        self._running: set[WorkerProcess] = set()
        self._stopped = False

    def work(self) -> Iterator[tuple[_Check, Verification]]:
        """Make checks, in one process at a time, until no queue is worth another process."""
        while (queue := self._choose()) is not None:
            checks = iter(partial(self._take, queue), None)
            for check in checks:  # of those that `_make` leaves, after a failure
                yield from self._make(check, checks, log=self._log(queue))

    def stop(self) -> None:
        """End everything that still runs."""
        self._stopped = True
        for process in list(self._running):
            process.kill()

    def _choose(self) -> _Queue | None:
        """Return a queue that nobody has begun, else the longest one if it is worth a second process."""
        with self._lock:
            waiting = [queue for queue in self._queues.values() if queue.waiting and not self._stopped]
            fresh = [queue for queue in waiting if not queue.begun]
            long = [queue for queue in waiting if len(queue.waiting) >= WORTH_A_PROCESS]
            queue = fresh[0] if fresh else max(long, key=lambda queue: len(queue.waiting), default=None)
            if queue is not None:
                queue.begun = True
            return queue

    def _take(self, queue: _Queue) -> _Check | None:
        """Return the next check of a queue; None if there is none, or everything has been stopped."""
        with self._lock:
            return queue.waiting.popleft() if queue.waiting and not self._stopped else None

    def _log(self, queue: _Queue) -> Path:
        """Return where the next process of a queue is to print."""
        return self._logs / f"verify-{queue.name}-{next(queue.process_numbers)}.log"

    def _make(self, first: _Check, others: Iterator[_Check], *, log: Path) -> Iterator[tuple[_Check, Verification]]:
        """Make checks in one process until none is left or one fails; what is left then needs a fresh process."""
        process = self._start(first, log=log)
        try:
            for check in chain([first], others):
                process.send(
                    messages.Check(
                        loop=check.request.loop,
                        workload=check.workload,
                        prepared=check.request.prepared.get(check.workload),
                        policy=check.request.policy if check.workload in check.request.prepared else None,
                    )
                )
                found = process.receive(messages.Verified)
                yield (
                    check,
                    Verification(**self._identity(check), formula=found.formula, gaps=found.gaps, losses=found.losses),
                )
        except WorkerFailed as failed:
            failure = failed.failure
            # What cannot be imported cannot be imported for the next check either.
            no_import = failure.kind is FailureKind.UNAVAILABLE and failure.phase == "import"
            problem = f"{failure.kind.value}: {failure.message}"
            if log.name not in problem:
                problem = f"{problem}; see {log.name}"
            for ended in [check, *(others if no_import else ())]:
                yield ended, Verification(**self._identity(ended), formula="n/a", problem=problem)
        finally:
            process.end()
            self._running.discard(process)

    def _identity(self, check: _Check) -> dict[str, Any]:
        """Return what was checked, as it is stored."""
        side = check.request.side
        return {
            "loop": check.request.loop,
            "workload": check.workload,
            "device": self._device,
            "side": None if side is None else side.name,
        }

    def _start(self, check: _Check, *, log: Path) -> WorkerProcess:
        """Start a process that can make this check and those that wait in the same queue."""
        backend, side = check.backend, check.request.side
        process = WorkerProcess(
            "bench.verify.child",
            interpreter=self._launcher.interpreter(backend, side=side),
            environment=self._launcher.environment(backend=backend, device=self._device, threads=THREADS, side=side),
            log=log,
            timeout=self._timeout,
        )
        self._running.add(process)
        process.send(
            messages.CheckSettings(backend=backend, device=self._device, threads=THREADS, digits=self._digits, seed=0)
        )
        return process
