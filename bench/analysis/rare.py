"""What rare slow steps cost: the ends of epochs, compiling again, garbage collection, slow inputs.

They are in the step time, which is total time over total steps (`bench.analysis.own_time`); here is told which part of
it they are, and what happened in them, so that nobody looks for it in each step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from bench.analysis import epoch_ends
from bench.analysis.own_time import ends_of_epochs, own, parts
from bench.analysis.process import steady_blocks, trial_step_seconds
from bench.records.trial import Block, Trial, interquartile_mean
from bench.units import Seconds
from loops.contract import Track

SLOW = 0.10
"""A block is slow when its steps take a tenth longer than those of its process usually do."""


IDLE = 0.5
"""Of a block's time, processor time below which it was spent waiting."""


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
    """Of the step time, what slow blocks of each cause took beyond the usual step; what ends of epochs take, once per
    epoch, however many were met."""
    ends: int
    """Ends of epochs that were met while it was measured."""
    ends_in: int
    """Processes that met one."""
    waits_for_tuning: bool
    """Whether ends of epochs pass without the processor where a pipeline feeds TensorFlow: what tunes tf.data sleeps,
    and is waited for."""
    pseudo_values: dict[int, Seconds] | None
    """Round -> seconds per step for intervals, see `bench.analysis.epoch_ends`; None where they are those of the
    processes."""


def of_cell(trials: Sequence[Trial]) -> RareCosts | None:
    """Return what rare slow steps cost a loop; None without a finished process.

    Args:
        trials: Of one cell, those that count.
    """
    alone = {trial.round: seconds for trial in trials if (seconds := trial_step_seconds(trial)) is not None}
    paid = epoch_ends.with_ends(trials, alone)
    parts = [_of_trial(trial, paid=paid[trial.round]) for trial in trials if trial.round in paid]
    if not parts:
        return None
    ends, ends_in = epoch_ends.ends_met(trials)
    return RareCosts(
        share=max(0.0, fmean(share for share, _ in parts)),
        shares={cause: share for cause in Cause if (share := fmean(shares.get(cause, 0.0) for _, shares in parts)) > 0},
        ends=ends,
        ends_in=ends_in,
        waits_for_tuning=_waits_for_tuning(trials),
        pseudo_values=None if paid == alone else epoch_ends.evidence(trials, alone),
    )


def _of_trial(trial: Trial, *, paid: Seconds) -> tuple[float, dict[Cause, float]]:
    """Return share and shares by cause of one process of which a step costs so much."""
    steady = steady_blocks(trial)
    counted, apart = own(steady), parts(trial, steady)
    usual = interquartile_mean([block.step_seconds for block in counted])
    total = paid * sum(block.steps for block in counted)
    kept = {id(block) for block in counted}
    shares: dict[Cause, float] = {}
    for block, cause in _causes(trial):
        apart_already = cause is Cause.EPOCH_END and not apart.ends_within
        if id(block) in kept and not apart_already and block.step_seconds > (1.0 + SLOW) * usual:
            shares[cause] = shares.get(cause, 0.0) + (block.seconds - block.steps * usual) / total
    if paid > apart.step and not apart.ends_within:
        shares[Cause.EPOCH_END] = 1.0 - apart.step / paid
    return 1.0 - usual / paid, shares


def _waits_for_tuning(trials: Sequence[Trial]) -> bool:
    """Whether most of the blocks in which epochs end is spent without a processor, and a pipeline feeds TensorFlow."""
    ended = [
        trial.blocks[place]
        for trial in trials
        if "tensorflow" in trial.versions and trial.cell.track != Track.MATCHED
        for place in ends_of_epochs(trial)
    ]
    return sum(block.cpu_seconds for block in ended) < IDLE * sum(block.seconds for block in ended)


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
