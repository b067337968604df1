"""What one process measured, and why it has no numbers if it has none.

Seconds are seconds, bytes are bytes, `None` is "not available".

Only the standard library is imported here, because the worker needs these records too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean

from bench.records.cell import Cell
from bench.units import Seconds


class BlockKind(StrEnum):
    """Why a block was run."""

    FIRST = "first"
    """The first call: tracing and compiling happen here."""
    WARM_UP = "warm-up"
    """Excluded from the steady state."""
    RUN_IN = "run-in"
    """Right before a measured one: a process that has waited for its turn is cold. Excluded."""
    MEASURED = "measured"
    """Counted."""
    CLOSING = "closing"
    """One call after the measurement, so that the loss of the last step can be read alike from every loop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Consecutive steps between two clock readings, the device idle at both."""

    kind: BlockKind
    steps: int
    """Steps trained in this block."""
    seconds: Seconds
    """Wall time of the whole block."""
    started: Seconds
    """When it began, on the system-wide monotonic clock; comparable between the trials of one run."""
    cpu_seconds: Seconds
    """Processor time of all threads of the process; divided by `seconds` it says how many cores were in use."""
    involuntary_switches: int
    """How often the operating system took the processor away."""
    compilations: int = 0
    """How often the framework traced or compiled in a measured block or its run-in, where it should not have to."""
    waited_seconds: Seconds | None = None
    """How long its threads were ready to run and no processor was free for them, added up over threads; None where the
    system does not say. Time in which a loop sleeps or waits for its input is not in it. Read before a run-in and after
    the block behind it, and shared out by their lengths, so that nothing comes between the two."""

    @property
    def step_seconds(self) -> Seconds:
        """Mean wall time of one step of this block."""
        return self.seconds / self.steps


class FailureKind(StrEnum):
    """What went wrong with a trial; stable words."""

    UNAVAILABLE = "unavailable"
    """The framework or the device is not there, or the loop cannot carry this cell: nothing was run."""
    RAISED = "raised"
    """The loop, the workload or the framework raised an exception."""
    NOT_FINITE = "not-finite"
    """The loss became NaN or infinite."""
    BROKEN_CONTRACT = "broken-contract"
    """Steps are missing or the loop stopped early."""
    TIMEOUT = "timeout"
    """A phase took longer than `--timeout`; the process was killed."""
    OUT_OF_MEMORY = "out-of-memory"
    """The framework reported that memory ran out."""
    KILLED = "killed"
    """The process died from a signal; SIGKILL is what Linux sends when memory runs out."""
    EXITED = "exited"
    """The process ended by itself before it was done."""
    OUTSIDE_COMMIT = "outside-commit"
    """For a commit, code of the working tree was run, or something is missing that git does not track."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a trial has no numbers."""

    kind: FailureKind
    phase: str
    """"start", "import", "build", "first-step", "warm-up", "measure", "evaluate" or "finish"."""
    message: str
    """One line for people."""
    traceback: str | None = None
    """Python's own, when there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ablation:
    """What a step takes with parts of it left out."""

    left_out: tuple[str, ...]
    """Of "metric", "optimizer", "backward" and "forward", and "step" or, under `fit()`, "fit step": all of a step, or
    what is compiled of it. Empty for the whole step."""
    step_seconds: Seconds
    block_step_seconds: tuple[Seconds, ...] = ()
    """Of each block, in turn with those of the other parts; empty in runs of earlier versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One process, one cell, one round. Everything else in a report is derived from these.

    One flat record, because it is one line of the journal and one row of a table, under the same names in both.
    """

    cell: Cell
    round: int
    """Counted from 0."""
    failure: Failure | None = None
    """None for a trial that finished."""
    import_seconds: Seconds | None = None
    """Importing the framework and the loop; start-ups of a round overlap, so read it as an upper bound."""
    build_seconds: Seconds | None = None
    """Data, model, optimizer, batches; overlaps like the import."""
    blocks: tuple[Block, ...] = ()
    """In the order in which they ran, first call and warm-up included and marked."""
    first_evaluation_seconds: Seconds | None = None
    """The first pass over the validation samples, tracing included."""
    evaluation_seconds: Seconds | None = None
    """A second pass, warm; where the first took 1.5 s or more, that one."""
    peak_memory_bytes: int | None = None
    """Largest resident set of the process."""
    device_peak_memory_bytes: int | None = None
    """Largest amount that the framework's allocator held on the accelerator."""
    steps: int | None = None
    """Updates that the loop's optimizer counted."""
    samples: int | None = None
    """Steps times batch size."""
    steps_per_epoch: int | None = None
    """Whole batches in one pass over the training samples."""
    first_loss: float | None = None
    """Loss of the first step (of the first call for loops that run many steps in one)."""
    last_loss: float | None = None
    """Loss of the last step."""
    training_metric: float | None = None
    """Training metric since the start of the last epoch."""
    validation_metric: float | None = None
    """Validation metric after the last step."""
    training_metrics: dict[str, float | None] = field(default_factory=dict)
    """All training metrics by Keras' names, in the order of `compile()`; empty where the loop tells only one. None is
    one that is no number."""
    validation_metrics: dict[str, float | None] = field(default_factory=dict)
    """Likewise of the validation samples; empty where there are none."""
    metric_name: str | None = None
    """What both metrics are: "accuracy", "mean absolute error", "generator loss"; of several, the first."""
    images: str | None = None
    """Drawn by the trained generator when asked for: base64 of bytes, shape (images, 28, 28), values 0..255."""
    ablations: tuple[Ablation, ...] = ()
    """In a process beside this one, when asked for: the whole step, then with more and more left out. Empty where no
    part of the step could be left out."""
    pipeline_seconds: Seconds | None = None
    """Per step, when asked for: handing over batches, and nothing else. None where the framework fetches them."""
    step_alone_seconds: Seconds | None = None
    """Per step, when asked for: on the same batch again and again. None where the framework fetches batches."""
    compiled: dict[str, int] | None = None
    """What the framework had compiled in this process by the end: "graphs" and, on PyTorch, "breaks" between them;
    "programs" of JAX. Empty where nothing was compiled, None where nobody asked."""
    versions: dict[str, str] = field(default_factory=dict)
    """Python, Keras, framework, NumPy and, where there is one, the device's runtime."""
    threads: dict[str, int] = field(default_factory=dict)
    """What the framework says it uses, and the operating-system threads counted in the process."""
    cpus: tuple[int, ...] = ()
    """Logical CPUs that it could run on while it was measured; empty where the system does not say."""
    device_name: str | None = None
    """As the framework names it."""
    tensor_float_32: bool | None = None
    """Whether the GPU was allowed to round the factors of float32 products; None on a CPU. Never on `matched`."""
    loop_sha256: str | None = None
    """Of the loop's source file."""
    workload_sha256: str | None = None
    """Of the workload's source file."""
    process_id: int | None = None
    guests: tuple[str, ...] = ()
    """Other frameworks that were in this process by the end, as a user's file may import them."""

    def blocks_of(self, kind: BlockKind) -> tuple[Block, ...]:
        """Return the blocks of one kind, in order."""
        return tuple(block for block in self.blocks if block.kind is kind)

    @property
    def first_step_seconds(self) -> Seconds | None:
        """The first call, tracing and compiling included."""
        first = self.blocks_of(BlockKind.FIRST)
        return first[0].seconds if first else None

    @property
    def warm_up_seconds(self) -> Seconds | None:
        """All warm-up blocks together, the first call not included."""
        warm_up = self.blocks_of(BlockKind.WARM_UP)
        return sum(block.seconds for block in warm_up) if warm_up else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A failed row that does not count any more, because its cell is tried again (`--retry-failed`)."""

    cell: Cell
    round: int
    """Counted from 0."""


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half: the mean after a quarter of the values is cut off, rounded down, at each end.

    It withstands a quarter of the blocks being disturbed, and makes more of the others than a median does: of the same
    blocks, ratios of identical loops varied by 1.42 % between rounds instead of 1.75 %. Source: Stigler, "Do robust
    estimators work with real data?", The Annals of Statistics 5, 1977, which it is among the best of.

    Raises:
        ValueError: If there are no values.

    >>> interquartile_mean([1.0, 2.0, 4.0, 100.0])
    3.0
    """
    if not values:
        raise ValueError("expected at least one value")
    cut = len(values) // 4
    return fmean(sorted(values)[cut : len(values) - cut])
