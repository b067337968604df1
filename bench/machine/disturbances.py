"""What would disturb a measurement on this machine, each in a sentence that says what to do."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.machine.passport import quota_cores, scaling_governor, turbo
from bench.machine.readings import Readings, read_now

_BUSY_SHARE_OF_CORES = 0.5
_STEAL_LIMIT_PERCENT = 1
_LEAST_MEMORY_MEBIBYTES = 2048


def disturbances(
    *, environment: Mapping[str, str], root: Path = Path("/"), readings: Readings | None = None
) -> tuple[str, ...]:
    """Return one sentence for each thing that would disturb a measurement now, with what to do about it."""
    now = readings or read_now()
    limits = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
    return (
        *_load_disturbances(now),
        *_processor_disturbances(root, cores=now.cores_usable),
        *(f"{name} is set, which makes Keras stop training early; unset it." for name in limits if name in environment),
    )


def _load_disturbances(now: Readings) -> Iterator[str]:
    load, cores, steal = now.load_average, now.cores_logical, now.steal_percent
    if cores and load > _BUSY_SHARE_OF_CORES * cores:
        yield f"The load average is {load:.1f} on {cores} cores, so other work is running; stop it or wait for it."
    if swap := now.swap_used_mebibytes:
        yield f"{swap} MiB of swap are in use, and reading them back takes time; close other programs."
    if (available := now.memory_available_mebibytes) < _LEAST_MEMORY_MEBIBYTES:
        yield f"Only {available} MiB of memory are available; close other programs or use --schedule sequential."
    if now.on_battery:
        yield "The machine runs on battery power, which lowers clock speeds; plug it in."
    if steal is not None and steal > _STEAL_LIMIT_PERCENT:
        yield f"Since boot, other guests of this host took {steal:.1f} % of the processor time; use a quieter machine."


def _processor_disturbances(root: Path, *, cores: int | None) -> Iterator[str]:
    governor, quota = scaling_governor(root), quota_cores(root)
    if governor not in (None, "performance"):
        advice = "sudo cpupower frequency-set --governor performance"
        yield f"The CPU governor is {governor}, so clock speeds follow the load; run: {advice}"
    if quota is not None and cores is not None and quota < cores:
        advice = f"raise it or use --threads {max(1, math.floor(quota))}"
        yield f"The cgroup quota allows {quota:g} of {cores} cores, and threads beyond it are paused; {advice}."
    if turbo(root) == "on":
        yield "Turbo is on, so clock speeds vary with heat and load: a note only, since rounds average it out."
