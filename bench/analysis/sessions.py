"""What two sessions of one machine differ by, the same thing measured in both.

No number of rounds in one run shows it. Runs that are stored on a machine do: what the same loop, of the same source
and under the same versions, took as a multiple of the kernel's step differs from one run to the next by more than their
own rounds let expect. The largest quarter of the differences does not count, for among them are changes that no source
tells, such as of a module that the loop imports.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log, sqrt
from statistics import fmean, variance

import numpy as np

from bench.analysis import between, epoch_ends, starvation
from bench.analysis.process import trial_step_seconds
from bench.records.stored_run import Run
from bench.records.trial import Trial
from bench.units import Seconds

DEFAULT = 0.02
"""Standard deviation where nothing is known; quiet machines are below it."""

WORTH = 2
"""The default counts as so many differences: a few runs that happen to agree do not do away with it."""

FEWEST_ROUNDS = 2
"""For a variance."""

_KEPT = 0.75
"""Share of the differences that counts, the smallest."""

_SHORT = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Sessions:
    """What two sessions differ by."""

    deviation: float
    """Standard deviation of the logarithm, after calibration."""
    freedom: float
    """Degrees of freedom that it has; infinite where it is the default."""
    runs: int
    """Stored runs that told it; 0 where it is the default."""


UNKNOWN = Sessions(deviation=DEFAULT, freedom=inf, runs=0)


def of_machine(runs: Iterable[Run]) -> Sessions:
    """Return what the sessions of one machine differ by.

    Args:
        runs: Stored on it, in the order of their time, none of which is about to be compared.

    Returns:
        The default, weighed against what the runs say; the default alone where no loop was measured in two.
    """
    told: defaultdict[Hashable, list[tuple[str, float, float]]] = defaultdict(list)
    for run in runs:
        for what, mean, squared_error in _shares(run):
            told[what].append((run.header.run_id, mean, squared_error))
    groups = [found for found in told.values() if len(found) > 1]
    if not groups:
        return UNKNOWN
    pairs = [pair for found in groups for pair in pairwise(found)]
    seen = between.variance(
        np.array([(later - one) ** 2 for (_, one, _), (_, later, _) in pairs]),
        within=np.array([square + another for (*_, square), (*_, another) in pairs]),
        kept=_KEPT,
    )
    # Loops of one run share its session, so that there are as many differences as runs tell and no more.
    differences = max(len(found) for found in groups) - 1
    mixed = (differences * seen + WORTH * DEFAULT**2) / (differences + WORTH)
    return Sessions(
        deviation=sqrt(mixed),
        freedom=differences + WORTH,
        runs=len({name for found in groups for name, *_ in found}),
    )


def kernel_steps(run: Run) -> dict[int, Seconds]:
    """Return round -> the kernel's seconds per step."""
    return _steps(starvation.sound(run, run.calibration))


def kernel_facts(trial: Trial) -> dict[str, str]:
    """Return what a kernel's speed depends on besides the machine."""
    return {
        "source": f"{trial.loop_sha256} {trial.workload_sha256}"[:_SHORT],
        "cell": str(trial.cell),
        **{name: version for name, version in trial.versions.items() if name in ("python", "numpy")},
    }


def _shares(run: Run) -> Iterator[tuple[Hashable, float, float]]:
    """Yield what was measured, the mean logarithm of its steps as multiples of the kernel's, and its squared error."""
    kernel = kernel_steps(run)
    calibrated_by = next((tuple(kernel_facts(trial).items()) for trial in run.calibration), ())
    how = (run.header.plan.schedule, run.header.plan.run_in_seconds, run.header.dataset.sha256, calibrated_by)
    for cell in run.header.plan.cells:
        finished = [trial for trial in starvation.sound(run, run.trials_of(cell)) if trial.failure is None]
        steps = epoch_ends.evidence(finished, _steps(finished))
        shares = [log(step / kernel[number]) for number, step in steps.items() if number in kernel]
        if len(shares) >= FEWEST_ROUNDS:
            last = finished[-1]
            what = (cell, last.loop_sha256, last.workload_sha256, *sorted(last.versions.items()), how)
            yield what, fmean(shares), variance(shares) / len(shares)


def _steps(trials: Iterable[Trial]) -> dict[int, Seconds]:
    """Return round -> seconds per step, where there is one."""
    pairs = ((trial.round, trial_step_seconds(trial)) for trial in trials)
    return {number: seconds for number, seconds in pairs if seconds is not None}
