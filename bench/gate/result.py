"""What a gate finds, and what is written to `bench-verdict.json`."""

from dataclasses import dataclass
from enum import StrEnum

from bench.analysis.verdict import Verdict

SCHEMA = "bench-verdict/3"
"""Changes whenever a field of `bench-verdict.json` changes its name or meaning."""


class Outcome(StrEnum):
    """What the gate as a whole says; stable words."""

    PASSED = "passed"
    REGRESSION = "regression"
    """A slowdown beyond its budget, confirmed."""
    UNCLEAR = "unclear"
    """No regression is confirmed, and for some loop none can be ruled out."""
    NOT_COMPARABLE = "not-comparable"
    """A loop of the base is gone, or nothing could be compared."""
    FAILED = "failed"
    """A loop crashed, timed out or does not do the same work as the reference."""
    NOTHING = "nothing-to-compare"
    """Every loop is new, or both sides are the same commit without a change: nothing can be slower than it was."""
    OUTDATED = "outdated"
    """A loop is faster than the base, and that was to be told (`--on-faster=fail`)."""
    ERROR = "error"
    """The gate could not be asked so, or what it needs is not there; nothing is known of the loops."""
    INTERRUPTED = "interrupted"
    FAULT = "fault"
    """Of bench itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """What the gate says of a quantity beside the time of a step."""

    quantity: str
    """"peak memory" or "first step"."""
    growth: float
    """Relative: 0.1 is 10 % more."""
    low: float | None
    high: float | None
    """Interval of the look that decided or was the last, of this quantity alone."""
    budget: float
    """How much more it may be."""
    exceeded: bool | None
    """Whether it is more than the budget, by looks as the step time; None where that cannot be told."""
    reason: str
    """One sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchored:
    """What the gate says of a loop against the anchor: what small changes, each within its budget, came to."""

    verdict: str
    """A word of `bench.analysis.verdict.Verdict`; `new` where the anchor has no such loop, or none that works."""
    slowdown: float | None
    low: float | None
    high: float | None
    """As of a loop, with the anchor in place of the base."""
    budget: float
    rounds: int | None
    """As of a loop."""
    reason: str
    """One sentence."""
    accepted: str | None = None
    """As of a loop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopVerdict:
    """What the gate says of one loop."""

    loop: str
    workload: str
    verdict: str
    """A word of `bench.analysis.verdict.Verdict`."""
    slowdown: float | None
    """Relative: 0.1 is 10 % slower, -0.5 takes half the time; None without a comparison."""
    low: float | None
    high: float | None
    """Interval of the slowdown, at a level at which all loops hold together."""
    budget: float
    """How much slower it may be."""
    confirmed: bool | None
    """Whether it is sure: by the looks of `bench.analysis.sequential`, or by fresh rounds that say so too. None where
    nothing was suspected."""
    base_step_seconds: float | None
    head_step_seconds: float | None
    reason: str
    """One sentence."""
    accepted: str | None = None
    """Up to how much, until when and why this slowdown is accepted; None where it is not."""
    growth: tuple[Growth, ...] = ()
    """Peak memory and first step, where there is a budget for them."""
    rounds: int | None = None
    """On both sides, until it was decided or the time was up; None without an interval."""
    decidable: float | None = None
    """Smallest budget that unchanged code would have been told to be within, by so many rounds at what they differ by;
    None without an interval, and where fresh rounds decide."""
    anchor: Anchored | None = None
    """Against the anchor; None where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identical:
    """How far the same code came out apart: a check of the harness on this machine, which decides nothing."""

    runs: int
    """That measured one loop twice under two names, on this machine."""
    apart: float
    """Relative, with its sign: the second against the first, which should be 0 but for chance."""
    low: float | None
    high: float | None
    """Interval at 95 % over these runs; None for a single one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    """What is written to `bench-verdict.json`."""

    schema: str
    outcome: Outcome
    exit_code: int
    base: str
    head: str
    loops: tuple[LoopVerdict, ...]
    noise: float | None
    """How far one loop, measured twice under two names, came out apart in a typical round; nothing hangs on it."""
    rounds: int
    confirmation_rounds: int
    """0 when nothing was suspected, and where looks decide."""
    runs: tuple[str, ...]
    """Where the numbers are stored."""
    reason: str = ""
    """One sentence where no loop tells why: what ended the gate, or why there is nothing to compare."""
    notes: tuple[str, ...] = ()
    """What a reader should know of these numbers, one sentence each."""
    identical: Identical | None = None
    """The same pooled over runs of this machine."""
    anchor: str | None = None
    """The commit that loops are held against besides the base; None where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one measurement of base and head says; against a stored run, before anything is confirmed."""

    rows: tuple[LoopVerdict, ...]
    base: str
    head: str
    noise: float | None
    rounds: int
    run_id: str
    identical: Identical | None = None
    is_paired: bool = False
    """Whether base and head were measured in the same rounds, which decides; of two sessions only both together do."""

    @property
    def suspects(self) -> tuple[str, ...]:
        """The loops that are to be measured again."""
        return tuple(row.loop for row in self.rows if is_suspected(row))


LARGE = 5.0
"""Where a slowdown of so many budgets cannot be ruled out, rounds were too noisy to leave it at that."""


def is_suspected(row: LoopVerdict) -> bool:
    """Whether a loop is measured again: it is slower, or so noisy that it may be, by much."""
    if row.verdict == Verdict.SLOWER:
        return True
    return row.verdict == Verdict.UNCLEAR and row.high is not None and row.high > LARGE * row.budget
