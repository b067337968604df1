"""A user's workloads, prepared once per run: who calls `model()` and `data()`, and where what they return lies.

The harness imports no framework, so a process does it; its answer is what everything after is planned by.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.errors import UsageError
from bench.records.cell import Side
from bench.records.prepared import PreparedWorkload
from bench.records.trial import FailureKind
from bench.sides.launcher import Launcher
from bench.units import Seconds
from bench.worker.messages import Prepare, Prepared
from bench.worker.process import WorkerFailed, WorkerProcess
from loops import registry

MOST_MEBIBYTES: Final = 2048
"""That a pipeline may hold when it is drained, unless the user allows more."""

SHORTEST_PATIENCE: Seconds = 300.0
"""Data may have to be downloaded first."""

REFUSED: Final = "InvalidWorkload: "
"""Beginning of a failure that is the same in every framework."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What holds for all workloads of a run."""

    seed: int
    dataset: str
    """"auto", "mnist" or "synthetic", for those that look at digits."""
    data: Path | None
    cache: Path
    timeout: Seconds
    most_bytes: int = MOST_MEBIBYTES << 20
    dtype: str | None = None


Missing = tuple[str, str]
"""A workload, and the side that has no such thing."""


def prepare(
    workloads: Iterable[str],
    *,
    backends: Sequence[str],
    sides: Sequence[Side],
    wanted: Wanted,
    launcher: Launcher,
    missing: Collection[Missing] = (),
) -> tuple[PreparedWorkload, ...]:
    """Prepare every workload that is a user's; ours make their arrays from the seed.

    Sides that are commits have files of their own and are prepared apart; all others share one preparation.

    Args:
        workloads: By name.
        backends: Of the loops that are to train them; the first that can build a model prepares it.
        sides: Environments that are compared; empty for this one.
        wanted: What holds for all.
        launcher: Prepares the processes.
        missing: Workload and side, where a side has no such workload.

    Raises:
        UsageError: If one cannot be trained, in one sentence.
    """
    found: list[PreparedWorkload] = []
    groups: dict[str | None, Side | None] = {group_of(side): side for side in (*sides, None)[: len(sides) or 1]}
    for name in workloads:
        if not registry.is_prepared(name):
            continue
        for group, side in groups.items():
            if side is not None and (name, side.name) in missing:
                continue
            answer = _prepare(name, backends=backends, side=side, wanted=wanted, launcher=launcher)
            if answer is None:
                continue
            found.append(replace(answer, side=group))
    return tuple(found)


def refuse_dtype(dtype: str, *, workloads: Iterable[str]) -> None:
    """Refuse a dtype policy for workloads whose reference is written for one.

    Raises:
        UsageError: If there is one among them.
    """
    ours = next((name for name in workloads if not registry.is_prepared(name)), None)
    if ours is not None:
        raise UsageError(
            f"--dtype {dtype}: {ours} is written for float32; --dtype is for models that are compiled, as yours are"
        )


def pipeline_batch_size(found: PreparedWorkload, *, asked: Iterable[int]) -> int:
    """Return how many samples a user's pipeline has in each batch.

    Args:
        found: What was prepared.
        asked: Other sizes that were asked for.

    Raises:
        UsageError: If there is no pipeline, if its batches differ, or if another size was asked for.
    """
    if found.pipeline is None:
        raise UsageError(
            f"--track pipeline: data() of {found.workload} returns arrays; let it return a PyDataset, a "
            "tf.data.Dataset or a DataLoader, or leave out --track"
        )
    size = found.pipeline_batch_size
    if size is None:
        raise UsageError(
            f"--track pipeline: the batches of {found.workload} are of different sizes, so its steps cannot be "
            "compared; make them equal, or leave out --track: batches are then cut from memory"
        )
    other = [one for one in asked if one != size]
    if other:
        raise UsageError(
            f"--batch-size {other[0]}: the pipeline of {found.workload} makes batches of {size}; leave out "
            "--batch-size or change data()"
        )
    return size


def group_of(side: Side | None) -> str | None:
    """Return the name of a side whose files are its own; None for those that share the working tree's."""
    return None if side is None or side.tree is None else side.name


def of_cell(found: Iterable[PreparedWorkload], *, workload: str, side: Side | None) -> PreparedWorkload | None:
    """Return what was prepared for a workload on a side, or None where it makes everything from the seed."""
    sought = (workload, group_of(side))
    return next((one for one in found if (one.workload, one.side) == sought), None)


def is_there(found: Iterable[PreparedWorkload], *, cache: Path) -> bool:
    """Whether what a run began with still lies in the cache."""
    return all((cache / one.folder / "index.json").exists() for one in found)


def _prepare(
    name: str, *, backends: Sequence[str], side: Side | None, wanted: Wanted, launcher: Launcher
) -> PreparedWorkload | None:
    """Ask one framework after the other; None where the loops of a commit know no such thing.

    Raises:
        UsageError: If none of them can.
    """
    failures: list[str] = []
    if name in registry.COMPILED:  # each of them can build it, and PyTorch counts loops over time as often as they run
        backends = sorted(backends, key=lambda backend: backend != "torch")
    for backend in dict.fromkeys(backends):
        try:
            return _ask(name, backend=backend, side=side, wanted=wanted, launcher=launcher)
        except WorkerFailed as failed:
            message = failed.failure.message
            if "No module named 'loops.preparation'" in message:
                return None
            if message.startswith(REFUSED):
                raise UsageError(message.removeprefix(REFUSED)) from None
            if failed.failure.kind is not FailureKind.UNAVAILABLE or not failures:
                failures.append(message)
    log = _log(name, wanted=wanted)
    told = failures[0].removesuffix(f"; see {log.name}").removeprefix("UnsupportedCell: ")
    raise UsageError(f"{_path(name)}: cannot be prepared: {told}; see {log}")


def _ask(name: str, *, backend: str, side: Side | None, wanted: Wanted, launcher: Launcher) -> PreparedWorkload:
    """Prepare a workload in a process with a framework.

    Raises:
        WorkerFailed: If it does not answer.
    """
    log = _log(name, wanted=wanted)
    log.parent.mkdir(parents=True, exist_ok=True)
    process = WorkerProcess(
        "bench.worker.prepare",
        interpreter=launcher.interpreter(backend, side=side),
        environment=launcher.environment(backend=backend, device="cpu", threads=None, side=side),
        log=log,
        timeout=max(wanted.timeout, SHORTEST_PATIENCE),
    )
    try:
        process.send(
            Prepare(
                workload=name,
                path=_path(name),
                backend=backend,
                seed=wanted.seed,
                dataset=wanted.dataset,
                data=None if wanted.data is None else str(wanted.data),
                cache=str(wanted.cache),
                most_bytes=wanted.most_bytes,
                dtype=wanted.dtype,
            )
        )
        return process.receive(Prepared).found
    finally:
        process.end()


def _log(name: str, *, wanted: Wanted) -> Path:
    """Return where the process prints; the next call writes over it."""
    return wanted.cache / "logs" / f"prepare-{name}.log"


def _path(name: str) -> str:
    """Return the user's file as they would write it, or the module of another package."""
    path = registry.describe_workload(name).target.rpartition(":")[0]
    return os.path.relpath(path) if Path(path).is_absolute() else path
