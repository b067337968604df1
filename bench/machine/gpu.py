"""Accelerators: whether there may be one, told without a process, and what NVIDIA's own program says of them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.machine.system import output_of
from bench.records.stored_run import AcceleratorState

# Windows has no device nodes; there the CUDA driver's library stands for them.
_ACCELERATOR_MARKS = ("dev/nvidia[0-9]*", "dev/kfd", "dev/dxg", "Windows/System32/nvcuda.dll")


def has_accelerator_node(*, root: Path = Path("/")) -> bool:
    """Whether a CUDA or ROCm device may be there.

    False is certain enough to skip asking a framework; true is not a promise that a framework can use the device.
    """
    return any(any(root.glob(pattern)) for pattern in _ACCELERATOR_MARKS)


GPU_FIELDS = {
    "name": "name",
    "driver_version": "driver version",
    "memory.total": "memory total MiB",
    "power.limit": "power limit W",
    "clocks.sm": "SM clock MHz",
    "temperature.gpu": "temperature Celsius",
    "persistence_mode": "persistence mode",
    "mig.mode.current": "MIG mode",
}
_CLOCK_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
"""The same field of nvidia-smi, since driver 535 and before."""
_SLOWED_BY = {
    0x04: "power limit",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
"""Bits of that field that mean a lower clock than asked for; the others are "idle" and clocks that somebody set.

Source: NVML API reference, "nvmlClocksEventReasons"."""


def accelerators(*, environment: Mapping[str, str]) -> tuple[AcceleratorState, ...]:
    """Return clock, temperature and what slows it down for each NVIDIA GPU; nothing where nvidia-smi cannot say."""
    for reasons in _CLOCK_REASONS:
        query = f"--query-gpu=index,clocks.sm,temperature.gpu,{reasons}"
        table = output_of("nvidia-smi", query, "--format=csv,noheader,nounits", environment=environment)
        if table is not None:  # an older driver refuses the newer field
            return tuple(filter(None, (_accelerator(line.split(", ")) for line in table.splitlines())))
    return ()


def _accelerator(row: Sequence[str]) -> AcceleratorState | None:
    """Return one GPU's row, or None where it has no clock to tell, as on a partition of one."""
    index, clock, temperature, *rest = (*row, "", "", "")
    if not index.isdigit() or not clock.isdigit():
        return None
    bits = int(rest[0], 16) if re.fullmatch("0x[0-9a-fA-F]+", rest[0]) else 0
    return AcceleratorState(
        index=int(index),
        megahertz=float(clock),
        celsius=float(temperature) if temperature.isdigit() else None,
        slowed_by=tuple(reason for bit, reason in _SLOWED_BY.items() if bits & bit),
    )
