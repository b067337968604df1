"""How loops without a framework get their batches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from loops.contract import Job, Track
from loops.errors import UnsupportedCell


def training_batches(job: Job) -> list[tuple[NDArray[Any], ...]]:
    """Return one epoch of whole batches (x, y) or (x, y, weight), each a view; the last, smaller one is dropped.

    Raises:
        UnsupportedCell: On the track that compares input pipelines as well.
    """
    return list(zip(*(np.split(array, job.steps_per_epoch) for array in training_arrays(job)), strict=True))


def training_arrays(job: Job) -> list[NDArray[Any]]:
    """Return the samples of one epoch's whole batches, inputs first, each a contiguous view.

    Raises:
        UnsupportedCell: On the track that compares input pipelines as well.
    """
    if job.track is not Track.MATCHED:
        raise UnsupportedCell("it trains without a framework, and so without an input pipeline")
    return [array[: job.steps_per_epoch * job.batch_size] for array in job.training.arrays]
