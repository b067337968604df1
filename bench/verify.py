"""Verification of loops: which have to be checked, in which process, and what is remembered of earlier checks."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from bench import machine, parity, store
from bench.launch import Launcher
from bench.records import Seconds, Side, Verification
from bench.worker_process import WorkerFailed, WorkerProcess
from loops import registry

PROCESSES = 2
"""At a time: the work is importing and tracing, which keep one core busy each."""

THREADS = 1
"""Per process: batches are small, and threads of two processes only get into each other's way."""

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
    processes = _Processes(digits=digits, device=device, launcher=launcher, logs=logs, timeout=timeout)

    def run(request: Request) -> list[Verification]:
        found = []
        for verification in processes.check(request):
            if not parity.without_reference(verification.workload):
                tell(verification)
            found.append(verification)
        return found

    with ThreadPoolExecutor(max_workers=PROCESSES) as pool:
        try:
            found = [verification for found in pool.map(run, requests) for verification in found]
        finally:
            processes.stop()  # on Ctrl-C, before the pool waits for its threads
    compared = [_beside_peer(verification, found) for verification in found]
    for verification in compared:
        if parity.without_reference(verification.workload):
            tell(verification)
    return compared


def _beside_peer(one: Verification, found: Sequence[Verification]) -> Verification:
    """Hold a loop against the first one that trained a workload, where there is no reference to hold it against."""
    if not parity.without_reference(one.workload) or not one.losses:
        return one
    trained = [other for other in found if other.workload == one.workload and other.losses]
    peer = trained[0].loop if trained[0].side is None else f"{trained[0].loop} [{trained[0].side}]"
    if one is trained[0]:
        return replace(one, peer=peer)
    return replace(one, peer=peer, gaps=(parity.peer_gap(one.losses, trained[0].losses),))


class _Processes:
    """The processes of one call of `verify`."""

    def __init__(self, *, digits: str, device: str, launcher: Launcher, logs: Path, timeout: Seconds) -> None:
        """Remember what all have in common."""
        self._digits = digits
        self._device = device
        self._launcher = launcher
        self._logs = logs
        self._timeout = timeout
        self._running: set[WorkerProcess] = set()
        self._stopped = False

    def check(self, request: Request) -> Iterator[Verification]:
        """Check one loop in one process; after a failure, go on with the next workload in a fresh one."""
        left = list(request.workloads)
        side = None if request.side is None else request.side.name
        common = {"loop": request.loop, "device": self._device, "side": side}
        while left and not self._stopped:
            process = self._start(request, workloads=left)
            try:
                while left:
                    message = process.receive("verified")
                    left.remove(message["workload"])
                    yield msgspec.convert(message | common, Verification)
            except WorkerFailed as failed:
                failure = failed.failure
                # What cannot be imported cannot be imported for the next workload either.
                ended = left if failure.phase == "import" else left[:1]
                for workload in ended:
                    yield Verification(
                        loop=request.loop,
                        workload=workload,
                        device=self._device,
                        side=side,
                        formula="n/a",
                        problem=f"{failure.kind.value}: {failure.message}",
                    )
                left = left[len(ended) :]
            finally:
                process.end()
                self._running.discard(process)

    def stop(self) -> None:
        """End everything that still runs."""
        self._stopped = True
        for process in list(self._running):
            process.kill()

    def _start(self, request: Request, *, workloads: list[str]) -> WorkerProcess:
        """Start a process and tell it what to check."""
        loop, side = request.loop, request.side
        backend = request.backend or registry.describe_loop(loop).backend or ""
        name = loop if side is None else f"{loop}-{side.name}"
        process = WorkerProcess(
            "bench.verify_worker",
            interpreter=self._launcher.interpreter(backend, side=side),
            environment=self._launcher.environment(backend=backend, device=self._device, threads=THREADS, side=side),
            log=self._logs / f"verify-{name}-{workloads[0]}.log",
            timeout=self._timeout,
        )
        self._running.add(process)
        process.send(
            {
                "backend": backend,
                "loop": loop,
                "workloads": workloads,
                "device": self._device,
                "threads": THREADS,
                "digits": self._digits,
                "seed": 0,
            }
        )
        return process


class Memory:
    """Verifications of earlier runs, kept by what they depend on."""

    def __init__(self, cache: Path) -> None:
        """Keep them in this folder."""
        self._folder = cache / "verified"

    def recall(self, loop: str, *, workload: str, device: str) -> Verification | None:
        """Return an earlier result for the same sources, versions and device, or None."""
        path = self._path(loop, workload=workload, device=device)
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Verification)
        except msgspec.DecodeError:
            return None  # written by another version of the tool

    def keep(self, verification: Verification) -> None:
        """Remember a result that passed against the reference; all else is looked at again each time."""
        if verification.passed and verification.peer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(verification.loop, workload=verification.workload, device=verification.device)
            store.replace(path, msgspec.json.encode(verification))

    def _path(self, loop: str, *, workload: str, device: str) -> Path:
        """Return a file whose name changes with everything that a verification depends on."""
        facts = [loop, workload, device, *(_version(name) for name in PACKAGES), _sources_sha256()]
        facts += [registry.describe_loop(loop, workload=workload).sha256, registry.describe_workload(workload).sha256]
        return self._folder / f"{hashlib.sha256(os.fsencode(' '.join(facts))).hexdigest()[:32]}.json"


def _sources_sha256() -> str:
    """Return a hash of everything that a loop or the check may be made of."""
    return _sha256_of(
        [
            *sorted((machine.SOURCE_TREE / "loops").rglob("*.py")),
            *(machine.SOURCE_TREE / "bench" / name for name in ("parity.py", "reference.py", "reference_dcgan.py")),
        ]
    )


def _sha256_of(paths: Iterable[Path]) -> str:
    """Return one hash over several files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(distribution: str) -> str:
    """Return what is installed here, or that it is not."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"
