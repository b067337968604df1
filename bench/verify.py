"""Verification of loops: which have to be checked, in which process, and what is remembered of earlier checks."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from bench import machine, reference, store
from bench.launch import Launcher
from bench.records import FailureKind, Seconds, Verification
from bench.worker_process import WorkerFailed, WorkerProcess
from loops import registry

PROCESSES = 2
"""At a time: the work is importing and tracing, which keep one core busy each."""

THREADS = 1
"""Per process: batches are small, and threads of two processes only get into each other's way."""

PACKAGES = ("keras", "tensorflow", "torch", "jax", "numpy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One loop and the workloads to check it on."""

    loop: str
    workloads: tuple[str, ...]


def verify(
    requests: Sequence[Request],
    *,
    digits: str,
    device: str,
    launcher: Launcher,
    logs: Path,
    timeout: Seconds,
    tell: Callable[[Verification], None],
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

    def run(request: Request) -> list[Verification]:
        found = []
        for verification in _check(
            request, digits=digits, device=device, launcher=launcher, logs=logs, timeout=timeout
        ):
            tell(verification)
            found.append(verification)
        return found

    with ThreadPoolExecutor(max_workers=PROCESSES) as pool:
        return [verification for found in pool.map(run, requests) for verification in found]


def supported(loop: str, workload: str) -> bool:
    """Whether there is a reference for this workload."""
    del loop
    return workload in reference.RECIPES


def _check(
    request: Request, *, digits: str, device: str, launcher: Launcher, logs: Path, timeout: Seconds
) -> Iterator[Verification]:
    """Check one loop in one process; after a failure, go on with the next workload in a fresh one."""
    left = list(request.workloads)
    backend = registry.describe_loop(request.loop).backend or ""
    while left:
        process = WorkerProcess(
            "bench.verify_worker",
            interpreter=launcher.interpreter(backend),
            environment=launcher.environment(backend=backend, device=device, threads=THREADS),
            log=logs / f"verify-{request.loop}-{left[0]}.log",
            timeout=timeout,
        )
        process.send(
            {
                "backend": backend,
                "loop": request.loop,
                "workloads": left,
                "device": device,
                "threads": THREADS,
                "digits": digits,
                "seed": 0,
            }
        )
        try:
            while left:
                message = process.receive("verified")
                left.remove(message["workload"])
                yield msgspec.convert(message | {"loop": request.loop, "device": device}, Verification)
        except WorkerFailed as failed:
            failure = failed.failure
            # What cannot be imported cannot be imported for the next workload either.
            hopeless = failure.kind is FailureKind.UNAVAILABLE
            for workload in left if hopeless else left[:1]:
                problem = f"{failure.kind.value}: {failure.message}"
                yield Verification(loop=request.loop, workload=workload, device=device, formula="n/a", problem=problem)
            left = [] if hopeless else left[1:]
        finally:
            process.end()


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
        """Remember a result that passed; what failed is looked at again each time."""
        if verification.passed:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(verification.loop, workload=verification.workload, device=verification.device)
            store.replace(path, msgspec.json.encode(verification))

    def _path(self, loop: str, *, workload: str, device: str) -> Path:
        """Return a file whose name changes with everything that a verification depends on."""
        facts = [loop, workload, device, *(_version(name) for name in PACKAGES), _sources_sha256()]
        facts += [registry.describe_loop(loop).sha256, registry.describe_workload(workload).sha256]
        return self._folder / f"{hashlib.sha256(os.fsencode(' '.join(facts))).hexdigest()[:32]}.json"


def _sources_sha256() -> str:
    """Return a hash of everything that a loop or the check may be made of."""
    return _sha256_of(
        [
            *sorted((machine.SOURCE_TREE / "loops").rglob("*.py")),
            *(machine.SOURCE_TREE / "bench" / name for name in ("parity.py", "reference.py", "reference_gan.py")),
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
