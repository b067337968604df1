"""What rare slow steps cost: the ends of epochs, compiling again, garbage collection, slow inputs.

They are in the step time, which is total time over total steps (`bench.analysis.own_time`); here is told which part of
it they are, and what happened in them, so that nobody looks for it in each step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from bench.analysis.own_time import ends_of_epochs, own, paid_step_seconds
from bench.analysis.process import steady_blocks
from bench.records.trial import Block, Trial, interquartile_mean

SLOW = 0.10
"""A block is slow when its steps take a tenth longer than those of its process usually do."""


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
    """Which part of the step time of a loop most of its steps do not take, over all its processes."""

    share: float
    """Of the step time, what it is above the mean of the middle half of the blocks: 0.05 reads 5 %; never negative."""
    shares: dict[Cause, float]
    """Of the step time, what slow blocks of each cause took beyond the usual step."""


def of_cell(trials: Sequence[Trial]) -> RareCosts | None:
    """Return what rare slow steps cost a loop; None without a finished process.

    Args:
        trials: Of one cell, those that count.
    """
    parts = [found for trial in trials if (found := _of_trial(trial)) is not None]
    if not parts:
        return None
    return RareCosts(
        share=max(0.0, fmean(share for share, _ in parts)),
        shares={cause: share for cause in Cause if (share := fmean(shares.get(cause, 0.0) for _, shares in parts)) > 0},
    )


def _of_trial(trial: Trial) -> tuple[float, dict[Cause, float]] | None:
    """Return share and shares by cause of one process."""
    steady = steady_blocks(trial)
    if not steady:
        return None
    counted = own(steady)
    usual, paid = interquartile_mean([block.step_seconds for block in counted]), paid_step_seconds(trial, steady)
    total = paid * sum(block.steps for block in counted)
    kept = {id(block) for block in counted}
    shares: dict[Cause, float] = {}
    for block, cause in _causes(trial):
        if id(block) in kept and block.step_seconds > (1.0 + SLOW) * usual:
            shares[cause] = shares.get(cause, 0.0) + (block.seconds - block.steps * usual) / total
    return 1.0 - usual / paid, shares


def _causes(trial: Trial) -> Iterator[tuple[Block, Cause]]:
    """Yield each block with what would explain that it is slow."""
    ends = ends_of_epochs(trial)
    for place, block in enumerate(trial.blocks):
        if block.compilations:
            yield block, Cause.COMPILED
        elif place in ends:
            yield block, Cause.EPOCH_END
        else:
            yield block, Cause.NOT_TOLD if block.waited_seconds is None else Cause.OTHER
