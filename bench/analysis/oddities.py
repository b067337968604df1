"""What is odd about the processes of a loop: they never settle, compile while they are measured, or were disturbed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.analysis.process import state_of, steady_blocks, trial_step_seconds
from bench.analysis.rare import RareCosts
from bench.analysis.starvation import Starvation
from bench.analysis.steady import Steadiness
from bench.records.trial import BlockKind, Trial
from bench.units import Seconds

OFTEN, DISTURBED = 4.0, 0.10
"""A block is disturbed when it lost the processor so many times as often as usual and took so much longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Oddities:
    """What is odd about the processes of a loop."""

    unsteady_rounds: tuple[int, ...]
    """Rounds whose process never settled: its step time is that of all its blocks, and should not be quoted."""
    excluded_blocks: int
    """Measured blocks that were left out, because the process was shown to be warming up still."""
    recompiled_steps: tuple[int, ...]
    """Of the first process in which the framework compiled again while it was measured: the first step, counted from
    1, of each such block."""
    disturbed_blocks: int
    """Blocks that were slow and in which the operating system took the processor away unusually often."""
    odd_rounds: tuple[int, ...]
    """Rounds whose process is more than `DISAGREEMENT` away from the median of the other processes of its loop."""
    starvation: Starvation | None = None
    """In which rounds other work took the processor away, which are left out; None where it did not."""
    rare: RareCosts | None = None
    """Which part of the step time most steps do not take; None without a process."""


def of_processes(
    finished: Sequence[Trial], *, steps: dict[int, Seconds], starvation: Starvation | None, rare: RareCosts | None
) -> Oddities:
    """Return what is odd about the processes of a loop.

    Args:
        finished: Its trials that have numbers.
        steps: Round -> seconds per step, of those that count.
        starvation: What other work did to them.
        rare: Which part of their step times most steps do not take.
    """
    return Oddities(
        unsteady_rounds=tuple(trial.round for trial in finished if never_settles(trial)),
        excluded_blocks=sum(len(trial.blocks_of(BlockKind.MEASURED)) - len(steady_blocks(trial)) for trial in finished),
        recompiled_steps=next((found for trial in finished if (found := recompiled_at(trial))), ()),
        disturbed_blocks=disturbed_rounds(finished),
        odd_rounds=is_odd(steps),
        starvation=starvation,
        rare=rare,
    )


def never_settles(trial: Trial) -> bool:
    """Whether a trial's measured blocks have no steady state."""
    found = state_of(tuple(block.step_seconds for block in trial.blocks_of(BlockKind.MEASURED)))
    return found is not None and found.kind is Steadiness.NONE


def recompiled_at(trial: Trial) -> tuple[int, ...]:
    """Return the first step of each block in which something was compiled."""
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
"""A process whose step time is this far from the median of the other processes of its loop is pointed out."""
