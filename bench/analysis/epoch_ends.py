"""Ends of epochs that are longer than what a process trains: what all processes of a loop know of them together.

    ends_met      how many ends the processes of a loop met while they were measured, and how many met one
    with_ends     what each process counts, what an end costs taken from all
    evidence      the same for intervals, which then know from how few ends that comes

A process that trains 300 of the 1,562 steps of an epoch meets its end or does not, by chance, in a measured block or in
the run-in before it. So the mean of all that were met is added to each process, those in run-ins by what they took
beyond other run-ins. Where that is no more than what blocks differ by anyway, there is nothing to add: each process
counts its own blocks. That mean is common to all of them, so what they still differ by would tell nothing
of how well it is known: intervals are taken over pseudo-values of the jackknife, which leave out each process with the
ends that it met (Tukey, "Bias and confidence in not-quite large samples", Annals of Mathematical Statistics 29, 1958;
Efron and Stein, "The jackknife estimate of variance", Annals of Statistics 9, 1981).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import exp, log, sqrt
from statistics import fmean

from scipy.special import stdtrit

from bench.analysis.intervals import CONFIDENCE
from bench.analysis.own_time import Parts, ends_of_epochs, parts
from bench.analysis.process import steady_blocks
from bench.records.trial import Block, BlockKind, Trial
from bench.units import Seconds

SURE = 3.0
"""Standard errors that ends have to cost, by what blocks without one differ; less is nothing to share."""

_QUANTILE = (1.0 + CONFIDENCE) / 2.0


def ends_met(trials: Sequence[Trial]) -> tuple[int, int]:
    """Return how many ends of epochs these processes met while it was their turn, and how many met one."""
    found = [_ends(trial) for trial in trials]
    return sum(found), sum(map(bool, found))


def with_ends(trials: Sequence[Trial], steps: Mapping[int, Seconds]) -> dict[int, Seconds]:
    """Return round -> seconds per step, where some processes met no end with the mean of those that others met.

    Args:
        trials: Of one cell.
        steps: Round -> what a process counts by itself; others are left out.
    """
    apart = _apart(trials, steps)
    return dict(steps) if apart is None else _counted(apart, steps, epoch=_epoch(trials))


def evidence(trials: Sequence[Trial], steps: Mapping[int, Seconds]) -> dict[int, Seconds]:
    """Return the same as pseudo-values: their geometric mean is that of `with_ends`, and their spread is honest.

    With T the mean logarithm of all n processes and T_i that without process i and its ends, the logarithm of each is
    T + (n - 1) (mean of T_i - T_i). Where all ends cost the same, it is what `with_ends` returns. What it is off that
    by comes from the m processes that met an end, and an interval will take it for n: it is widened by the ratio of
    Student's t for m - 1 and for n - 1. From one process nothing tells how ends differ; leaving it out leaves none. The
    only process of a cell counts what it counts: an interval has nothing to be of.

    Args:
        trials: Of one cell.
        steps: Round -> what a process counts by itself; others are left out.
    """
    apart = _apart(trials, steps)
    if apart is None:
        return dict(steps)
    epoch, count = _epoch(trials), len(steps)
    counted = _counted(apart, steps, epoch=epoch)
    if count == 1:
        return counted
    whole = _mean_logarithm(counted)
    without = {}
    for left_out in steps:
        rest = {number: found for number, found in apart.items() if number != left_out}
        others = {number: seconds for number, seconds in steps.items() if number != left_out}
        without[left_out] = _mean_logarithm(_counted(rest, others, epoch=epoch))
    middle, met = fmean(without.values()), sum(one.ends > 0 for one in apart.values())
    wider = float(stdtrit(met - 1, _QUANTILE) / stdtrit(count - 1, _QUANTILE)) if met > 1 else 1.0
    return {
        number: exp((1.0 - wider) * log(counted[number]) + wider * (whole + (count - 1) * (middle - one)))
        for number, one in without.items()
    }


def _apart(trials: Sequence[Trial], steps: Mapping[int, Seconds]) -> dict[int, Parts] | None:
    """Return round -> parts, ends in run-ins among them; None where there is nothing to share."""
    counted = [trial for trial in trials if trial.round in steps and trial.steps_per_epoch]
    if not any(map(_ends, counted)) or all(_ends(trial, kinds=(BlockKind.MEASURED,)) for trial in counted):
        return None  # no process met one, or each one did: the usual case, and looking closer takes time
    found = {trial.round: _parts(trial, steady) for trial in counted if (steady := steady_blocks(trial))}
    beyond, variance = (sum(getattr(one, name) for one in found.values()) for name in ("beyond", "variance"))
    return found if beyond > SURE * sqrt(variance) else None


def _parts(trial: Trial, steady: Sequence[Block]) -> Parts:
    """Return what a process took, its ends apart: those in measured blocks, and those in run-ins."""
    measured, run_ins = parts(trial, steady), trial.blocks_of(BlockKind.RUN_IN)
    if measured.ends_within or not run_ins:
        return measured
    before = parts(trial, run_ins)
    if before.ends_within:
        return measured
    return replace(
        measured,
        ends=measured.ends + before.ends,
        beyond=measured.beyond + before.beyond,
        variance=measured.variance + before.variance,
    )


def _ends(trial: Trial, *, kinds: Collection[BlockKind] = (BlockKind.MEASURED, BlockKind.RUN_IN)) -> int:
    """Return how many epochs end in blocks of these kinds."""
    return sum(count for place, count in ends_of_epochs(trial).items() if trial.blocks[place].kind in kinds)


def _counted(apart: Mapping[int, Parts], steps: Mapping[int, Seconds], *, epoch: int) -> dict[int, Seconds]:
    """Return round -> seconds per step with the mean of all ends that were met."""
    ends = sum(one.ends for one in apart.values())
    share = max(0.0, sum(one.beyond for one in apart.values()) / ends) / epoch if ends else 0.0
    return {
        number: apart[number].step + share if number in apart and not apart[number].ends_within else seconds
        for number, seconds in steps.items()
    }


def _epoch(trials: Sequence[Trial]) -> int:
    """Return the steps of an epoch, which all processes of a cell have in common."""
    return next(trial.steps_per_epoch for trial in trials if trial.steps_per_epoch)


def _mean_logarithm(steps: Mapping[int, Seconds]) -> float:
    """Return the logarithm of the geometric mean."""
    return fmean(map(log, steps.values()))
