"""One `bench verify` from options to what was found: which loops on which workloads, against which data."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import NoDevice, TrialsFailed, UsageError
from bench.records.prepared import PreparedWorkload
from bench.records.verification import Verification
from bench.sides import preparation
from bench.sides.launcher import Launcher
from bench.units import Seconds
from bench.verify import memory, peers, pool
from bench.worker import frameworks
from bench.worker.sight import look
from loops import registry, selection
from loops.data import mnist


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `bench verify` was asked for."""

    loops: tuple[str, ...]
    """Empty means every loop; as `loops.selection` reads them."""
    exclude: tuple[str, ...] = ()
    """Left out of them."""
    workloads: tuple[str, ...]
    """Empty means every workload that has a reference."""
    device: Literal["cpu", "gpu"]
    dataset: mnist.DatasetChoice
    data: Path | None
    timeout: Seconds
    cache: Path
    arrays: Path | None = None
    """Of a saved model that is the workload, the file with what it is trained on."""
    data_limit: int = preparation.MOST_MEBIBYTES
    """Mebibytes that a pipeline may hold when it is drained."""
    dtype: str | None = None
    """Keras' dtype policy for workloads of users; None leaves it to the model."""

    @property
    def logs(self) -> Path:
        """Folder for what the processes print; the next call writes over it."""
        return self.cache / "logs"


def check(
    options: Options, *, environment: Mapping[str, str], tell: pool.Tell, notice: Callable[[str], None]
) -> list[Verification]:
    """Check loops against the reference, afresh: nothing is taken from earlier checks.

    A loop is checked on the workloads that it can train.

    Raises:
        UsageError: If nothing that was asked for can be checked.
        NoDevice: If a GPU was asked for and no framework sees one.
        loops.errors.LoopError: If a loop, a workload or the data are not there.
    """
    loops = selection.chosen(options.loops or (registry.EVERY,), without=options.exclude)
    described = {name: registry.describe_loop(name) for name in loops}
    used = {name: one.backend or "" for name, one in described.items()}
    absent = {name: frameworks.unusable(one, device=options.device) for name, one in described.items()}
    arrays = None if options.arrays is None else str(options.arrays)
    asked = (registry.named("workload", name, arrays=arrays) for name in options.workloads)
    workloads = tuple(registry.describe_workload(name).name for name in asked) or tuple(
        name for name in registry.workload_names() if not peers.without_reference(name)
    )
    if options.dtype is not None:
        preparation.refuse_dtype(options.dtype, workloads=workloads)
    if options.device == "gpu":
        _need_gpu(sorted(set(used.values())), environment=environment)
    wanted = {name: tuple(w for w in workloads if registry.hole(name, w) is None) for name in loops}
    able = [name for name in loops if wanted[name] and absent[name] is None]
    prepared = _prepared(workloads, backends=[used[name] for name in able], options=options, environment=environment)
    for told in sorted({one.fallback for one in prepared if one.fallback}):
        notice(f"warning: synthetic digits instead of MNIST: {told}")
    folders = {one.workload: str(options.cache / one.folder) for one in prepared}
    requests = [pool.Request(loop=name, workloads=wanted[name], prepared=folders, dtype=options.dtype) for name in able]
    # What TorchDynamo compiles takes longest; begun first, it leaves no core idle at the end.
    requests.sort(key=lambda request: "compile" not in request.loop)
    if not requests:
        reasons = dict.fromkeys(registry.hole(n, w) or absent[n] or "" for n in loops for w in workloads)
        raise UsageError(f"nothing can be checked: {'; '.join(reasons)}")
    options.logs.mkdir(parents=True, exist_ok=True)
    only_own = folders.keys() >= {workload for request in requests for workload in request.workloads}
    digits = "" if only_own else mnist.resolve(options.dataset, file=options.data, cache=options.cache).folder
    with Launcher(interpreters={}, environment=environment) as launcher:
        found = pool.verify(
            requests,
            digits=digits,
            device=options.device,
            launcher=launcher,
            logs=options.logs,
            timeout=options.timeout,
            tell=tell,
        )
    found.sort(key=lambda verification: loops.index(verification.loop))
    remembered = memory.Memory(options.cache, environment=environment)
    for verification in found:
        own = preparation.of_cell(prepared, workload=verification.workload, side=None)
        remembered.keep(verification, prepared=own)
    return found


def _prepared(
    workloads: Sequence[str], *, backends: Sequence[str], options: Options, environment: Mapping[str, str]
) -> tuple[PreparedWorkload, ...]:
    """Prepare what users brought.

    Raises:
        UsageError: If it cannot be trained.
    """
    wanted = preparation.Wanted(
        seed=0,
        dataset=options.dataset.value,
        data=options.data,
        cache=options.cache,
        timeout=options.timeout,
        most_bytes=options.data_limit << 20,
        dtype=options.dtype,
    )
    with Launcher(interpreters={}, environment=environment) as launcher:
        found = preparation.prepare(workloads, backends=backends, sides=(), wanted=wanted, launcher=launcher)
    for one in found:
        if one.batch_size > one.training_samples:
            raise UsageError(
                f"batch size {one.batch_size} is above the {one.training_samples} training samples of {one.workload}"
            )
    return found


def judge(found: Sequence[Verification], *, logs: Path) -> None:
    """Raise what the exit code should say.

    Args:
        found: What was checked.
        logs: Where the processes printed.

    Raises:
        TrialsFailed: If a loop is not what it claims to be.
    """
    failed = [verification for verification in found if verification.failed]
    if failed:
        names = ", ".join(f"{verification.loop} on {verification.workload}" for verification in failed)
        raise TrialsFailed(f"{len(failed)} of {len(found)} checks failed: {names}; logs: {logs}")


def _need_gpu(used: Sequence[str], *, environment: Mapping[str, str]) -> None:
    """Refuse to check on a GPU that no framework sees."""
    sights = [look(backend, interpreter=sys.executable, environment=environment) for backend in used]
    if not any(sight.sees_gpu for sight in sights):
        raise NoDevice(f"no GPU for any of these loops: {'; '.join(str(sight) for sight in sights)}")
