"""What is stored: a run, its cells and its trials. Seconds are seconds, bytes are bytes, `None` is "not available".

Only the standard library is imported here, because the worker needs these records too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

Seconds = float
"""A duration. Formatted for people only in `bench/units.py`."""

SCHEMA_VERSION = 1
"""Raised whenever a stored field changes its name or meaning; `results/README.md` describes the schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One thing to be measured. Cells that differ in more than the loop are never ranked together."""

    loop: str
    """Registered name, such as "tf-function"."""
    workload: str
    """Registered name, such as "mnist-mlp"."""
    track: str
    """"matched" or "guide"."""
    device: str
    """"cpu" or "gpu"."""
    batch_size: int
    """Samples per step."""
    width: int | None = None
    """Units of each hidden layer; None leaves the workload's own."""
    threads: int | None = None
    """CPU threads the framework may use; None leaves the framework's own default."""
    side: str | None = None
    """Name of the `Side` that it is measured in, where a run compares environments; "again" for a second measurement
    of the same thing in the same rounds; "calibration" for the kernel that measures the machine."""

    @property
    def name(self) -> str:
        """What it is called among the cells that it is compared with."""
        return self.loop if self.side is None else f"{self.loop} [{self.side}]"

    def __str__(self) -> str:
        """Return a short name that is unique within a run and safe in a file name."""
        width = "" if self.width is None else f"-w{self.width}"
        threads = "" if self.threads is None else f"-t{self.threads}"
        side = "" if self.side is None else f"-{self.side}"
        return f"{self.loop}-{self.workload}-{self.track}-{self.device}-b{self.batch_size}{width}{threads}{side}"


AGAIN = "again"
"""The side of a cell that repeats another one, to see how much identical things differ."""

CALIBRATION = "calibration"
"""The side of the cell that measures the machine, which tells its trials from those of the same loop, if that is
measured as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the environments that a run compares: what is changed for its processes."""

    name: str
    """Short, safe in a file name: "A", "B", "base", "head"."""
    description: str
    """As the user wrote it, such as "ref=main" or "env=OMP_NUM_THREADS=1"."""
    interpreter: str | None = None
    """Python to run with; None leaves the harness' own."""
    python_path: tuple[str, ...] = ()
    """Folders put before everything else on PYTHONPATH."""
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables that are set."""
    tree: str | None = None
    """Where the files of the commit lie; None where it is no commit."""
    facts: dict[str, str] = field(default_factory=dict)
    """What identifies it: commit, installed version, interpreter version."""

    @property
    def changes_nothing(self) -> bool:
        """Whether it is the environment of the harness under another name: "here"."""
        return self.interpreter is None and not self.variables and "commit" not in self.facts

    def __str__(self) -> str:
        """Say which one it is."""
        return f"side {self.name} ({self.description})"


class BlockKind(StrEnum):
    """Why a block was run."""

    FIRST = "first"
    """The first call: tracing and compiling happen here."""
    WARM_UP = "warm-up"
    """Excluded from the steady state."""
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
    """How often the framework traced or compiled in a measured block, where it should not have to."""

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
    """Of "metric", "optimizer", "backward" and "forward"; empty for the whole step."""
    step_seconds: Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One process, one cell, one round. Everything else in a report is derived from these."""

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
    """A second pass, warm."""
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
    metric_name: str | None = None
    """What both metrics are: "accuracy", "mean absolute error", "generator loss"."""
    images: str | None = None
    """Drawn by the trained generator when asked for: base64 of bytes, shape (images, 28, 28), values 0..255."""
    ablations: tuple[Ablation, ...] = ()
    """In a process beside this one, when asked for: the whole step, then with more and more left out. Empty where a
    framework has compiled the step as a whole."""
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
class Gap:
    """How far a loop is from the reference in one respect."""

    what: str
    """Such as "loss, 100 steps, scaled pixels"."""
    largest: float
    """Relative for losses and gradients, absolute for weights and metrics."""
    allowed: float
    step: int | None = None
    """Where the largest gap occurs, counted from 1."""

    @property
    def passed(self) -> bool:
        """Whether the gap is within what is allowed; NaN never is."""
        return self.largest <= self.allowed


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """Whether a loop does the same work as the reference on one workload."""

    loop: str
    workload: str
    device: str
    formula: str
    """Of the optimizer, which the loop is held to: "keras-adam", "torch-adam" or "sgd"."""
    side: str | None = None
    """Of the environments that a run compares, the one in which it was checked."""
    gaps: tuple[Gap, ...] = ()
    losses: tuple[float, ...] = ()
    """Per step, of the long check, so that loops can be compared with one another."""
    peer: str | None = None
    """The loop that it was compared with instead, where the workload has no reference; of that loop, its own name."""
    problem: str | None = None
    """Why the check could not be made or was not finished."""

    @property
    def passed(self) -> bool:
        """Whether every gap was measured and is within what is allowed."""
        return self.problem is None and bool(self.gaps) and all(gap.passed for gap in self.gaps)

    @property
    def failed(self) -> bool:
        """Whether it was shown not to do the same work, or broke when it was to be shown."""
        return not self.passed and not self.undecided

    @property
    def undecided(self) -> bool:
        """Whether nothing was compared and nothing went wrong: it is the peer itself, or cannot carry the workload."""
        if self.problem is not None:
            return self.problem.startswith(f"{FailureKind.UNAVAILABLE.value}: ")
        return self.peer is not None and not self.gaps

    @property
    def largest_loss_gap(self) -> float | None:
        """The largest relative gap between the losses of loop and reference."""
        return max((gap.largest for gap in self.gaps if gap.what.startswith("loss")), default=None)

    @property
    def reason(self) -> str | None:
        """Why it did not pass, in words; None if it did."""
        if self.problem is not None:
            return self.problem
        if self.undecided:
            return f"'{self.workload}' has no reference; other loops are compared with this one"
        worst = max(
            (gap for gap in self.gaps if not gap.passed), key=lambda gap: gap.largest / gap.allowed, default=None
        )
        if worst is None:
            return None if self.gaps else "nothing was compared"
        step = "" if worst.step is None else f" at step {worst.step}"
        other = self.peer or "the reference"
        return f"{worst.what}: differs from {other} by {worst.largest:.2g}{step}, allowed {worst.allowed:.0e}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """The reference's own validation metric on the way, which timed trials are held against."""

    workload: str
    track: str
    batch_size: int
    width: int | None = None
    """Units of each hidden layer; None is the workload's own."""
    higher_is_better: bool
    steps: tuple[int, ...]
    """Training steps after which the metric was noted, ascending."""
    metrics: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetRecord:
    """Which data were trained on."""

    name: str
    """"mnist" or "synthetic"."""
    source: str
    """Where they came from, in words."""
    sha256: str
    """Over the four arrays, so two runs can be compared."""
    fallback: str | None = None
    """Why the synthetic digits stand in for MNIST; None when nothing fell back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What was asked for."""

    cells: tuple[Cell, ...]
    rounds: int
    """With a precision, the fewest; with a time budget, the most that are begun unless a precision asks for more."""
    blocks_per_trial: int
    block_seconds: Seconds
    """Aim for the wall time of one block; the steps per block are sized from warm steps."""
    steps: int | None = None
    """Measured steps per trial when the user fixed them; overrides `block_seconds`."""
    schedule: Literal["interleaved", "sequential"]
    seed: int
    """Of the order of cells and blocks, of the initial weights and of the batch order."""
    timeout: Seconds
    """Longest wait for one phase of one trial."""
    baseline: str
    """The loop that speed-ups refer to; where sides are compared, the first of them is the baseline of each loop."""
    sides: tuple[Side, ...] = ()
    """Environments to compare, baseline first; empty when loops are compared."""
    interpreters: dict[str, str] = field(default_factory=dict)
    """Backend -> Python interpreter, where it is not the one that runs the harness."""
    files: tuple[str, ...] = ()
    """Paths of the user's files that hold loops and workloads of this run."""
    breakdown: bool = False
    """Whether each process finds out in the end where the time of a step goes."""
    images: int = 0
    """How many images a generator draws after the last step of the first round."""
    verify: bool = True
    """Whether loops are checked against the reference, and those that fail are not ranked."""
    margin: float = 0.02
    """Smallest relative difference that matters."""
    precision: float | None = None
    """Rounds are added until every interval is at most this wide to either side, as a fraction."""
    time_budget: Seconds | None = None
    """No round is begun that would probably end later than this after the first."""
    cpus: tuple[int, ...] = ()
    """Logical CPUs that trials stay on from their first step on; empty means any."""
    calibration: Cell | None = None
    """Measured once in each round beside the cells, so that runs can be compared: it says how fast the machine was.
    It is not one of `cells`; None where it was not asked for."""

    def side_of(self, cell: Cell) -> Side | None:
        """Return the environment that a cell is measured in; None for the harness' own."""
        return next((side for side in self.sides if side.name == self.twin_of(cell).side), None)

    def twin_of(self, cell: Cell) -> Cell:
        """Return the cell that a repetition repeats, and any other cell as it is."""
        if cell.side != AGAIN:
            return cell
        return replace(cell, side=self.sides[0].name if self.sides else None)

    def group_of(self, cell: Cell) -> tuple[object, ...]:
        """Return what cells have in common that may be ranked together: all but the loop, or all but the side."""
        common = (cell.workload, cell.track, cell.device, cell.batch_size, cell.width, cell.threads)
        return (cell.loop, *common) if self.sides else common

    def groups(self, cells: Iterable[Cell]) -> list[list[Cell]]:
        """Return the given cells group by group, each in the order in which they came."""
        groups: dict[tuple[object, ...], list[Cell]] = {}
        for cell in cells:
            groups.setdefault(self.group_of(cell), []).append(cell)
        return list(groups.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class RunHeader:
    """First line of the journal: what was asked for, of what, and where."""

    schema_version: int
    run_id: str
    label: str | None = None
    """Free text of the user, from `--name`."""
    tool_version: str
    command: str
    """The command line as it was typed."""
    started: str
    """UTC, ISO 8601."""
    plan: Plan
    dataset: DatasetRecord
    environment: dict[str, str]
    """The machine's passport: fact -> value, as `bench env` prints it."""
    warnings: tuple[str, ...] = ()
    """What would disturb the measurement, as it was announced at the start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceleratorState:
    """A GPU right after blocks were measured on it, its processes still alive."""

    index: int
    """As its driver counts."""
    megahertz: float
    """Clock of its multiprocessors."""
    celsius: float | None
    slowed_by: tuple[str, ...]
    """What holds its clock down, such as "power limit"; empty where nothing does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What else the machine did while a round ran; read before and after it, never during."""

    round: int
    """Counted from 0."""
    load_average: float | None
    """Threads that ran or waited when the round began, mean of the minute before."""
    stolen: float | None
    """Share of the processor time during the round that the hypervisor gave to other guests."""
    seconds: Seconds
    """How long the round took, start-ups included."""
    accelerators: tuple[AcceleratorState, ...] = ()
    """Each GPU after each party of the round; empty where none was used or it cannot be asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Floor:
    """What one training step has to do at least, and the fastest at which this machine did such things in this run."""

    workload: str
    batch_size: int
    width: int | None = None
    """Of hidden layers; None where it is the workload's own."""
    threads: int
    """On which the ceilings were measured."""
    operations: int
    """Additions and multiplications of the matrix products, forward and backward."""
    bytes: int
    """Weights and moments, read and written once, and the inputs of a batch."""
    operations_per_second: float
    """Of a large float32 matrix product on all threads."""
    bytes_per_second: float
    """Read and written while an array of the size of weights and moments is copied, on all threads."""

    @property
    def arithmetic_seconds(self) -> Seconds:
        """What the operations take at the ceiling."""
        return self.operations / self.operations_per_second

    @property
    def memory_seconds(self) -> Seconds:
        """What moving the bytes takes at the ceiling."""
        return self.bytes / self.bytes_per_second

    @property
    def step_seconds(self) -> Seconds:
        """No step can take less: both may overlap, so it is the larger of the two."""
        return max(self.arithmetic_seconds, self.memory_seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnd:
    """Last line of the journal of a run that ended by itself or by Ctrl-C."""

    ended: str
    """UTC, ISO 8601."""
    complete: bool
    """Whether every planned trial has a row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A stored run, read back."""

    header: RunHeader
    trials: tuple[Trial, ...]
    """Of the plan's cells."""
    calibration: tuple[Trial, ...] = ()
    """Of `Plan.calibration`: kept apart, so that nothing that counts or ranks loops meets them."""
    verifications: tuple[Verification, ...] = ()
    conditions: tuple[Conditions, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    floors: tuple[Floor, ...] = ()
    """One per workload, batch size and width, on a CPU; none where a model is more than a chain of dense layers."""
    end: RunEnd | None = None
    """None when the parent was killed."""

    @property
    def complete(self) -> bool:
        """Whether every planned trial has a row."""
        return self.end is not None and self.end.complete

    @property
    def planned_rounds(self) -> int:
        """Rounds that were planned; where precision or time decides, those that were begun."""
        plan = self.header.plan
        if plan.precision is None and plan.time_budget is None:
            return plan.rounds
        return max((trial.round + 1 for trial in self.trials), default=0)

    def verification_of(self, cell: Cell) -> Verification | None:
        """Return what the check of a cell's loop on its workload and device found; None when it was not made.

        A loop is checked at the workload's own batch size and width, because rounding errors grow with both, and what
        is allowed of them with neither.
        """
        twin = self.header.plan.twin_of(cell)
        sought = (twin.loop, twin.workload, twin.device, twin.side)
        return next((v for v in self.verifications if (v.loop, v.workload, v.device, v.side) == sought), None)

    def expectation_of(self, cell: Cell) -> Expectation | None:
        """Return the reference's curve for a cell; None where there is none."""
        sought = (cell.workload, cell.track, cell.batch_size, cell.width)
        return next((e for e in self.expectations if (e.workload, e.track, e.batch_size, e.width) == sought), None)

    def floor_of(self, cell: Cell) -> Floor | None:
        """Return the least time that a cell's step can take; None where it was not measured."""
        if cell.device != "cpu":
            return None
        sought = (cell.workload, cell.batch_size, cell.width)
        return next((floor for floor in self.floors if (floor.workload, floor.batch_size, floor.width) == sought), None)

    def trials_of(self, cell: Cell) -> tuple[Trial, ...]:
        """Return one cell's trials in the order of rounds."""
        return tuple(sorted((trial for trial in self.trials if trial.cell == cell), key=lambda trial: trial.round))
