"""Verification of loops: which are checked in which process, two at a time."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from shutil import rmtree
from threading import Lock
from typing import Any, final

from bench.files import temporary_folder
from bench.records.cell import Side
from bench.records.trial import Failure, FailureKind
from bench.records.verification import Verification
from bench.sides.launcher import Launcher
from bench.units import Seconds
from bench.verify import framework_wide, peers
from bench.verify.float64_process import NoReference, References
from bench.worker import messages
from bench.worker.process import WorkerFailed, WorkerProcess
from loops import registry

PROCESSES = 2
"""At a time: the work is importing and tracing, which keep one core busy each."""

THREADS = 1
"""Per process: batches are small, and threads of two processes only get into each other's way."""

WORTH_A_PROCESS = 8
"""Checks left, at least, for a second process of the same framework: by then its import has paid off."""

ONE_OF_OURS = "mnist-mlp"
"""A workload of the kind that users bring, to ask whether a loop is ours."""

PACKAGES = ("keras", "tensorflow", "torch", "jax", "numpy")

OWN_BACKEND = "no other backend can train it in float64, so it was held against its own, run eagerly"

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
    dtype: str | None = None
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
    with temporary_folder() as recordings:
        common = _Common(
            digits=digits, device=device, launcher=launcher, logs=logs, timeout=timeout, recordings=str(recordings)
        )
        found, traits = _check_all(checks, common=common, tell=tell)
        backends = {check.request.loop: check.backend for check in checks}
        compared = [_beside_peer(one, list(found.values())) for one in found.values()]
        controls = _controls(compared, checks=checks, backends=backends)
        extra, _ = _check_all(controls, common=common, tell=lambda _: None) if controls else ({}, {})
    backends |= {check.request.loop: check.backend for check in controls}
    judged = framework_wide.attributed([*compared, *extra.values()], backends=backends, traits=traits)[: len(compared)]
    for verification in judged:
        if peers.without_reference(verification.workload):
            tell(verification)
    return judged


def _check_all(
    checks: Sequence["_Check"], *, common: "_Common", tell: Tell
) -> tuple[dict["_Check", Verification], dict[str, tuple[str, ...]]]:
    """Make checks, and tell of those that need nothing else to be judged.

    Returns:
        What was found, in the order of the checks, and workload -> its `framework_wide.Trait`s.
    """
    processes = _Processes(checks, common=common)
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
    return {check: found[check] for check in checks}, processes.traits


def _controls(
    found: Sequence[Verification], *, checks: Sequence["_Check"], backends: Mapping[str, str]
) -> list["_Check"]:
    """Return checks of `fit()` that show whose a difference is, where a loop differs and nobody asked for them."""
    sides = {(check.request.loop, check.workload, _name(check.request.side)): check.request.side for check in checks}
    asked = {(check.request.loop, check.workload): check.request for check in checks}
    return [
        _Check(
            request=Request(
                loop=control,
                workloads=(one.workload,),
                backend=backends[one.loop],
                side=sides[one.loop, one.workload, one.side],
                prepared=asked[one.loop, one.workload].prepared,
                dtype=asked[one.loop, one.workload].dtype,
            ),
            workload=one.workload,
        )
        for control, one in framework_wide.missing_controls(found, backends=backends)
    ]


def _name(side: Side | None) -> str | None:
    """Return what a side is called."""
    return None if side is None else side.name


def _beside_peer(one: Verification, found: Sequence[Verification]) -> Verification:
    """Hold a loop against the first one that trained a workload, where there is no reference to hold it against."""
    if not _needs_peer(one):
        return one
    trained = [other for other in found if other.workload == one.workload and _needs_peer(other)]
    peer = trained[0].loop if trained[0].side is None else f"{trained[0].loop} [{trained[0].side}]"
    if one is trained[0]:
        return replace(one, peer=peer)
    return replace(one, peer=peer, gaps=(peers.peer_gap(one.losses, trained[0].losses),))


def _needs_peer(one: Verification) -> bool:
    """Whether a loop was trained and there was nothing to hold it against."""
    return peers.without_reference(one.workload) and bool(one.losses) and not one.gaps and one.problem is None


def _problem(failure: Failure, *, log: str | None) -> str:
    """Return a failure in one line, with the log that tells more; of what is not to be had here, none does."""
    problem = f"{failure.kind.value}: {failure.message}"
    told = log is None or log in problem or failure.kind is FailureKind.UNAVAILABLE
    return problem if told else f"{problem}; see {log}"


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
        if registry.is_ours(loop, workload=self.workload):
            name = self.backend
        elif registry.is_ours(loop, workload=ONE_OF_OURS):
            name = f"{self.backend}-{self.workload}"  # what a user's workload leaves behind, it leaves for itself
        else:
            name = f"{self.backend}-{loop}"
        return name if side is None else f"{name}-{side.name}"


@dataclass(kw_only=True, slots=True, eq=False)
class _Queue:
    """Checks that wait for processes of one name."""

    name: str
    waiting: deque[_Check] = field(default_factory=deque)
    begun: bool = False
    process_numbers: Iterator[int] = field(default_factory=partial(count, 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Common:
    """What all checks of one call of `verify` have in common."""

    digits: str
    device: str
    launcher: Launcher
    logs: Path
    timeout: Seconds
    recordings: str
    """Folder for what loops show that are held against a float64 training."""


@final
class _Processes:
    """The processes that make some checks."""

    def __init__(self, checks: Sequence[_Check], *, common: _Common) -> None:
        """Line up the checks."""
        self._common = common
        self._references = References(
            launcher=common.launcher,
            digits=common.digits,
            logs=common.logs,
            threads=THREADS,
            timeout=common.timeout,
            started=self._started,
        )
        self.traits: dict[str, tuple[str, ...]] = {}
        """Workload -> what about its model frameworks do differently."""
        self._queues: dict[str, _Queue] = {}
        for check in checks:
            self._queues.setdefault(check.process, _Queue(name=check.process)).waiting.append(check)
        self._lock = Lock()
        """Held while a queue is chosen, a check is taken or a process comes or goes: several threads are at work."""
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
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.kill()
        self._references.end()

    def _started(self, process: WorkerProcess) -> None:
        """Keep a process, to end it with the others; at once if they have ended already."""
        with self._lock:
            self._running.add(process)
            late = self._stopped
        if late:
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
        return self._common.logs / f"verify-{queue.name}-{next(queue.process_numbers)}.log"

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
                        dtype=check.request.dtype,
                        recordings=self._common.recordings,
                    )
                )
                yield check, self._verification(check, process.receive(messages.Verified))
        except WorkerFailed as failed:
            failure = failed.failure
            # What cannot be imported cannot be imported for the next check either.
            no_import = failure.kind is FailureKind.UNAVAILABLE and failure.phase == "import"
            problem = _problem(failure, log=log.name)
            for ended in [check, *(others if no_import else ())]:
                yield ended, Verification(**self._identity(ended), formula="n/a", problem=problem)
        finally:
            process.end()
            with self._lock:
                self._running.discard(process)

    def _verification(self, check: _Check, found: messages.Verified) -> Verification:
        """Return what came of a check: against NumPy's reference, a float64 training, or for want of both nothing."""
        known: dict[str, Any] = {**self._identity(check), "losses": found.losses}
        if found.recording is None:
            return Verification(**known, formula=found.formula, gaps=found.gaps)
        recording = Path(found.recording)
        try:
            answer = self._references.hold(
                recording,
                source=check.workload,
                backend=check.backend,
                side=check.request.side,
                prepared=check.request.prepared.get(check.workload),
            )
        except NoReference as error:
            return Verification(**known, formula=found.formula, remark=f"in float64, {error}")
        except WorkerFailed as failed:
            return Verification(**known | {"losses": ()}, formula="n/a", problem=_problem(failed.failure, log=None))
        finally:
            rmtree(recording, ignore_errors=True)
        said = answer.found
        self.traits[check.workload] = said.traits
        problem = None if said.not_finite is None else f"{FailureKind.NOT_FINITE.value}: {said.not_finite}"
        own = None if answer.reference != check.backend else OWN_BACKEND
        return Verification(
            **known,
            formula=said.formula,
            gaps=said.gaps,
            reference=answer.reference,
            remark=own,
            problem=problem,
        )

    def _identity(self, check: _Check) -> dict[str, Any]:
        """Return what was checked, as it is stored."""
        side = check.request.side
        return {
            "loop": check.request.loop,
            "workload": check.workload,
            "device": self._common.device,
            "side": _name(side),
        }

    def _start(self, check: _Check, *, log: Path) -> WorkerProcess:
        """Start a process that can make this check and those that wait in the same queue."""
        backend, side, common = check.backend, check.request.side, self._common
        process = WorkerProcess(
            "bench.verify.child",
            interpreter=common.launcher.interpreter(backend, side=side),
            environment=common.launcher.environment(backend=backend, device=common.device, threads=THREADS, side=side),
            log=log,
            timeout=common.timeout,
        )
        self._started(process)
        process.send(
            messages.CheckSettings(backend=backend, device=common.device, threads=THREADS, digits=common.digits, seed=0)
        )
        return process
