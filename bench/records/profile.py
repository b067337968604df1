"""Where the time of one loop went, as profilers saw it in a process that is ranked nowhere.

Seconds are seconds, bytes are bytes. `bench.records.profiles` says where such a record lies.
"""

from dataclasses import dataclass, field
from statistics import median

from bench.records.cell import Cell
from bench.records.trial import Ablation
from bench.units import Seconds

SCHEMA = "bench-profile/1"
TRACE = "trace.json.gz"
"""The file that Perfetto opens: Chrome's trace events, gzipped."""
NAMED = "bench: "
"""Begins the name of a part of a step in a trace."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What a framework calls one thing that it computes."""

    name: str
    calls: float
    """In a step."""
    step_seconds: Seconds
    """Its own time in a step, without that of operations that it calls; added up over threads."""
    share: float
    """Of the time of all operations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traced:
    """What the framework's own profiler saw."""

    steps: int
    step_seconds: Seconds
    """While it recorded."""
    operations: tuple[Operation, ...]
    """The ten dearest, dearest first."""
    kinds: int
    """How many different ones there are."""
    operation_seconds: Seconds
    """All operations of a step, added up over threads."""
    busy_seconds: Seconds
    """Of a step, while at least one operation was running."""
    parts: dict[str, Seconds] = field(default_factory=dict)
    """Part of a step -> time of its operations, as far as calls or names tell them apart."""
    outside_seconds: Seconds | None = None
    """Of a step, between one call of the step and the next; None where no such calls are seen."""
    on_device: bool = False
    """Whether operations are those of an accelerator, which its host only launches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """What the thread that trains was seen doing in Python."""

    samples: int
    step_seconds: Seconds
    """While it was looked at."""
    shares: dict[str, float]
    """Kind of work, of those of `bench.analysis.python_stacks` -> share of samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryReading:
    """How much memory the process held."""

    seconds: Seconds
    """Since its start."""
    bytes: int
    phase: str
    """What the process was doing: "start", "warm-up", "steps", "trace" or "samples"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One loop, profiled once."""

    schema: str = SCHEMA
    cell: Cell
    backend: str
    versions: dict[str, str]
    block_step_seconds: tuple[Seconds, ...]
    """Seconds per step of the blocks without a profiler, in the same process."""
    traced: Traced | None
    sampled: Sampled | None
    ablations: tuple[Ablation, ...] = ()
    """Of a second process, in which parts were left out; see `bench.records.trial.Trial`."""
    pipeline_seconds: Seconds | None = None
    """Likewise."""
    step_alone_seconds: Seconds | None = None
    """Likewise."""
    memory: tuple[MemoryReading, ...] = ()
    files: tuple[str, ...] = ()
    """What lies beside this record."""
    missing: tuple[str, ...] = ()
    """What could not be had, each with the reason and the way out."""

    @property
    def step_seconds(self) -> Seconds:
        """Of a step without a profiler: median of its blocks."""
        return median(self.block_step_seconds)

    def overhead(self, found: Traced | Sampled) -> float:
        """Return how much longer a step took under a profiler, as a share of one without: 0.1 reads 10 %."""
        return found.step_seconds / self.step_seconds - 1.0
