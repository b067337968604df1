"""When a process is warm, and how many steps make a block: from steps that were timed."""

from math import ceil

from bench.records.trial import Block
from bench.units import Seconds
from bench.worker.messages import TrialRequest
from loops.contract import Loop

WARM_UP_STEPS = 20
"""At least this many steps are left out: compilers come back for a second pass within the first few."""

FEWEST_WARM_UP_STEPS, LONGEST_WARM_UP_SECONDS = 3, 3.0
"""Where steps are slow, fewer are left out: three of them at least, and no more once that took three seconds."""

WARM_UP_SECONDS: Seconds = 0.3
"""At least this long: allocators, caches and clock frequencies settle within about a tenth of a second."""

FEWEST_BLOCKS = 10
"""Where a single step takes longer than a block should, fewer blocks are measured, but some may be disturbed."""

FEWEST_LONG_BLOCKS, LONG_SECONDS = 3, 30.0
"""Where ten of them would take longer than half a minute: what disturbs one is short beside it, and processes differ by
more than their blocks do."""

LONGEST_TURN_SECONDS: Seconds = 1.0
"""Others wait meanwhile, and the machine drifts."""


def is_warm(*, steps: int, seconds: Seconds) -> bool:
    """Whether enough is left out of the measurement."""
    if steps >= FEWEST_WARM_UP_STEPS and seconds >= LONGEST_WARM_UP_SECONDS:
        return True
    return steps >= WARM_UP_STEPS and seconds >= WARM_UP_SECONDS


def steps_within(seconds: Seconds, *, block: Block, loop: Loop) -> int:
    """Return how many steps, in whole calls and at least one, take no longer than this if they go on like a block."""
    return max(1, int(seconds / block.step_seconds / loop.steps_per_call)) * loop.steps_per_call


def steps_per_block(request: TrialRequest, *, step_seconds: Seconds, steps_per_call: int) -> int:
    """Return a multiple of ``steps_per_call``: as many steps as fill a block.

    Of steps that the user fixed, no more than leave the fewest blocks, and so many that no more blocks are needed than
    there are.
    """
    wanted, fewest_calls = request.block_seconds / step_seconds, 1
    if request.steps:
        wanted = min(wanted, request.steps / FEWEST_BLOCKS)
        fewest_calls = ceil(request.steps / (request.blocks * steps_per_call))
    return max(fewest_calls, round(wanted / steps_per_call)) * steps_per_call


def run_in_steps(request: TrialRequest, *, step_seconds: Seconds, steps_per_call: int) -> int:
    """Return a multiple of ``steps_per_call``: as many steps as fill the run-in; 0 where one call takes twice as long.

    So a long step pays no more for its pause than others, and one that dwarfs it pays nothing.
    """
    return round(request.run_in_seconds / step_seconds / steps_per_call) * steps_per_call


def measured_blocks(request: TrialRequest, *, steps: int, step_seconds: Seconds) -> int:
    """Return how many blocks make up the steps that the user fixed, or fit into the time that was meant for them."""
    if request.steps:
        return min(request.blocks, ceil(request.steps / steps))
    each = steps * step_seconds
    affordable = int(request.blocks * request.block_seconds / each)
    fewest = max(FEWEST_LONG_BLOCKS, min(FEWEST_BLOCKS, int(LONG_SECONDS / each)))
    return min(request.blocks, max(fewest, affordable))


def blocks_per_turn(request: TrialRequest, *, steps: int, step_seconds: Seconds) -> int:
    """Return how many blocks follow one another in a turn: as many as are asked for, fewer where they are long."""
    return max(1, min(request.blocks_per_turn, int(LONGEST_TURN_SECONDS / (steps * step_seconds))))
