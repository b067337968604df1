"""Whether loops do the same work, as it is stored."""

from dataclasses import dataclass

from bench.records.cell import Training
from bench.records.trial import FailureKind


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
    framework_wide: bool = False
    """Whether `fit()` of the same framework shows the same: then it is no fault of the loop."""

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
    reference: str | None = None
    """The backend that trained the same model in float64; None where the reference is NumPy's, or a peer."""
    remark: str | None = None
    """What else is to be said: which difference is the framework's own, or why there is no reference."""

    @property
    def passed(self) -> bool:
        """Whether every gap was measured and is within what is allowed, or is the framework's own."""
        return self.problem is None and bool(self.gaps) and all(gap.passed or gap.framework_wide for gap in self.gaps)

    @property
    def framework_wide(self) -> bool:
        """Whether it passed though it differs from the reference, as all of its framework does."""
        return self.passed and not all(gap.passed for gap in self.gaps)

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
            why = "" if self.remark is None else f" ({self.remark})"
            return f"'{self.workload}' has no reference{why}; other loops are compared with this one"
        worst = max(
            (gap for gap in self.gaps if not gap.passed and not gap.framework_wide),
            key=lambda gap: gap.largest / gap.allowed,
            default=None,
        )
        if worst is None:
            return None if self.gaps else "nothing was compared"
        step = "" if worst.step is None else f" at step {worst.step}"
        other = self.peer or ("the reference" if self.reference is None else f"float64 on {self.reference}")
        return f"{worst.what}: differs from {other} by {worst.largest:.2g}{step}, allowed {worst.allowed:.0e}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation(Training):
    """The reference's own validation metric on the way, which timed trials are held against."""

    higher_is_better: bool
    steps: tuple[int, ...]
    """Training steps after which the metric was noted, ascending."""
    metrics: tuple[float, ...]
