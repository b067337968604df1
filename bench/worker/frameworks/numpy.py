"""NumPy: for loops without a framework. A CPU, and whatever threads its linear algebra library takes."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from loops.errors import DeviceMissing


def configure(*, device: str, threads: int | None) -> None:
    """Refuse a GPU; threads were chosen by environment variables before NumPy was imported."""
    del threads
    if device != "cpu":
        raise DeviceMissing(f"NumPy {np.__version__} computes on the CPU only")


def forbid_tensor_float_32() -> None:
    """Do nothing."""


def tensor_float_32() -> None:
    """Return None."""


def devices() -> list[str]:
    """Return the CPU."""
    return ["cpu"]


def threads() -> dict[str, int]:
    """Return nothing: NumPy does not say."""
    return {}


def device_peak_memory_bytes(*, device: str) -> int | None:
    """Return None: there is no accelerator."""
    del device
    return None


def compilations() -> int:
    """Return 0: nothing is compiled."""
    return 0


def compiled() -> dict[str, int]:
    """Return nothing."""
    return {}


def backward() -> None:
    """Return None: it is written out."""


def start_trace(folder: Path) -> str:
    """Return that there is nothing to record with."""
    del folder
    return "NumPy has no profiler of its own"


def stop_trace(folder: Path) -> Path:
    """Return the folder: nothing was recorded."""
    return folder


def annotate(name: str) -> AbstractContextManager[None]:
    """Return a context that does nothing."""
    del name
    return nullcontext()


def compile_less() -> None:
    """Do nothing."""


def forget() -> None:
    """Do nothing."""


def versions() -> dict[str, str]:
    """Return NumPy's version."""
    return {"numpy": np.__version__}
