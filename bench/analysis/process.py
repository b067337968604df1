"""What one process counts: the unit of evidence."""

from functools import lru_cache

from bench.analysis.steady import SteadyState, steady_state
from bench.records.trial import Block, BlockKind, Trial, interquartile_mean
from bench.units import Seconds


def trial_step_seconds(trial: Trial) -> Seconds | None:
    """Return the interquartile mean over a finished trial's steady blocks of the block's mean seconds per step."""
    steady = steady_blocks(trial)
    return interquartile_mean([block.step_seconds for block in steady]) if steady else None


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
