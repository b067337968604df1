"""How JAX loops get their batches; the input side that all of them share."""

from collections.abc import Iterable
from typing import Any

import jax
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from loops.contract import Job, Samples, Track
from loops.data import pipelines
from loops.data.text import refuse_text
from loops.errors import UnsupportedCell


def training_batches(job: Job) -> Iterable[tuple[jax.Array, ...]]:
    """Return one epoch of whole batches (x, y) or (x, y, weight), on the device; the last, smaller one is dropped.

    On `pipeline`, they come from a PyDataset as `fit()` gets them there.
    """
    if job.track is Track.PIPELINE:
        return _through_keras(pipelines.for_training(job, takes=None, framework="JAX"), shuffle=True)
    return _resident(job.training, job=job)[: job.steps_per_epoch]


def stacked_batches(job: Job, *, steps: int) -> list[tuple[jax.Array, ...]]:
    """Return the same epoch with as many batches stacked in each element as `steps` says: [steps, batch, ...].

    An epoch has to divide into them.

    Raises:
        UnsupportedCell: On the tracks that compare input pipelines as well.
    """
    if job.track is Track.PIPELINE:
        raise UnsupportedCell("a compiled loop takes samples that lie on the device, not what a pipeline makes")
    _refuse(job)
    calls, size = job.steps_per_epoch // steps, steps * job.batch_size
    cuts = (job.training.rows(slice(call * size, (call + 1) * size)) for call in range(calls))
    shape = (steps, job.batch_size)
    return [jax.device_put(cut.map(lambda array: array.reshape(*shape, *array.shape[1:])).arrays) for cut in cuts]


def training_arrays(job: Job) -> Samples:
    """Return the samples of one epoch's whole batches as NumPy arrays, which `fit()` takes.

    On `pipeline`, a PyDataset stands for the inputs, as it does in `fit()`.
    """
    if job.track is Track.PIPELINE:
        return Samples(inputs=pipelines.for_training(job, takes=None, framework="JAX"), targets=None)
    _refuse(job)
    return job.training.rows(slice(job.steps_per_epoch * job.batch_size))


def validation_arrays(job: Job) -> Samples:
    """Return all validation samples as `evaluate()` takes them; on `pipeline`, maybe a PyDataset as the inputs."""
    own = pipelines.for_validation(job, takes=None, framework="JAX")
    return job.validation if own is None else Samples(inputs=own, targets=None)


def validation_batches(job: Job) -> Iterable[tuple[jax.Array, ...]]:
    """Return all validation samples in order, the last batch smaller where the size does not divide."""
    own = pipelines.for_validation(job, takes=None, framework="JAX")
    if own is not None:
        return _through_keras(own, shuffle=False)
    return _resident(job.validation, job=job)


def _through_keras(dataset: Any, *, shuffle: bool) -> pipelines.ThroughKeras:
    """Return the batches of a PyDataset, which JAX moves to the device when a step takes them."""
    return pipelines.ThroughKeras(dataset, batches=PyDatasetAdapter.get_jax_iterator, shuffle=shuffle)


def _resident(samples: Samples, *, job: Job) -> list[tuple[jax.Array, ...]]:
    """Cut samples into batches that lie on the device."""
    _refuse(job)
    starts = range(0, samples.count, job.batch_size)
    return [jax.device_put(samples.rows(slice(start, start + job.batch_size)).arrays) for start in starts]


def _refuse(job: Job) -> None:
    """Refuse the track that compares input pipelines as well, and what JAX has no arrays for.

    Raises:
        UnsupportedCell: If it is that track, or samples hold text.
    """
    refuse_text(job.training, framework="JAX")
    if job.track is Track.GUIDE:
        raise UnsupportedCell("JAX has no input pipeline of its own: its guides borrow TensorFlow's or PyTorch's")
