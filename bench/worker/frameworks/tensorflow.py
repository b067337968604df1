"""TensorFlow: threads, devices, memory, versions."""

import gc
import gzip
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import tensorflow as tf

from bench.records.profile import TRACE
from loops.errors import DeviceMissing


def configure(*, device: str, threads: int | None) -> None:
    """Choose device and threads before the runtime starts; let a GPU's memory grow as it is needed."""
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise DeviceMissing(f"TensorFlow {tf.__version__} sees no GPU, only {', '.join(devices())}")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)  # noqa: FBT003 - TensorFlow's signature
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")


def forbid_tensor_float_32() -> None:
    """Switch TF32 off, for products and convolutions."""
    tf.config.experimental.enable_tensor_float_32_execution(False)  # noqa: FBT003 - TensorFlow's signature


def tensor_float_32() -> bool:
    """Return whether TF32 is on."""
    return bool(tf.config.experimental.tensor_float_32_execution_enabled())


def devices() -> list[str]:
    """Return GPU names as TensorFlow gives them, then "cpu"."""
    names = [
        str(tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return [*names, "cpu"]


def threads() -> dict[str, int]:
    """Return both thread pools; 0 means that TensorFlow chooses."""
    return {
        "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
        "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
    }


def device_peak_memory_bytes(*, device: str) -> int | None:
    """Return the allocator's peak on the first GPU."""
    if device != "gpu":
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def compilations() -> int:
    """Return how often the functions that exist at the first call of this have been traced."""
    return sum(function.experimental_get_tracing_count() for function in _functions())


def compiled() -> dict[str, int]:
    """Return how many graphs there are, one for each time that a function was traced."""
    traced = compilations()
    return {"graphs": traced} if traced else {}


@cache
def _functions() -> list[tf.types.experimental.PolymorphicFunction]:
    """Find every `tf.function`, those that Keras makes for `fit()` included; takes a quarter of a second."""
    kind = tf.types.experimental.PolymorphicFunction
    return [found for found in gc.get_objects() if isinstance(found, kind)]


def backward() -> tuple[type, str]:
    """Return what `tape.gradient()` calls."""
    return tf.GradientTape, "gradient"


def start_trace(folder: Path) -> str | None:
    """Record operations and what the runtime does for them; Python's functions are left to a profiler of Python."""
    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0)
    try:
        tf.profiler.experimental.start(str(folder), options=options)
    except tf.errors.AlreadyExistsError as error:
        return f"another profiler is at work in this process: {error.message}"
    return None


def stop_trace(folder: Path) -> Path:
    """End the trace; what TensorBoard reads stays where it looks for it, and the same is written for Perfetto."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # noqa: PLC0415 - only where somebody asks for a profile

    tf.profiler.experimental.stop()
    space = xplane_pb2.XSpace.FromString(max(folder.glob("plugins/profile/*/*.xplane.pb")).read_bytes())
    path = folder / TRACE
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump({"traceEvents": [event for plane in space.planes for event in _chrome_events(plane)]}, file)
    return path


def _chrome_events(plane: Any) -> Iterator[dict[str, Any]]:
    """Yield Chrome's trace events of one plane, a device or the host; a line of it is a thread."""
    for line in plane.lines:
        thread = {"pid": plane.id, "tid": line.id}
        yield {"ph": "M", "name": "thread_name", "args": {"name": line.display_name or line.name}, **thread}
        for event in line.events:
            yield {
                "ph": "X",
                "name": plane.event_metadata[event.metadata_id].name,
                "ts": line.timestamp_ns / 1e3 + event.offset_ps / 1e6,
                "dur": event.duration_ps / 1e6,
                "args": {plane.stat_metadata[one.metadata_id].name: _value(one, plane=plane) for one in event.stats},
                **thread,
            }


def _value(stat: Any, *, plane: Any) -> Any:
    """Return what a statistic of an event says."""
    kind = stat.WhichOneof("value")
    if kind == "ref_value":
        return plane.stat_metadata[stat.ref_value].name
    value = getattr(stat, kind) if kind else None
    return value.hex() if isinstance(value, bytes) else value


def annotate(name: str) -> AbstractContextManager[None]:
    """Return TensorFlow's own context for that."""
    return tf.profiler.experimental.Trace(name)


def compile_less() -> None:
    """Do nothing."""


def forget() -> None:
    """Drop what nobody uses any more: functions of one model have no part in those of another, but datasets cost time.

    One that is dropped waits, now and then, for its tuning thread, which sleeps longer the older the dataset is: 0.1 s
    when it is dropped at once, 2 to 8 s seen when Python came across it in a later check.
    """
    gc.collect()


def versions() -> dict[str, str]:
    """Return TensorFlow's version and the CUDA it was built for, if any."""
    build = tf.sysconfig.get_build_info()
    cuda = {"cuda": str(build["cuda_version"])} if build.get("cuda_version") else {}
    return {"tensorflow": tf.__version__} | cuda
