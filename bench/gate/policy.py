"""What the verdicts on loops mean for a gate as a whole: one outcome, one exit code.

A failure outweighs a slowdown, that what is unclear where this is to fail, and that what is gone: 5, 1, 3, 4.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.analysis.verdict import Verdict
from bench.errors import NothingComparable, TrialsFailed
from bench.gate.result import GateResult, LoopVerdict, Outcome
from bench.gate.settings import Policy, Settings

REGRESSION, UNCLEAR = 1, 3
"""Exit codes that no error has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """What ends with an exit code above zero, beside a slowdown and a failure."""

    on_unclear: Policy = "pass"
    on_new: Policy = "pass"
    on_removed: Policy = "fail"
    on_faster: Policy = "pass"
    """"fail" where a reference is to be renewed when something has become faster."""

    @classmethod
    def of(cls, settings: Settings, **asked: Policy | None) -> "Policies":
        """Return what was asked for on the command line, else in the settings, else the usual."""
        written = {name: asked.get(name) or getattr(settings, name) for name in cls.__dataclass_fields__}
        return cls(**{name: policy for name, policy in written.items() if policy is not None})


def settle(result: GateResult, *, policies: Policies, removed: Iterable[LoopVerdict] = ()) -> GateResult:
    """Return the result with the outcome that these policies give it.

    Args:
        result: Of what was measured.
        policies: What fails.
        removed: Loops that only the base lists, which were not measured.
    """
    rows = (*result.loops, *removed)
    found, code = outcome(rows, policies=policies)
    return replace(result, loops=rows, outcome=found, exit_code=code)


def outcome(rows: Sequence[LoopVerdict], *, policies: Policies) -> tuple[Outcome, int]:
    """Return the gravest thing that any loop says, and the exit code that goes with it."""
    words = {row.verdict for row in rows}
    if any(row.anchor is not None and row.anchor.verdict == Verdict.UNCLEAR for row in rows):
        words.add(Verdict.UNCLEAR)
    failing = {
        word
        for word, policy in {
            Verdict.UNCLEAR: policies.on_unclear,
            Verdict.REMOVED: policies.on_removed,
            Verdict.NEW: policies.on_new,
            Verdict.FASTER: policies.on_faster,
        }.items()
        if policy == "fail"
    }
    found = (
        (words & {Verdict.FAILED, Verdict.INVALID}, Outcome.FAILED, TrialsFailed.exit_code),
        (any(map(is_regression, rows)), Outcome.REGRESSION, REGRESSION),
        (words & failing & {Verdict.UNCLEAR}, Outcome.UNCLEAR, UNCLEAR),
        (words & failing & {Verdict.REMOVED, Verdict.NEW}, Outcome.NOT_COMPARABLE, NothingComparable.exit_code),
        (words & failing & {Verdict.FASTER}, Outcome.OUTDATED, NothingComparable.exit_code),
        (words & {Verdict.UNCLEAR}, Outcome.UNCLEAR, 0),
        (not words - {Verdict.NEW, Verdict.REMOVED}, Outcome.NOTHING, 0),
        (True, Outcome.PASSED, 0),
    )
    return next((gravest, code) for holds, gravest, code in found if holds)


def is_regression(row: LoopVerdict) -> bool:
    """Whether a loop alone would have a gate fail: confirmed, and beyond what is accepted."""
    if any(one.verdict == Verdict.SLOWER and one.accepted is None for one in (row, row.anchor) if one is not None):
        return True
    return any(growth.exceeded for growth in row.growth)
