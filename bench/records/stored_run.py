"""A whole run: what was asked for, what came of it, and the conditions under which it did."""

from dataclasses import dataclass, replace

from bench.records.busy import BusyProgram
from bench.records.cell import Cell, Setting, Training
from bench.records.plan import Plan
from bench.records.trial import Trial
from bench.records.verification import Expectation, Verification
from bench.records.words import LoopWords
from bench.units import Seconds

SCHEMA_VERSION = 2
"""Raised whenever a stored field changes its name or meaning; `results/README.md` describes the schema,
and `bench.records.upgrade` reads what earlier versions wrote."""


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
    loops: tuple[LoopWords, ...] = ()
    """Of the loops that say what they are called; none where sides are compared, whose loops are the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """More rounds than were planned at first (`--resume RUN --rounds N`)."""

    rounds: int
    """In all, from now on in place of `Plan.rounds`."""
    command: str
    """The command line as it was typed."""
    started: str
    """UTC, ISO 8601."""


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
    others: float | None = None
    """Cores that others kept busy while blocks were measured, in the mean; None where the system does not say."""
    busy: tuple[BusyProgram, ...] = ()
    """Who that was, the busiest first, as far as can be seen from here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeastStep(Training):
    """What one training step has to do at least, and the fastest at which this machine did such things in this run."""

    threads: int
    """On which the ceilings were measured."""
    operations: int
    """Additions and multiplications of the matrix products, forward and backward; of a compiled model, as counted by a
    framework where it was prepared."""
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
        """The least time of a step: both may overlap, so it is the larger of the two."""
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
    least_steps: tuple[LeastStep, ...] = ()
    """One for each training, on a CPU; none where nobody could count what a model computes."""
    end: RunEnd | None = None
    """None when the parent was killed."""

    @property
    def complete(self) -> bool:
        """Whether every planned trial has a row."""
        return self.end is not None and self.end.complete

    @property
    def planned_rounds(self) -> int:
        """Rounds planned, and those in place of starved ones; where precision or time decides, those begun."""
        plan = self.header.plan
        begun = max((trial.round + 1 for trial in self.trials), default=0)
        return begun if plan.adaptive else max(plan.rounds, begun)

    def conditions_of(self, round_number: int) -> Conditions | None:
        """Return what else the machine did in a round, the last time it was run; None where nobody looked."""
        return next((seen for seen in reversed(self.conditions) if seen.round == round_number), None)

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
        return next((curve for curve in self.expectations if curve.training == cell.training), None)

    def least_step_of(self, setting: Setting) -> LeastStep | None:
        """Return the least time that a step can take in a setting; None where it was not measured.

        It is measured before the first round and after the last one, and the faster of each counts: whatever disturbed
        the machine meanwhile only makes a ceiling too low.
        """
        found = [least for least in self.least_steps if least.training == setting.training]
        if not found or setting.device != "cpu":
            return None
        return replace(
            found[0],
            operations_per_second=max(least.operations_per_second for least in found),
            bytes_per_second=max(least.bytes_per_second for least in found),
        )

    def trials_of(self, cell: Cell) -> tuple[Trial, ...]:
        """Return one cell's trials in the order of rounds."""
        return tuple(sorted((trial for trial in self.trials if trial.cell == cell), key=lambda trial: trial.round))
