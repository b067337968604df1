"""What the two ends of the wire say to each other: one type per message, whose `kind` is its name on the wire.

The harness leads: a `TrialRequest` or a `CheckSettings` first, then one command at a time, each of which is answered.
Only the standard library is imported here, because a process with a framework needs these too.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from bench.records.cell import Setting
from bench.records.prepared import PreparedWorkload
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
    run_in_seconds: Seconds = 0.0
    """Aim for the time that is trained at the beginning of each turn, uncounted."""
    blocks_per_turn: int = 1
    """Measured blocks of a turn, at most."""
    cpus: tuple[int, ...] = ()
    """Logical CPUs to stay on from the first step on; empty means any."""
    breakdown: bool = False
    """Whether to find out where the time of a step goes, in place of everything else."""
    profile: bool = False
    """Whether to be profiled, `Profile` by `Profile`, in place of everything else."""
    images: int = 0
    """How many images to draw after the last step; 0 unless asked for."""
    prepared: str | None = None
    """Folder with the arrays and initial weights of a user's workload; None for those that make them from the seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Warm:
    """Have the first step and the warm-up done."""

    kind: ClassVar[str] = "warm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """Have the blocks of one turn done."""

    kind: ClassVar[str] = "measure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """Have one block done, under the framework's profiler or under none."""

    kind: ClassVar[str] = "profile"
    seconds: Seconds
    """Aim for the wall time of the block, as it would be without a profiler."""
    folder: str | None = None
    """For what the profiler writes; None for a block without it."""


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
    """Folder with the decoded arrays; empty where no workload looks at them."""
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Hold a loop against the reference on a workload."""

    kind: ClassVar[str] = "check"
    loop: str
    workload: str
    prepared: str | None = None
    """As in a `TrialRequest`."""
    dtype: str | None = None
    """Keras' dtype policy; None leaves it to the model."""
    recordings: str | None = None
    """Folder for what a loop shows that is to be held against the float64 training of another process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepare:
    """Call a user's `model()` and `data()`, and store what every process of the run starts from; the only command."""

    kind: ClassVar[str] = "prepare"
    workload: str
    path: str
    """Of the user's file, for messages."""
    backend: str
    seed: int
    dataset: str
    """"auto", "mnist" or "synthetic", should the workload look at digits."""
    data: str | None
    """The user's own file of digits."""
    cache: str
    """Folder for what is prepared."""
    most_bytes: int
    """That a pipeline may hold."""
    dtype: str | None = None
    """As in a `Check`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What was stored, and what was found on the model."""

    kind: ClassVar[str] = "prepared"
    found: PreparedWorkload


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """Train in float64 what a loop has trained."""

    kind: ClassVar[str] = "replay"
    recording: str
    """Folder with what the loop showed."""
    source: str
    """Name of a workload, or a file: one with a function `model()`, or a saved model."""
    prepared: str | None = None
    """As in a `TrialRequest`."""


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
    turns: int
    """How many are wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A turn is over."""

    kind: ClassVar[str] = "measured"
    blocks: tuple[Block, ...] = ()
    """In order, the run-in first where there was one; none in a breakdown, which keeps its times to itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Profiled:
    """A block of a profile is done."""

    kind: ClassVar[str] = "profiled"
    block: Block
    trace: str | None = None
    """File that Perfetto opens, in the folder that was given; None without a profiler."""
    problem: str | None = None
    """Why the profiler wrote none."""


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
    training_metric: float | None
    """None where there is no metric."""
    validation_metric: float | None
    """None where there is no metric, or nothing to validate with."""
    metric_name: str | None
    training_metrics: dict[str, float] = field(default_factory=dict)
    """By name, where there are several."""
    validation_metrics: dict[str, float] = field(default_factory=dict)
    first_evaluation_seconds: Seconds | None
    evaluation_seconds: Seconds | None
    peak_memory_bytes: int
    device_peak_memory_bytes: int | None
    compiled: dict[str, int] | None
    tensor_float_32: bool | None
    threads: dict[str, int]
    cpus: tuple[int, ...]
    images: str | None
    guests: tuple[str, ...] = ()
    """Other frameworks that are in the process."""


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
    recording: str | None = None
    """Folder with what the loop showed, where no gaps are known yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """How far a loop is from the float64 training of the same model."""

    kind: ClassVar[str] = "replayed"
    gaps: tuple[Gap, ...]
    formula: str
    """Of the optimizer, which the loop is held to."""
    not_finite: str | None = None
    """Why there are no gaps: a loss was no number."""
    traits: tuple[str, ...] = ()
    """Of the model, in which frameworks differ: `bench.verify.framework_wide.Trait`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """What ends the process; in place of any answer."""

    kind: ClassVar[str] = "failed"
    failure: FailureKind
    phase: str
    message: str
    traceback: str


Command = TrialRequest | Warm | Measure | Profile | Finish | CheckSettings | Check | Prepare | Replay
Answer = Prepared | Ready | Warmed | Measured | Profiled | Closed | Finished | BrokenDown | Verified | Replayed | Failed
