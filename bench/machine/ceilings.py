"""How fast this processor multiplies matrices and copies memory: `python -m bench.machine.ceilings REQUEST RESULTS`.

A process of its own, because threads are chosen before NumPy is loaded, and bound to the CPUs that trials are bound to.
The best of many tries counts, and of several sizes and ways: it is a ceiling, and whatever disturbs a try lowers it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from time import perf_counter_ns

import numpy as np

from bench.machine import cpus, kept
from bench.units import Seconds

MATRIX_SIDES = (384, 768, 1024)
"""Which size is the fastest depends on caches; three matrices of 1024 and float32 are 12 MiB, and their product is 2.1
billion operations."""
COPIED_AT_ONCE_BYTES = 64 * 1024 * 1024
"""A try copies a small array again and again until it has moved this much, so that a clock can tell."""
TRIES = 20
PATIENCE: Seconds = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to measure, and how."""

    copied_bytes: tuple[int, ...]
    """Sizes of arrays to copy."""
    stay_on: tuple[int, ...]
    """Logical CPUs; empty means any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceilings:
    """What one processor can do."""

    operations_per_second: float
    """Of a float32 matrix product, on all threads that were asked for."""
    bytes_per_second: dict[int, float]
    """Size of an array -> bytes read and written per second when one thread copies it, or changes it where it is."""


def measure(request: Request, *, environment: Mapping[str, str]) -> Ceilings | None:
    """Measure in a process of its own, which takes about a second.

    Args:
        request: What to measure.
        environment: Everything the process sees; sets how many threads NumPy's linear algebra uses.

    Returns:
        None when the process failed: a report then has no floor, and nothing else depends on it.
    """
    read, write = os.pipe()
    with os.fdopen(read, "rb") as results:
        try:
            kept.run(
                [sys.executable, "-m", "bench.machine.ceilings", json.dumps(asdict(request)), str(write)],
                environment=environment,
                pass_fds=(write,),
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return None
        finally:
            os.close(write)
        answer = results.read()
    if not answer:
        return None
    found = json.loads(answer)
    speeds = {int(size): speed for size, speed in found["bytes_per_second"].items()}
    return Ceilings(operations_per_second=found["operations_per_second"], bytes_per_second=speeds)


def _matrix_product() -> float:
    """Return operations per second."""
    speeds = []
    for side in MATRIX_SIDES:
        left, right = np.random.default_rng(0).random((2, side, side), dtype=np.float32)
        multiply = partial(np.matmul, left, right, out=np.empty_like(left))
        speeds.append(2.0 * side**3 / _fastest(multiply))
    return max(speeds)


def _copy(size: int) -> float:
    """Return bytes read and written per second when an array of so many bytes is copied, or changed where it is."""
    source = np.ones(max(1, size // 4), np.float32)
    target = np.empty_like(source)
    times = max(1, COPIED_AT_ONCE_BYTES // source.nbytes)

    def copy() -> None:
        for _ in range(times):
            np.copyto(target, source)

    def change() -> None:
        for _ in range(times):
            np.negative(target, out=target)

    return 2.0 * source.nbytes * times / min(_fastest(copy), _fastest(change))


def _fastest(action: Callable[[], object]) -> Seconds:
    """Return the time of the fastest of several tries."""
    times = []
    for _ in range(TRIES):
        begin = perf_counter_ns()
        action()
        times.append(perf_counter_ns() - begin)
    return min(times) / 1e9


def main() -> None:
    """Answer one request."""
    request = Request(**json.loads(sys.argv[1]))
    if request.stay_on:
        cpus.stay_on(request.stay_on)
    found = Ceilings(
        operations_per_second=_matrix_product(),
        bytes_per_second={size: _copy(size) for size in request.copied_bytes},
    )
    os.write(int(sys.argv[2]), json.dumps(asdict(found)).encode())


if __name__ == "__main__":
    main()
