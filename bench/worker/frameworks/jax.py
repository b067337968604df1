"""JAX: threads, devices, memory, versions."""

import os
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

import jax

from loops.errors import DeviceMissing

_compiled = 0


def configure(*, device: str, threads: int | None) -> None:
    """Choose device and threads before the first array is made; take a GPU's memory as it is needed.

    JAX has no function for threads. XLA reads the size of its pool from NPROC when it starts, else it counts the
    processors.
    """
    if threads is not None:
        os.environ["NPROC"] = str(threads)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    jax.monitoring.register_event_duration_secs_listener(_count)
    if device == "cpu":
        jax.config.update("jax_platforms", "cpu")
    elif jax.default_backend() == "cpu":
        raise DeviceMissing(f"JAX {jax.__version__} sees no GPU, only {', '.join(devices())}")


def forbid_tensor_float_32() -> None:
    """Ask for whole float32 products, wherever an operation does not say otherwise."""
    jax.config.update("jax_default_matmul_precision", "highest")


def tensor_float_32() -> bool:
    """Return whether a product of float32 may be less than that."""
    return jax.config.jax_default_matmul_precision not in {"highest", "float32"}


def devices() -> list[str]:
    """Return GPU names as JAX gives them, then "cpu"."""
    return [*(device.device_kind for device in jax.devices() if device.platform != "cpu"), "cpu"]


def threads() -> dict[str, int]:
    """Return the size of XLA's thread pool on the CPU."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0
    return {"intra_op": int(os.environ.get("NPROC", available))}


def device_peak_memory_bytes(*, device: str) -> int | None:
    """Return the allocator's peak on the first GPU."""
    if device != "gpu":
        return None
    statistics = jax.devices()[0].memory_stats() or {}
    return statistics.get("peak_bytes_in_use")


def compilations() -> int:
    """Return how many programs XLA has compiled since `configure`."""
    return _compiled


def compiled() -> dict[str, int]:
    """Return how many programs there are, those for single operations outside of `jax.jit` included."""
    return {"programs": _compiled} if _compiled else {}


def backward() -> None:
    """Return None: gradients come from a transformed function."""


def start_trace(folder: Path) -> str | None:
    """Record programs and what the runtime does for them; Python's functions are left to a profiler of Python."""
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0
    jax.profiler.start_trace(str(folder), profiler_options=options)
    return None


def stop_trace(folder: Path) -> Path:
    """End the trace; it is where TensorBoard looks for it as well."""
    jax.profiler.stop_trace()
    return max(folder.glob("plugins/profile/*/*.trace.json.gz"))


def annotate(name: str) -> AbstractContextManager[None]:
    """Return JAX' own context for that."""
    return jax.profiler.TraceAnnotation(name)


def compile_less() -> None:
    """Do nothing."""


def forget() -> None:
    """Do nothing: programs of one model have no part in those of another."""


def _count(event: str, seconds: float, **_: object) -> None:
    """Listen to what JAX says about itself."""
    global _compiled  # noqa: PLW0603 - a listener has nowhere else to count
    del seconds
    _compiled += event.endswith("backend_compile_duration")


def versions() -> dict[str, str]:
    """Return the versions of JAX and of the library that compiles for it."""
    return {"jax": jax.__version__, "jaxlib": version("jaxlib")}
