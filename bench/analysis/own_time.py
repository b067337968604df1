"""What a step takes in time that is paid for: total time over total steps, whatever the loop did in it.

    paid_step_seconds    seconds per step of some blocks of a process
    parts                the same with the ends of epochs apart
    taken_away           whether others had the processor in a block: then its time says nothing of the loop
    ends_of_epochs       in which blocks epochs end

Somebody who trains waits for rare slow steps too: compiling again, garbage collection, a late input, the end of an
epoch. So nothing is cut off that the loop itself spent, however seldom; only what the machine took is left out. The
ends of epochs are the one thing that a measurement meets more or less often than training does, by chance of where it
begins and stops: what they cost beyond their block's steps is counted once per epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from statistics import fmean

from bench.records.trial import Block, Trial
from bench.units import Seconds

LIMIT = 0.10
"""Others had the processor when they took a tenth of the time or more: several times the margin, and more than what
shuffled turns spread evenly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What some blocks of a process took, the ends of epochs apart where there are blocks without one."""

    step: Seconds
    """Per step, without what is apart."""
    ends: int
    """Ends of epochs that are apart."""
    beyond: Seconds
    """What their blocks took beyond their steps, all together."""
    variance: float
    """Of that, in seconds squared, by what blocks without an end differ."""
    ends_within: bool
    """Whether each block has an end in it, which is in the step then, in its right proportion."""


def taken_away(block: Block) -> bool:
    """Whether others took the processor away in a block, so that its time says nothing of the loop.

    Only where the system counts waiting: a block is too short for anything else to tell. Never one in which the process
    was not switched away once, which is the loop's own, however it spent the time.
    """
    waited, used = block.waited_seconds or 0.0, block.cpu_seconds / block.seconds
    return block.involuntary_switches > 0 and waited >= LIMIT * block.seconds * max(1.0, used)


def own(blocks: Sequence[Block]) -> Sequence[Block]:
    """Return the blocks that were not taken away; all of them where none is left."""
    return [block for block in blocks if not taken_away(block)] or blocks


def ends_of_epochs(trial: Trial) -> dict[int, int]:
    """Return how many epochs end in each block of a trial, by place; blocks with none are left out.

    An epoch ends in the block in which the count of steps, first call and warm-up included, passes a multiple of its
    length.
    """
    found, done, epoch = {}, 0, trial.steps_per_epoch
    for place, block in enumerate(trial.blocks if epoch else ()):
        assert epoch is not None  # or there is nothing to go through
        before, done = done, done + block.steps
        if ended := done // epoch - before // epoch:
            found[place] = ended
    return found


def paid_step_seconds(trial: Trial, blocks: Sequence[Block]) -> Seconds:
    """Return what a step of a process costs, the ends of epochs in their right proportion.

    With s the steps and t the seconds of blocks in which no epoch ends, a step without one takes b = sum t / sum s. An
    epoch's end takes e = mean over ends of what their blocks took beyond b per step, and a step costs b + e / (steps of
    an epoch). Where each block has an end in it, or none has, it is total time over total steps. What a process that
    met no end says of them, the others of its loop tell: `bench.analysis.epoch_ends`.

    Args:
        trial: The process.
        blocks: Of it, those that count; at least one.
    """
    found = parts(trial, blocks)
    if not found.ends:
        return found.step
    assert trial.steps_per_epoch is not None  # or no epoch would have ended
    return found.step + max(0.0, found.beyond / found.ends) / trial.steps_per_epoch


def parts(trial: Trial, blocks: Sequence[Block]) -> Parts:
    """Return what some blocks of a process took, the ends of epochs apart where that can be told.

    Args:
        trial: The process.
        blocks: Of it, those that count; at least one.
    """
    counted = own(blocks)
    kept = {id(block) for block in counted}
    ends = ends_of_epochs(trial)
    ended = [ends.get(place, 0) for place, block in enumerate(trial.blocks) if id(block) in kept] if ends else []
    plain = [block for block, count in zip(counted, ended, strict=True) if not count] if ended else counted
    if not plain:
        return Parts(step=_mean(counted), ends=0, beyond=0.0, variance=0.0, ends_within=True)
    step = _mean(plain)
    beyond = [block.seconds - block.steps * step for block in compress(counted, ended)]
    noise = fmean((block.seconds - block.steps * step) ** 2 for block in plain)
    return Parts(step=step, ends=sum(ended), beyond=sum(beyond), variance=len(beyond) * noise, ends_within=False)


def _mean(blocks: Sequence[Block]) -> Seconds:
    """Return total time over total steps."""
    return sum(block.seconds for block in blocks) / sum(block.steps for block in blocks)
