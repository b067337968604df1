"""What a framework's own profiler saw, from Chrome's trace events: one parser for all, and per framework a rule.

    read    operations by their own time, what part of a step they belong to, and what ran between steps

The file is gzipped JSON; `traceEvents` holds a complete event ("ph": "X") for each thing that took time: its name, when
it began and how long it took in microseconds, and on which thread. Which of them are operations differs:

    torch         those of category "cpu_op"; where a GPU computes, its "kernel" and the like, and not who launches them
    tensorflow    those that are called by a node of a graph and its kind, "model/dense/MatMul:MatMul", on a GPU those
                  that say of which node and kind they are ("tf_op")
    jax           those that say which instruction of a program they are ("hlo_op"), and copies to the device

Events of one thread are nested, as calls are: the own time of one is what its children leave of it.
"""

import gzip
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from bench.errors import InvalidResult
from bench.records.kernel_names import kernel_name
from bench.records.profile import NAMED, Operation, Traced
from bench.records.trial import Block
from bench.units import Seconds

MOST_BYTES = 1 << 30
"""Of a trace when it is unpacked."""
DEAREST = 10
_DEVICE_KINDS = frozenset({"kernel", "gpu_memcpy", "gpu_memset"})
"""Categories of what PyTorch has a GPU do."""
MICROSECOND = 1e-6
COPIES = "copies to the device"
"""A part of JAX' steps under `fit()`, which hands it arrays of the host."""
WHOLE = ("step", "fit step")
"""Parts that are all of a step."""


class RawEvent(msgspec.Struct):
    """An event as it stands in the file; all but the kind may be missing."""

    ph: str = ""
    name: str = ""
    cat: str = ""
    ts: float = 0.0
    dur: float = 0.0
    pid: int | str = 0
    tid: int | str = 0
    args: dict[str, object] | None = None


class _File(msgspec.Struct):
    """The file."""

    traceEvents: list[RawEvent]  # noqa: N815 - Chrome's word


@dataclass(frozen=True, slots=True)
class Event:
    """Something that took time on a thread; in microseconds."""

    name: str
    begin: float
    end: float
    own: float
    """Without what was called by it."""
    operation: bool
    part: str | None
    """Of a step, by the nearest call around it that is named."""


_GRADIENTS = "gradient_tape"
"""Scope of what TensorFlow's tape does backwards; the scope that it goes through stands below it."""
_UPDATE = "AssignSubVariableOp"
"""How every optimizer of Keras changes a variable; moving averages of layers are changed by it, too."""


@dataclass(frozen=True, slots=True)
class _Scopes:
    """What the outermost scopes of a graph's nodes are; whatever models and optimizers are called."""

    differentiated: frozenset[str]
    """Those that the tape goes through: models and losses."""
    updating: frozenset[str]
    """Those of the others in which a variable is changed: optimizers."""

    def part(self, path: str) -> str | None:
        """Return which part of a step a node belongs to; None where its scope does not tell."""
        first = path.partition("/")[0]
        if first == _GRADIENTS:
            return "backward"
        if first in self.differentiated:
            return "forward"
        return "optimizer" if first in self.updating else None


def read(content: bytes, *, backend: str, block: Block) -> Traced:
    """Return what a trace tells of a block.

    Args:
        content: Of the file, gzipped or not.
        backend: "tensorflow", "torch" or "jax".
        block: The steps that were traced.

    Raises:
        InvalidResult: If it is no trace.
    """
    raw = _unpacked(content)
    on_device = any(_of_device(event) for event in raw)
    events = list(_events(raw, backend=backend, on_device=on_device))
    operations = [event for event in events if event.operation]
    total = sum(event.own for event in operations)
    calls, own = _by_name(operations)
    dearest = sorted(own, key=lambda name: (-own[name], name))[:DEAREST]
    per_step = MICROSECOND / block.steps
    whole = [event for event in events if event.name in {f"{NAMED}{part}" for part in WHOLE}]
    inside = _covered(whole) * per_step if whole else None
    return Traced(
        steps=block.steps,
        step_seconds=block.step_seconds,
        operations=tuple(
            Operation(
                name=name,
                calls=calls[name] / block.steps,
                step_seconds=own[name] * per_step,
                share=own[name] / total if total else 0.0,
            )
            for name in dearest
        ),
        kinds=len(own),
        operation_seconds=total * per_step,
        busy_seconds=_covered(operations) * per_step,
        parts=_parts(operations, per_step=per_step),
        outside_seconds=None if inside is None else max(0.0, block.step_seconds - inside),
        on_device=on_device,
    )


def _unpacked(content: bytes) -> list[RawEvent]:
    """Return the events of a file."""
    try:
        if content[:2] == b"\x1f\x8b":
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            content = unpacker.decompress(content, MOST_BYTES)
            if unpacker.unconsumed_tail:
                raise InvalidResult(f"a trace of more than {MOST_BYTES >> 20} MiB is not read")
        return msgspec.json.decode(content, type=_File).traceEvents
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidResult(f"this is no trace: {error}") from error


def _of_device(event: RawEvent) -> bool:
    """Whether something was computed on an accelerator, whose host then only launches it."""
    return event.cat in _DEVICE_KINDS or _NODE.fullmatch(_launcher(event)) is not None


def _events(raw: Sequence[RawEvent], *, backend: str, on_device: bool) -> Iterator[Event]:
    """Yield what took time, thread by thread, each with its own time."""
    threads: dict[tuple[int | str, int | str], list[RawEvent]] = defaultdict(list)
    for event in raw:
        if event.ph == "X" and event.dur >= 0.0:
            threads[event.pid, event.tid].append(event)
    scopes = _scopes(raw) if backend == "tensorflow" else None
    for of_thread in threads.values():
        yield from _nested(of_thread, backend=backend, on_device=on_device, scopes=scopes)


def _nested(raw: Sequence[RawEvent], *, backend: str, on_device: bool, scopes: _Scopes | None) -> Iterator[Event]:
    """Yield the events of one thread; only operations are taken from the own time of operations around them."""
    ordered = sorted(raw, key=lambda event: (event.ts, -event.dur))
    operation = [
        None if on_device and not _of_device(event) else _operation(event, backend=backend) for event in ordered
    ]
    own = [event.dur for event in ordered]
    part: list[str | None] = []
    open_events: list[int] = []
    for place, event in enumerate(ordered):
        while open_events and ordered[open_events[-1]].ts + ordered[open_events[-1]].dur <= event.ts:
            open_events.pop()
        around = part[open_events[-1]] if open_events else None
        part.append(_part(event, backend=backend, scopes=scopes) or around)
        caller = next((one for one in reversed(open_events) if operation[one] is not None), None)
        if caller is not None and operation[place] is not None:
            own[caller] = max(0.0, own[caller] - event.dur)
        open_events.append(place)
    for place, event in enumerate(ordered):
        name = operation[place]
        yield Event(
            name=name or event.name,
            begin=event.ts,
            end=event.ts + event.dur,
            own=own[place],
            operation=name is not None,
            part=part[place],
        )


def _operation(event: RawEvent, *, backend: str) -> str | None:
    """Return what an event computes, or None where it is no operation."""
    arguments = event.args or {}
    if backend == "torch":
        if event.cat in _DEVICE_KINDS:
            return kernel_name(event.name)
        return event.name if event.cat == "cpu_op" else None
    if backend == "jax":
        return _instruction(event.name) if "hlo_op" in arguments or event.name == "DevicePut" else None
    node = _node(event)
    return (node["kind"] or node["eager"]) if node else None


_NUMBER = re.compile(r"[._]\d+(?=\Z|\.)")


def _instruction(name: str) -> str:
    """Return the kind of an instruction of XLA: "dot" for "dot.17"."""
    return _NUMBER.sub("", name)


_NODE = re.compile(
    r"(?:StatefulPartitionedCall/)*(?P<path>[^:]+):(?P<kind>_?[A-Z]\w*)|EagerLocalExecute: (?!_)(?P<eager>\w+)"
)


def _scopes(raw: Iterable[RawEvent]) -> _Scopes:
    """Return the scopes of a trace of TensorFlow's."""
    nodes = [node for event in raw if (node := _node(event)) and node["path"]]
    below = (node["path"].split("/")[:2] for node in nodes)
    differentiated = frozenset(scope for first, *rest in below if first == _GRADIENTS for scope in rest)
    changed = {node["path"].partition("/")[0] for node in nodes if node["kind"] == _UPDATE and "/" in node["path"]}
    return _Scopes(differentiated=differentiated, updating=frozenset(changed - differentiated))


def _node(event: RawEvent) -> re.Match[str] | None:
    """Return the node of TensorFlow's graph that an event is of."""
    return _NODE.fullmatch(_launcher(event)) or _NODE.fullmatch(event.name)


def _launcher(event: RawEvent) -> str:
    """Return the node, with its kind, that TensorFlow launched something on a GPU for; "" where it says none.

    What it allocates on the host names a node as well, and no kind.
    """
    return str((event.args or {}).get("tf_op", ""))


def _part(event: RawEvent, *, backend: str, scopes: _Scopes | None) -> str | None:
    """Return which part of a step an event says to be, if it does."""
    if event.name.startswith(NAMED):
        part = event.name.removeprefix(NAMED).partition("#")[0]
        return None if part in WHOLE else part
    if backend == "jax":
        return COPIES if event.name == "DevicePut" else None
    if backend == "torch":
        if event.name.startswith("autograd::engine::evaluate_function"):
            return "backward"
        if event.name.startswith("Optimizer.step#"):
            return "optimizer"
    node = None if scopes is None else _node(event)
    return None if scopes is None or node is None else scopes.part(node["path"] or "")


def _by_name(operations: Iterable[Event]) -> tuple[dict[str, int], dict[str, float]]:
    """Return how often each operation was called, and its own time."""
    calls: dict[str, int] = defaultdict(int)
    own: dict[str, float] = defaultdict(float)
    for event in operations:
        calls[event.name] += 1
        own[event.name] += event.own
    return calls, own


def _parts(operations: Iterable[Event], *, per_step: Seconds) -> dict[str, Seconds]:
    """Return part -> time of its operations in a step; nothing where none is told apart."""
    found: dict[str, float] = defaultdict(float)
    for event in operations:
        found[event.part or "other"] += event.own * per_step
    return dict(found) if set(found) - {"other"} else {}


def _covered(events: Iterable[Event]) -> float:
    """Return how long at least one of the events lasted, in microseconds."""
    total, reached = 0.0, float("-inf")
    for event in sorted(events, key=lambda event: event.begin):
        if event.end > reached:
            total += event.end - max(event.begin, reached)
            reached = event.end
    return total
