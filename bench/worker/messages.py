"""What the two ends of the wire say to each other: one type per message, whose `kind` is its name on the wire.

The harness leads: a `TrialRequest` or a `CheckSettings` first, then one command at a time, each of which is answered.
Only the standard library is imported here, because a process with a framework needs these too.
"""

from dataclasses import dataclass
from typing import ClassVar

from bench.records.cell import Setting
from bench.records.trial import Ablation, Block, FailureKind
from bench.records.verification import Gap
from bench.units import Seconds


class UnexpectedMessage(Exception):
    """Something was said that nobody waits for, or that lacks or adds a field; names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRequest(Setting):
    """What the harness asks of a trial; the first command."""

    kind: ClassVar[str] = "trial"
    loop: str
    backend: str
    seed: int
    digits: str
    """Folder with the decoded arrays."""
    blocks: int
    """Measured blocks to come, at most."""
    block_seconds: Seconds
    """Aim for the wall time of one block."""
    steps: int | None
    """Measured steps in all, when the user fixed them."""
    cpus: tuple[int, ...] = ()
    """Logical CPUs to stay on from the first step on; empty means any."""
    breakdown: bool = False
    """Whether to find out where the time of a step goes, in place of everything else."""
    images: int = 0
    """How many images to draw after the last step; 0 unless asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Warm:
    """Have the first step and the warm-up done."""

    kind: ClassVar[str] = "warm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """Have one block done."""

    kind: ClassVar[str] = "measure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """Have the last step done, and say what the steps led to."""

    kind: ClassVar[str] = "finish"


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckSettings:
    """What holds for all checks of a process; the first command."""

    kind: ClassVar[str] = "checks"
    backend: str
    device: str
    threads: int
    digits: str
    """Folder with the decoded arrays."""
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Hold a loop against the reference on a workload."""

    kind: ClassVar[str] = "check"
    loop: str
    workload: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """Everything is imported and built."""

    kind: ClassVar[str] = "ready"
    import_seconds: Seconds
    build_seconds: Seconds
    steps_per_epoch: int
    device_name: str
    versions: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Warmed:
    """First step and warm-up are done."""

    kind: ClassVar[str] = "warmed"
    first_loss: float
    blocks: tuple[Block, ...]
    measured_blocks: int
    """How many are wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A block is done."""

    kind: ClassVar[str] = "measured"
    block: Block | None = None
    """None in a breakdown, which keeps its times to itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """The last step is done."""

    kind: ClassVar[str] = "closed"
    block: Block | None = None
    """None in a breakdown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What the steps led to."""

    kind: ClassVar[str] = "finished"
    steps: int
    samples: int
    last_loss: float
    training_metric: float
    validation_metric: float
    metric_name: str
    first_evaluation_seconds: Seconds
    evaluation_seconds: Seconds
    peak_memory_bytes: int
    device_peak_memory_bytes: int | None
    compiled: dict[str, int] | None
    tensor_float_32: bool | None
    threads: dict[str, int]
    cpus: tuple[int, ...]
    images: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenDown:
    """Where the time of a step goes; in place of `Finished`."""

    kind: ClassVar[str] = "broken-down"
    ablations: tuple[Ablation, ...]
    pipeline_seconds: Seconds | None
    step_alone_seconds: Seconds | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """How far a loop is from the reference."""

    kind: ClassVar[str] = "verified"
    formula: str
    gaps: tuple[Gap, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """What ends the process; in place of any answer."""

    kind: ClassVar[str] = "failed"
    failure: FailureKind
    phase: str
    message: str
    traceback: str


Command = TrialRequest | Warm | Measure | Finish | CheckSettings | Check
Answer = Ready | Warmed | Measured | Closed | Finished | BrokenDown | Verified | Failed
