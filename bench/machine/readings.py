"""What the machine reads at one moment: load, memory, stolen time, power."""

import warnings
from dataclasses import dataclass

import psutil

from bench.machine import cpus

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """Processor, load and memory at one moment; None is "cannot be read here"."""

    cores_logical: int | None
    """Hardware threads of the machine."""
    cores_physical: int | None
    """Cores of the machine."""
    cores_usable: int | None
    """Hardware threads that this process may run on."""
    load_average: float
    """Threads that ran or waited, mean of the last minute, over the whole machine."""
    steal_percent: float | None
    """Share of the processor time since boot that the hypervisor gave to other guests."""
    memory_total_mebibytes: int
    memory_available_mebibytes: int
    """What new programs can have without swapping."""
    swap_used_mebibytes: int
    on_battery: bool


def read_now() -> Readings:
    """Read processor, load and memory of this machine, without waiting for anything."""
    times = psutil.cpu_times()._asdict()
    total = sum(times.values()) if "steal" in times else 0  # only Linux has it, and some sandboxes show zeros
    memory = psutil.virtual_memory()
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # about swap rates, which are not read
        swap = psutil.swap_memory()
    return Readings(
        cores_logical=psutil.cpu_count(),
        cores_physical=psutil.cpu_count(logical=False),
        cores_usable=len(cpus.allowed()) or psutil.cpu_count(),
        load_average=psutil.getloadavg()[0],
        steal_percent=100 * times["steal"] / total if total else None,
        memory_total_mebibytes=memory.total // _MEBIBYTE,
        memory_available_mebibytes=memory.available // _MEBIBYTE,
        swap_used_mebibytes=swap.used // _MEBIBYTE,
        on_battery=_on_battery(),
    )


def _on_battery() -> bool:
    try:
        battery = psutil.sensors_battery()
    except OSError:  # psutil expects /sys/class/power_supply, which some containers hide
        return False
    return battery is not None and battery.power_plugged is False
