"""On which device a run measures."""

from collections.abc import Callable, Iterable, Sequence

from bench.errors import NoDevice
from bench.machine import gpu
from bench.records.cell import Side
from bench.sides.launcher import Launcher
from bench.worker.sight import look


def device_of(
    asked: str, *, backends_used: Iterable[str], sides: Sequence[Side], launcher: Launcher, tell: Callable[[str], None]
) -> str:
    """Return "cpu" or "gpu"; a GPU that was asked for is there or it is an error, never a silent CPU."""
    if asked == "cpu" or (asked == "auto" and not gpu.has_accelerator_node()):
        return "cpu"
    sights = [
        look(
            backend,
            interpreter=launcher.interpreter(backend, side=side),
            environment=launcher.environment(backend=backend, device="gpu", threads=None, side=side),
        )
        for side in sides or (None,)
        for backend in sorted(backends_used)
    ]
    if any(sight.sees_gpu for sight in sights):
        return "gpu"
    seen = "; ".join(str(sight) for sight in sights)
    if asked == "gpu":
        raise NoDevice(f"no GPU for any of these loops: {seen}")
    tell(f"note: running on the CPU: {seen}")
    return "cpu"
