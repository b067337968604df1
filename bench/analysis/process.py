"""What one process counts: the unit of evidence."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from bench.analysis.one_level import stay_on_one_level
from bench.analysis.own_time import paid_step_seconds
from bench.analysis.steady import SteadyState, steady_state
from bench.records.trial import Block, BlockKind, Trial
from bench.units import Seconds


def trial_step_seconds(trial: Trial) -> Seconds | None:
    """Return total time over total steps of a finished trial once it is settled, see `bench.analysis.own_time`."""
    steady = steady_blocks(trial)
    return paid_step_seconds(trial, steady) if steady else None


def steady_blocks(trial: Trial) -> tuple[Block, ...]:
    """Return a finished trial's measured blocks from where it holds still; all of them if it never does."""
    measured = trial.blocks_of(BlockKind.MEASURED)
    if trial.failure is not None or not measured:
        return ()
    found = state_of(tuple(block.step_seconds for block in measured))
    return measured if found is None or found.start is None else measured[found.start :]


@lru_cache(maxsize=1 << 16)
def state_of(step_seconds: tuple[Seconds, ...]) -> SteadyState | None:
    """Return what `steady_state` finds; every trial is asked for several times."""
    return steady_state(step_seconds)


def step_seconds_of(trials: Sequence[Trial]) -> list[Seconds | None]:
    """Return `trial_step_seconds` of many trials, in order; most of the work is done for all of them at once."""
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for place, trial in enumerate(trials):
        if trial.failure is None:
            alike[len(trial.blocks_of(BlockKind.MEASURED))].append(place)
    found: list[Seconds | None] = [None] * len(trials)
    for count, places in alike.items():
        if count == 0:
            continue
        measured = [trials[place].blocks_of(BlockKind.MEASURED) for place in places]
        levels = stay_on_one_level([[block.step_seconds for block in blocks] for blocks in measured])
        for place, blocks, one in zip(places, measured, levels, strict=True):
            trial = trials[place]
            found[place] = paid_step_seconds(trial, blocks) if one else trial_step_seconds(trial)
    return found
