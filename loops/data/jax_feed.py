"""How JAX loops get their batches; the input side that all of them share."""

import jax
import numpy as np
from numpy.typing import NDArray

from loops.contract import Job, Samples, Track
from loops.errors import UnsupportedCell


def training_batches(job: Job) -> list[tuple[jax.Array, ...]]:
    """Return one epoch of whole batches (x, y) or (x, y, weight), on the device; the last, smaller one is dropped."""
    return _resident(job.training, job=job)[: job.steps_per_epoch]


def stacked_batches(job: Job, *, steps: int) -> list[tuple[jax.Array, ...]]:
    """Return the same epoch with as many batches stacked in each element as `steps` says: [steps, batch, ...].

    An epoch has to divide into them.
    """
    shape = (job.steps_per_epoch // steps, steps, job.batch_size)
    stacks = [array.reshape(*shape, *array.shape[1:]) for array in training_arrays(job)]
    return [jax.device_put(stack) for stack in zip(*stacks, strict=True)]


def training_arrays(job: Job) -> tuple[NDArray[np.generic], ...]:
    """Return the samples of one epoch's whole batches as NumPy arrays, which `fit()` takes."""
    _refuse_guide(job)
    return tuple(array[: job.steps_per_epoch * job.batch_size] for array in job.training.arrays)


def validation_batches(job: Job) -> list[tuple[jax.Array, ...]]:
    """Return all validation samples in order, the last batch smaller where the size does not divide."""
    return _resident(job.validation, job=job)


def _resident(samples: Samples, *, job: Job) -> list[tuple[jax.Array, ...]]:
    """Cut samples into batches that lie on the device."""
    _refuse_guide(job)
    starts = range(0, len(samples.inputs), job.batch_size)
    return [
        jax.device_put(tuple(array[start : start + job.batch_size] for array in samples.arrays)) for start in starts
    ]


def _refuse_guide(job: Job) -> None:
    """Refuse the track that compares input pipelines as well.

    Raises:
        UnsupportedCell: Always on that track.
    """
    if job.track is Track.GUIDE:
        raise UnsupportedCell("JAX has no input pipeline of its own: its guides borrow TensorFlow's or PyTorch's")
