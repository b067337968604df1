"""Accelerators: whether there may be one, told by its node, and what NVIDIA's driver says of each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any, TypeVar

from bench.records.stored_run import AcceleratorState
from bench.units import Seconds

Answer = TypeVar("Answer")

# Windows has no device nodes; there the CUDA driver's library stands for them.
_ACCELERATOR_MARKS = ("dev/nvidia[0-9]*", "dev/kfd", "dev/dxg", "Windows/System32/nvcuda.dll")
_PATIENCE: Seconds = 10.0
"""A driver that has lost its GPU may never answer."""
_SLOWED_BY = {
    0x04: "power limit",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
"""Bits of its event reasons that mean a lower clock than asked for; the others are "idle" and clocks that somebody set.

Source: NVML API reference, "nvmlClocksEventReasons"."""


def has_accelerator_node(*, root: Path = Path("/")) -> bool:
    """Whether a CUDA or ROCm device may be there.

    False is certain enough to skip asking a framework; true is not a promise that a framework can use the device.
    """
    return any(any(root.glob(pattern)) for pattern in _ACCELERATOR_MARKS)


def accelerators(
    *,
    environment: Mapping[str, str] | None = None,  # noqa: ARG001 - no program is started any more
    root: Path = Path("/"),
) -> tuple[AcceleratorState, ...]:
    """Return clock, temperature and what slows it down for each NVIDIA GPU; nothing where its driver cannot say."""
    return _each_gpu(_state, root=root)


def facts(*, root: Path = Path("/")) -> dict[str, str]:
    """Return fact -> value of each NVIDIA GPU, such as "gpu 0 name"; what its driver does not know is left out."""
    return {fact: value for found in _each_gpu(_facts, root=root) for fact, value in found.items()}


def _each_gpu(describe: Callable[[ModuleType, int, Any], Answer | None], *, root: Path) -> tuple[Answer, ...]:
    """Return what is found for each GPU; nothing without a node, a driver or `pynvml`, and nothing from a hung driver.

    Args:
        describe: Is given `pynvml`, a GPU's number and its handle, and returns None where there is nothing to say.
        root: Of the file tree with the nodes.
    """
    if not has_accelerator_node(root=root):
        return ()
    try:
        import pynvml as nvml  # noqa: PLC0415
    except ImportError:
        return ()
    answers: list[tuple[Answer, ...]] = []

    def ask() -> None:
        found = []
        with suppress(nvml.NVMLError), _driver(nvml):
            for index in range(nvml.nvmlDeviceGetCount()):
                with suppress(nvml.NVMLError):  # one is lost, or another's: the others answer
                    found.append(describe(nvml, index, nvml.nvmlDeviceGetHandleByIndex(index)))
        answers.append(tuple(one for one in found if one is not None))

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return answers[0] if answers else ()


@contextmanager
def _driver(nvml: ModuleType) -> Iterator[None]:
    """Keep the driver open for a few questions only, so that it is as it was while anything is measured."""
    nvml.nvmlInit()
    try:
        yield
    finally:
        nvml.nvmlShutdown()


def _state(nvml: ModuleType, index: int, handle: Any) -> AcceleratorState:
    """Return how fast a GPU runs.

    Raises:
        NVMLError: If it has no clock to tell, as on a partition of one.
    """
    reasons = _event_reasons(nvml, handle)
    temperature = _known(nvml, lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
    return AcceleratorState(
        index=index,
        megahertz=float(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
        celsius=None if temperature is None else float(temperature),
        slowed_by=tuple(reason for bit, reason in _SLOWED_BY.items() if reasons & bit),
    )


def _event_reasons(nvml: ModuleType, handle: Any) -> int:
    """Return what decides a GPU's clock, bit by bit; drivers before 535 know the question by its older name."""
    newer: int | None = _known(nvml, lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    if newer is not None:
        return newer
    return _known(nvml, lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)) or 0


def _facts(nvml: ModuleType, index: int, handle: Any) -> dict[str, str]:
    """Return what a passport says of a GPU, in the words and units of `nvidia-smi`."""
    modes = {nvml.NVML_FEATURE_ENABLED: "Enabled", nvml.NVML_FEATURE_DISABLED: "Disabled"}
    questions: dict[str, Callable[[], str]] = {
        "name": lambda: nvml.nvmlDeviceGetName(handle),
        "driver version": nvml.nvmlSystemGetDriverVersion,
        "memory total MiB": lambda: str(nvml.nvmlDeviceGetMemoryInfo(handle).total // 2**20),
        "power limit W": lambda: f"{nvml.nvmlDeviceGetPowerManagementLimit(handle) / 1e3:.2f}",  # from milliwatts
        "SM clock MHz": lambda: str(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
        "temperature Celsius": lambda: str(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
        "persistence mode": lambda: modes[nvml.nvmlDeviceGetPersistenceMode(handle)],
        "MIG mode": lambda: modes[nvml.nvmlDeviceGetMigMode(handle)[0]],
    }
    answers = {fact: _known(nvml, question) for fact, question in questions.items()}
    return {f"gpu {index} {fact}": value for fact, value in answers.items() if value is not None}


def _known(nvml: ModuleType, question: Callable[[], Answer]) -> Answer | None:
    """Return a driver's answer; None where it or the GPU has none."""
    try:
        return question()
    except nvml.NVMLError:
        return None
