"""PyTorch: threads, devices, memory, versions."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from bench.records.profile import TRACE
from loops.errors import DeviceMissing

_tracing: dict[str, Any] = {}
"""TorchDynamo's settings before any loop has changed them."""

_profile: torch.profiler.profile | None = None

GRAPHS_PER_FUNCTION = 4
"""While loops are checked."""


def configure(*, device: str, threads: int | None) -> None:
    """Choose threads, and see that the device is there."""
    if "torch._dynamo" in sys.modules:  # Keras has imported it
        _tracing.update(sys.modules["torch._dynamo"].config.get_config_copy())
    if threads is not None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)
    if device == "gpu":
        if not torch.cuda.is_available():
            raise DeviceMissing(f"PyTorch {torch.__version__} sees no GPU, only {', '.join(devices())}")
        torch.cuda.reset_peak_memory_stats()


def forbid_tensor_float_32() -> None:
    """Switch TF32 off, for products and convolutions."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


def tensor_float_32() -> bool:
    """Return whether TF32 is on for either."""
    return torch.get_float32_matmul_precision() != "highest" or torch.backends.cudnn.allow_tf32


def devices() -> list[str]:
    """Return GPU names as PyTorch gives them, then "cpu"."""
    return [*(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())), "cpu"]


def threads() -> dict[str, int]:
    """Return both thread pools."""
    return {"intra_op": torch.get_num_threads(), "inter_op": torch.get_num_interop_threads()}


def device_peak_memory_bytes(*, device: str) -> int | None:
    """Return the allocator's peak on the current GPU."""
    return torch.cuda.max_memory_allocated() if device == "gpu" else None


def compilations() -> int:
    """Return how many graphs TorchDynamo has made; it is imported by the first `torch.compile`."""
    if "torch._dynamo" not in sys.modules:
        return 0
    return int(sys.modules["torch._dynamo.utils"].counters["stats"]["unique_graphs"])


def compiled() -> dict[str, int]:
    """Return how many graphs TorchDynamo has made and how often it had to end one and go on in Python."""
    graphs = compilations()
    if not graphs:
        return {}
    breaks = sys.modules["torch._dynamo.utils"].counters["graph_break"]
    return {"graphs": graphs, "breaks": sum(breaks.values())}


def backward() -> tuple[type, str]:
    """Return what `loss.backward()` calls."""
    return torch.Tensor, "backward"


def start_trace(folder: Path) -> str | None:
    """Begin with a profile that is thrown away: the first one of a process takes seconds to get ready."""
    del folder
    global _profile  # noqa: PLW0603 - a profile is what begins here and ends there
    kinds = [torch.profiler.ProfilerActivity.CPU]
    if torch.cuda.is_available():
        kinds.append(torch.profiler.ProfilerActivity.CUDA)
    if _profile is None:
        with torch.profiler.profile(activities=kinds):
            torch.ones(1)
    _profile = torch.profiler.profile(activities=kinds)
    _profile.start()
    return None


def stop_trace(folder: Path) -> Path:
    """End the profile and write it."""
    assert _profile is not None
    _profile.stop()
    path = folder / TRACE
    _profile.export_chrome_trace(str(path))
    return path


def annotate(name: str) -> AbstractContextManager[None]:
    """Return PyTorch's own context for that."""
    return torch.profiler.record_function(name)


def compile_less() -> None:
    """Have TorchDynamo make at most four graphs of a function, not eight, and then go on in Python as it always does.

    Four are what a check needs: two trainings, in each of which a step differs from the first. Where every step would
    need a new graph, as with Keras' own step and a layer that adds losses, the other four take half a minute.
    """
    if "torch._dynamo" in sys.modules:
        _tracing["recompile_limit"] = sys.modules["torch._dynamo"].config.recompile_limit = GRAPHS_PER_FUNCTION


def forget() -> None:
    """Drop compiled graphs, of which TorchDynamo makes no more than a few per function, and what loops set for it."""
    if "torch._dynamo" not in sys.modules:
        return
    torch.compiler.reset()
    config = sys.modules["torch._dynamo"].config
    for name, value in config.get_config_copy().items():
        if value != _tracing[name]:
            setattr(config, name, _tracing[name])


def versions() -> dict[str, str]:
    """Return PyTorch's version and the CUDA it was built for, if any."""
    cuda = {"cuda": torch.version.cuda} if torch.version.cuda else {}
    return {"torch": torch.__version__} | cuda
