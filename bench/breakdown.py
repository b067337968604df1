"""Where the time of a step goes, from trials that left parts of it out.

break_down    each part's share of the step, from how much faster the step was without it
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from bench.records import Seconds, Trial

DATA = "data"
"""Handing over batches, where the loop does that itself."""

REST = "rest"
"""What is left when every part is left out: Python and dispatch, and whatever could not be left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakdown:
    """Seconds per step, means over processes."""

    step: Seconds | None
    """The whole step, measured beside the others with parts left out; None where no part could be."""
    parts: dict[str, Seconds]
    """"metric", "optimizer", "backward", "forward", as far as they could be left out, `DATA` and `REST`; they add up to
    the step."""
    pipeline: Seconds | None
    """Handing over batches, and nothing else. None where the framework fetches them itself."""
    step_alone: Seconds | None
    """On the same batch again and again; None where the framework fetches batches itself."""


def break_down(trials: Iterable[Trial]) -> Breakdown | None:
    """Return where the time of a loop's step goes, or None without a process.

    Args:
        trials: Finished, of one loop, all of them asked.
    """
    asked = list(trials)
    if not asked:
        return None
    ladders = [trial.ablations for trial in asked if trial.ablations]
    # Arithmetic means, so that differences of means are means of differences.
    steps = [fmean(same.step_seconds for same in rung) for rung in zip(*ladders, strict=True)]
    names = [ladders[0][place].left_out[-1] for place in range(1, len(steps))]
    parts = {name: before - after for name, (before, after) in zip(names, pairwise(steps), strict=True)}
    pipeline = _mean(trial.pipeline_seconds for trial in asked)
    if steps:
        data = {} if pipeline is None else {DATA: pipeline}
        parts |= data | {REST: steps[-1] - sum(data.values())}
    return Breakdown(
        step=steps[0] if steps else None,
        parts=parts,
        pipeline=pipeline,
        step_alone=_mean(trial.step_alone_seconds for trial in asked),
    )


def _mean(values: Iterable[Seconds | None]) -> Seconds | None:
    """Return the mean of what is known, or None."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
