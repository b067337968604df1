"""What rare slow steps cost: the ends of epochs, compiling again, garbage collection, slow inputs.

    of_cell               total time over total steps against the step time that is shown, and where the rest comes from
    speed_up_of_totals    what that makes of a speed-up; `bench.analysis.verdict` holds its word to it

The step time of a process is the mean of the middle half of its blocks, which nothing rare moves, whether it comes from
the machine or from the loop. What the machine took is known (`bench.analysis.starvation`) and left out here; all other
time is the loop's own, and somebody who trains pays for it. So a verdict has to hold for total time as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from statistics import fmean

from bench.analysis.intervals import Interval
from bench.analysis.process import steady_blocks
from bench.analysis.starvation import taken_away
from bench.records.trial import Block, BlockKind, Trial, interquartile_mean

SLOW = 0.10
"""A block is slow when its steps take a tenth longer than those of its process."""


class Cause(StrEnum):
    """What happened in slow blocks."""

    COMPILED = "compiled again"
    EPOCH_END = "end of an epoch"
    OTHER = "other steps"
    """Garbage collection, an input that came late, a checkpoint: whatever nobody counts, and the machine did not do."""
    NOT_TOLD = "loop or machine, not told"
    """Likewise where nothing counts how long threads waited for a processor, so that it may have been the machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RareCosts:
    """What the step time of a loop does not show, over all its processes."""

    factor: float
    """Total time over total steps, as a multiple of the step time: 1.05 reads 5 % more. Geometric mean."""
    shares: dict[Cause, float]
    """What slow blocks of each cause took beyond the step time, as a share of what the step time stands for."""


def of_cell(trials: Sequence[Trial]) -> RareCosts | None:
    """Return what rare slow steps cost a loop; None without a finished process.

    Args:
        trials: Of one cell, those that count.
    """
    parts = [found for trial in trials if (found := _of_trial(trial)) is not None]
    if not parts:
        return None
    return RareCosts(
        factor=exp(fmean(log(factor) for factor, _ in parts)),
        shares={cause: share for cause in Cause if (share := fmean(shares.get(cause, 0.0) for _, shares in parts)) > 0},
    )


def speed_up_of_totals(speed_up: Interval | None, *, base: RareCosts | None, new: RareCosts | None) -> float | None:
    """Return what a speed-up of step times is in total time over total steps; None without one."""
    if speed_up is None:
        return None
    base_factor, new_factor = (1.0 if one is None else one.factor for one in (base, new))
    return speed_up.estimate * base_factor / new_factor


def _of_trial(trial: Trial) -> tuple[float, dict[Cause, float]] | None:
    """Return factor and shares of one process."""
    steady = steady_blocks(trial)
    own = [block for block in steady if not taken_away(block)] or list(steady)
    if not own:
        return None
    step = interquartile_mean([block.step_seconds for block in steady])
    steps = sum(block.steps for block in own)
    shares: dict[Cause, float] = {}
    kept = {id(block) for block in own}
    for block, cause in _causes(trial):
        if id(block) in kept and block.step_seconds > (1.0 + SLOW) * step:
            more = (block.seconds - block.steps * step) / (steps * step)
            shares[cause] = shares.get(cause, 0.0) + more
    return sum(block.seconds for block in own) / steps / step, shares


def _causes(trial: Trial) -> Iterator[tuple[Block, Cause]]:
    """Yield each measured block with what would explain that it is slow."""
    done, epoch = 0, trial.steps_per_epoch
    for block in trial.blocks:
        before, done = done, done + block.steps
        if block.kind is not BlockKind.MEASURED:
            continue
        if block.compilations:
            yield block, Cause.COMPILED
        elif epoch and before // epoch < done // epoch:
            yield block, Cause.EPOCH_END
        else:
            yield block, Cause.NOT_TOLD if block.waited_seconds is None else Cause.OTHER
