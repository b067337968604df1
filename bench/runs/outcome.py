"""What a finished run says by its exit code."""

from collections import Counter

from bench.analysis import reading
from bench.errors import NothingComparable, TrialsFailed, UsageError
from bench.records.cell import AGAIN
from bench.records.stored_run import Run
from bench.records.trial import FailureKind


def check(run: Run) -> None:
    """Raise what the exit code should say about a closed run.

    Raises:
        TrialsFailed: If a trial crashed, hung or broke the contract, or a loop failed verification.
        UsageError: If nothing at all could be measured here.
    """
    failures = {trial.cell: trial.failure for trial in run.trials if trial.failure is not None}
    crashed = [cell for cell, failure in failures.items() if failure.kind is not FailureKind.UNAVAILABLE]
    invalid = [v for v in run.verifications if v.failed]
    off = [cell.name for cell in run.header.plan.cells if reading.off_the_curve(run, cell) is not None]
    if crashed:
        names = ", ".join(dict.fromkeys(cell.name for cell in crashed))
        raise TrialsFailed(f"{len(crashed)} of {len(run.header.plan.cells)} measurements failed: {names}")
    if invalid:
        names = ", ".join(v.loop if v.side is None else f"{v.loop} [{v.side}]" for v in invalid)
        raise TrialsFailed(f"not the same work as {invalid[0].peer or 'the reference'}: {names}")
    if off:
        raise TrialsFailed(f"timed processes did not learn what they should have: {', '.join(off)}")
    if len(failures) == len(run.header.plan.cells):
        raise UsageError("none of these loops can be measured here; see 'bench list'")
    plan = run.header.plan
    measured = Counter(plan.group_of(cell) for cell in plan.cells if cell not in failures and cell.side != AGAIN)
    if plan.sides and max(measured.values()) < len(plan.sides):
        reasons = "; ".join(dict.fromkeys(failure.message for failure in failures.values()))
        raise NothingComparable(f"no loop was measured on every side: {reasons}")
