"""Where the time of a step goes, from processes that left parts of it out.

break_down    each part's share of the step, from how much faster the step was without it, with an interval
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from statistics import fmean, geometric_mean, median, stdev

from scipy.special import stdtrit

from bench.records.trial import Ablation, Trial
from bench.units import Seconds

CONFIDENCE = 0.95
_FEWEST = 2
"""Values that have a spread."""

DATA = "data"
"""Handing over batches, where the loop does that itself."""

REST = "rest"
"""What is left when every part is left out: Python and dispatch, and whatever could not be left out."""

STEP, FIT_STEP = "step", "fit step"
"""All of a step, or what is compiled of it; without it, the rest is the loop around it or `fit()` itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """Between which a part's seconds are, with `CONFIDENCE`."""

    low: Seconds
    """Below zero where leaving the part out saved no more than the blocks differ."""
    high: Seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakdown:
    """Seconds per step."""

    parts: dict[str, Seconds]
    """"metric", "optimizer", "backward", "forward", `STEP` or `FIT_STEP`, as far as they could be left out, `DATA` and
    `REST`; they add up to the step that is ranked."""
    bounds: dict[str, Bounds] = field(default_factory=dict)
    """Of the same parts; over rounds where there are several, else over blocks. Of none that one block tells."""
    agreement: float | None
    """The whole step in the process that leaves parts out, over the one that is ranked; median over rounds. As far from
    1 as two processes of one loop are apart. None where there are no parts."""
    pipeline: Seconds | None
    """Handing over batches, and nothing else; mean. None where the framework fetches them itself."""
    step_alone: Seconds | None
    """On the same batch again and again; mean. None where the framework fetches batches itself."""


def break_down(trials: Iterable[Trial], *, steps: Mapping[int, Seconds]) -> Breakdown | None:
    """Return where the time of a loop's step goes, or None without a process.

    Parts are shares of the whole step in the process that left them out, which took turns with the one that is ranked:
    two processes of one loop differ a little, in the whole as much as in its parts.

    Args:
        trials: Finished, of one loop, all of them asked.
        steps: Round -> seconds per step, as they are ranked.
    """
    asked = [trial for trial in trials if trial.round in steps]
    if not asked:
        return None
    found = [shares for trial in asked if (shares := _shares(trial))]
    step = geometric_mean(steps[trial.round] for trial in asked)
    wholes = [trial.ablations[0].step_seconds / steps[trial.round] for trial in asked if trial.ablations]
    # Arithmetic means, so that what adds up in each process adds up in the end.
    parts = {name: step * fmean(shares[name] for shares in found) for name in (found[0] if found else ())}
    return Breakdown(
        parts=parts,
        bounds=_bounds_over_rounds(found, step=step) if len(found) > 1 else _bounds_over_blocks(asked, parts=parts),
        agreement=median(wholes) if wholes else None,
        pipeline=_mean(trial.pipeline_seconds for trial in asked),
        step_alone=_mean(trial.step_alone_seconds for trial in asked),
    )


def _shares(trial: Trial) -> dict[str, float]:
    """Return part -> share of the step, in one process; nothing where no part could be left out."""
    if not trial.ablations:
        return {}
    whole, *_ = times = [one.step_seconds for one in trial.ablations]
    rungs = zip(_names(trial), pairwise(times), strict=True)
    parts = {name: (before - after) / whole for name, (before, after) in rungs}
    data = {} if trial.pipeline_seconds is None else {DATA: trial.pipeline_seconds / whole}
    return parts | data | {REST: 1.0 - sum(parts.values()) - sum(data.values())}


def _names(trial: Trial) -> list[str]:
    """Return the parts that a process left out, in its order."""
    return [one.left_out[-1] for one in trial.ablations[1:]]


def _bounds_over_rounds(found: Sequence[Mapping[str, float]], *, step: Seconds) -> dict[str, Bounds]:
    """Return the bounds of each part from what several processes found."""
    return {name: _student([step * shares[name] for shares in found]) for name in found[0]}


def _bounds_over_blocks(asked: Sequence[Trial], *, parts: Mapping[str, Seconds]) -> dict[str, Bounds]:
    """Return the bounds of each part from the blocks of a single process, each against the one before it in its turn.

    Centred on the part itself, which comes from the middle half of the blocks.
    """
    ladder: Sequence[Ablation] = next((trial.ablations for trial in asked if trial.ablations), ())
    names = _names(next(trial for trial in asked if trial.ablations)) if ladder else []
    found = {}
    for name, (before, after) in zip(names, pairwise(ladder), strict=True):
        saved = [a - b for a, b in zip(before.block_step_seconds, after.block_step_seconds, strict=False)]
        if len(saved) > 1:
            half = _half_width_of_middle(saved)
            found[name] = Bounds(low=parts[name] - half, high=parts[name] + half)
    return found


def _half_width_of_middle(values: Sequence[float]) -> float:
    """Return half the width of the interval around an interquartile mean of at least two values.

    With Winsorised values for the spread, as what is cut off would have widened it. Source: Tukey and McLaughlin,
    Sankhya A 25, 1963.
    """
    ordered, cut = sorted(values), len(values) // 4
    kept = len(values) - 2 * cut
    if kept < _FEWEST:
        return _half_width(values)
    winsorised = [min(max(value, ordered[cut]), ordered[-cut - 1]) for value in values]
    error = stdev(winsorised) * sqrt(len(values)) / kept
    return float(stdtrit(kept - 1, 0.5 + CONFIDENCE / 2.0)) * error


def _student(values: Sequence[float]) -> Bounds:
    """Return Student's interval around the arithmetic mean of at least two values."""
    half = _half_width(values)
    return Bounds(low=fmean(values) - half, high=fmean(values) + half)


def _half_width(values: Sequence[float]) -> float:
    """Return half the width of Student's interval around the arithmetic mean of at least two values."""
    return float(stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2.0)) * stdev(values) / sqrt(len(values))


def _mean(values: Iterable[Seconds | None]) -> Seconds | None:
    """Return the mean of what is known, or None."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
