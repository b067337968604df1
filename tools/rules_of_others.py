"""The rules of other tools, restated: what each would call different of the same step times.

Each gets as many processes and blocks as ours, scheduled as its manual says. Step times of both sides come by
repetition, process and block.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np
from scipy import stats as tests

ROUNDS, BLOCKS = 6, 10
"""Processes, and blocks of each."""
ALPHA = 0.05
FIVE_PER_CENT, ASV_FACTOR, ASV_P, CRITERION_THRESHOLD = 1.05, 1.1, 0.002, 1.01


def pyperf(base, new):
    """`compare_to`: Student's t on the values of all processes together, p < .05."""
    return tests.ttest_ind(pooled(base), pooled(new), axis=1).pvalue < ALPHA


def pytest_benchmark(base, new):
    """`--benchmark-compare-fail=mean:5%`: one process against a stored mean. Red only."""
    return pooled(new).mean(axis=1) > FIVE_PER_CENT * pooled(base).mean(axis=1)


def criterion(base, new):
    """One process each: p < .05 and the 95 % interval of the change beyond 1 %.

    The bootstrap is approximated by Welch's test and the normal interval.
    """
    base, new = pooled(base), pooled(new)
    change = new.mean(axis=1) / base.mean(axis=1)
    error = change * np.sqrt(
        sum(side.var(axis=1, ddof=1) / side.shape[1] / side.mean(axis=1) ** 2 for side in (base, new))
    )
    different = tests.ttest_ind(base, new, axis=1, equal_var=False).pvalue < ALPHA
    return different & (np.abs(change - 1.0) - 1.96 * error > CRITERION_THRESHOLD - 1.0)


def asv(base, new):
    """`continuous`: medians of all values more than 10 % apart and Mann-Whitney p < .002."""
    base, new = pooled(base), pooled(new)
    ratio = np.median(new, axis=1) / np.median(base, axis=1)
    rank = tests.mannwhitneyu(base, new, axis=1, method="asymptotic").pvalue
    return (np.abs(np.log(ratio)) > log(ASV_FACTOR)) & (rank < ASV_P)


def hyperfine(base, new):
    """`welch_ttest.py`: one value per process, Welch's test, p < .05."""
    return tests.ttest_ind(base.mean(axis=2), new.mean(axis=2), axis=1, equal_var=False).pvalue < ALPHA


def pooled(side):
    """Return the values without regard to their processes."""
    return side.reshape(side.shape[0], -1)


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Another tool's rule, and on what it is applied."""

    name: str
    rule: Callable
    processes: int
    blocks: int
    together: bool = False
    """asv alternates between the two sides; the others measure one side after the other."""


RIVALS = (
    Rival(name="pyperf, t-test on all values", rule=pyperf, processes=ROUNDS, blocks=BLOCKS),
    Rival(name="pytest-benchmark, mean:5%", rule=pytest_benchmark, processes=1, blocks=ROUNDS * BLOCKS),
    Rival(name="criterion, p < .05 and beyond 1 %", rule=criterion, processes=1, blocks=ROUNDS * BLOCKS),
    Rival(name="asv, U-test and factor 1.1", rule=asv, processes=ROUNDS, blocks=BLOCKS, together=True),
    Rival(name="hyperfine, Welch's test", rule=hyperfine, processes=ROUNDS, blocks=BLOCKS),
)
