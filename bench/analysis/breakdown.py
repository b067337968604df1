"""Where the time of a step goes, from processes that left parts of it out.

break_down    each part's share of the step, from how much faster the step was without it
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, geometric_mean, median

from bench.records.trial import Trial
from bench.units import Seconds

DATA = "data"
"""Handing over batches, where the loop does that itself."""

REST = "rest"
"""What is left when every part is left out: Python and dispatch, and whatever could not be left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakdown:
    """Seconds per step."""

    parts: dict[str, Seconds]
    """"metric", "optimizer", "backward", "forward", as far as they could be left out, `DATA` and `REST`; they add up to
    the step that is ranked."""
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
    return Breakdown(
        # Arithmetic means, so that what adds up in each process adds up in the end.
        parts={name: step * fmean(shares[name] for shares in found) for name in (found[0] if found else ())},
        agreement=median(wholes) if wholes else None,
        pipeline=_mean(trial.pipeline_seconds for trial in asked),
        step_alone=_mean(trial.step_alone_seconds for trial in asked),
    )


def _shares(trial: Trial) -> dict[str, float]:
    """Return part -> share of the step, in one process; nothing where no part could be left out."""
    if not trial.ablations:
        return {}
    whole, *_ = times = [one.step_seconds for one in trial.ablations]
    names = [one.left_out[-1] for one in trial.ablations[1:]]
    parts = {name: (before - after) / whole for name, (before, after) in zip(names, pairwise(times), strict=True)}
    data = {} if trial.pipeline_seconds is None else {DATA: trial.pipeline_seconds / whole}
    return parts | data | {REST: 1.0 - sum(parts.values()) - sum(data.values())}


def _mean(values: Iterable[Seconds | None]) -> Seconds | None:
    """Return the mean of what is known, or None."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
