"""The variance between runs that stand beside one another, by their squared differences.

    excess      how much larger the smaller ones are than chance lets expect
    variance    the variance of a difference at which they are as large as expected

The largest differences do not count, so that neither a level that changed nor a run that stands alone is taken for
noise.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, chdtri

Values = NDArray[np.float64]

FLOOR = 1e-8
"""Of the variance of a difference: noise is taken to be at least 0.01 %."""


def excess(squares: Values, *, within: Values, kept: float) -> float:
    """Return the mean of the smaller squared differences over what chi-squared lets expect of it.

    The mean of the smallest share ``p`` of chi-squared with one degree of freedom is the probability that it has with
    three degrees to be below the same bound, over ``p``.

    Args:
        squares: Of differences between neighbours, one at least.
        within: The variance of each that is known.
        kept: Share that counts, the smallest.
    """
    ratios = np.sort(squares / np.maximum(within, FLOOR))[: max(1, int(kept * len(squares)))]
    bound = float(chdtri(1.0, 1.0 - kept))
    return float(ratios.mean()) * kept / float(chdtr(3.0, bound))


def variance(squares: Values, *, within: Values, kept: float) -> float:
    """Return the variance that differences have besides what is known; 0 where that explains them."""
    low, high = 0.0, float(squares.max())
    for _ in range(50):
        middle = (low + high) / 2.0
        enough = excess(squares, within=within + middle, kept=kept) <= 1.0
        low, high = (low, middle) if enough else (middle, high)
    return high
