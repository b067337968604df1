"""What would disturb a measurement on this machine, each in a sentence that says what to do."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.machine.activity import Activity
from bench.machine.passport import quota_cores, scaling_governor, turbo
from bench.machine.readings import Readings, read_now
from bench.records import busy

_BUSY_CORES = 0.25
_STEAL_LIMIT_PERCENT = 1
_LEAST_MEMORY_MEBIBYTES = 2048


def disturbances(
    *,
    environment: Mapping[str, str],
    root: Path = Path("/"),
    readings: Readings | None = None,
    activity: Activity | None = None,
) -> tuple[str, ...]:
    """Return one sentence for each thing that would disturb a measurement now, with what to do about it.

    Args:
        environment: Variables that frameworks read.
        root: Of the file tree that the system describes itself in.
        readings: Of the machine; read now when left out.
        activity: What others did a moment ago; nothing is said of it when left out.
    """
    now = readings or read_now()
    limits = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
    return (
        *_activity_disturbances(activity, cores=now.cores_usable),
        *_load_disturbances(now),
        *_processor_disturbances(root, cores=now.cores_usable),
        *(f"{name} is set, which makes Keras stop training early; unset it." for name in limits if name in environment),
    )


def _activity_disturbances(activity: Activity | None, *, cores: int | None) -> Iterator[str]:
    if activity is not None and activity.others is not None and activity.others > _BUSY_CORES:
        who, of = busy.told(activity.programs, others=activity.others), "" if cores is None else f" of {cores}"
        yield f"Other programs keep {busy.cores_told(activity.others)}{of} busy: {who}; stop them or wait for them."


def _load_disturbances(now: Readings) -> Iterator[str]:
    steal = now.steal_percent
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
