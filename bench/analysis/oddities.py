"""What is odd about the processes of a loop: they never settle, compile while they are measured, or were disturbed."""

from collections.abc import Sequence
from statistics import median

from bench.analysis.process import state_of, trial_step_seconds
from bench.analysis.steady import Steadiness
from bench.records.trial import BlockKind, Trial
from bench.units import Seconds

OFTEN, DISTURBED = 4.0, 0.10
"""A block is disturbed when it lost the processor so many times as often as usual and took so much longer."""


def never_settles(trial: Trial) -> bool:
    """Whether a trial's measured blocks have no steady state."""
    found = state_of(tuple(block.step_seconds for block in trial.blocks_of(BlockKind.MEASURED)))
    return found is not None and found.kind is Steadiness.NONE


def recompiled_at(trial: Trial) -> tuple[int, ...]:
    """Return the first step of each measured block in which something was compiled."""
    found, done = [], 0
    for block in trial.blocks:
        if block.compilations:
            found.append(done + 1)
        done += block.steps
    return tuple(found)


def disturbed_rounds(trials: Sequence[Trial]) -> int:
    """Return how many measured blocks were slow while other work took the processor away.

    How often a process loses it when nothing else runs depends on its threads, so a block is held against the others of
    its cell.
    """
    rates = {
        (trial.round, block.started): block.involuntary_switches / block.seconds
        for trial in trials
        for block in trial.blocks_of(BlockKind.MEASURED)
    }
    usual = median(rates.values()) if rates else 0.0
    return sum(
        rates[trial.round, block.started] > OFTEN * max(usual, 1.0 / block.seconds)
        and block.step_seconds > (1.0 + DISTURBED) * step
        for trial in trials
        if (step := trial_step_seconds(trial)) is not None
        for block in trial.blocks_of(BlockKind.MEASURED)
    )


def is_odd(steps: dict[int, Seconds]) -> tuple[int, ...]:
    """Return the rounds of processes that are far from the median of the others."""
    odd = []
    for number, seconds in steps.items():
        others = [other for sibling, other in steps.items() if sibling != number]
        if len(others) > 1 and abs(seconds / median(others) - 1.0) > DISAGREEMENT:
            odd.append(number)
    return tuple(odd)


def cores_in_use(trial: Trial) -> float | None:
    """Return processor seconds per wall second over the measured blocks."""
    measured = trial.blocks_of(BlockKind.MEASURED)
    wall = sum(block.seconds for block in measured)
    return sum(block.cpu_seconds for block in measured) / wall if wall else None


DISAGREEMENT = 0.20
"""A process whose step time is this far from the median of its siblings is pointed out."""
