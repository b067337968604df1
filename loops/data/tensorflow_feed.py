"""How TensorFlow loops get their batches; the input side that all of them share."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from loops.contract import Job, Track
from loops.data import pipelines
from loops.drain import TF_DATA
from loops.errors import UnsupportedCell
from loops.nested import map_leaves

SHUFFLE_BUFFER = 1024
"""Samples, as the Keras guides have it: not a full shuffle."""


def training_batches(job: Job) -> Iterable[tuple[tf.Tensor, ...]]:
    """Return one epoch of whole batches (x, y) or (x, y, weight), to be iterated again for the next epoch.

    `matched`: tensors that already lie on the device. `guide`: the guides' `tf.data` pipeline. `pipeline`: the user's.
    """
    if job.track is Track.GUIDE:
        return training_dataset(job)
    if job.track is Track.PIPELINE:
        own = training_dataset(job)
        if isinstance(own, tf.data.Dataset):
            return own
        return pipelines.ThroughKeras(own, batches=PyDatasetAdapter.get_tf_dataset, shuffle=True)
    starts = range(0, job.steps_per_epoch * job.batch_size, job.batch_size)
    cuts = (job.training.rows(slice(start, start + job.batch_size)) for start in starts)
    return [map_leaves(tf.constant, cut.arrays) for cut in cuts]


def stacked_batches(job: Job) -> tuple[tf.Tensor, ...]:
    """Return the same epoch as one tensor [steps, batch, ...] each of inputs, targets and maybe weights, on the device.

    Raises:
        UnsupportedCell: On the tracks that compare input pipelines as well.
    """
    if job.track is not Track.MATCHED:
        raise UnsupportedCell("a loop in the graph takes samples that lie on the device, not what a pipeline makes")
    steps, size = job.steps_per_epoch, job.batch_size
    whole = job.training.map(lambda array: array[: steps * size].reshape(steps, size, *array.shape[1:]))
    return map_leaves(tf.constant, whole.arrays)


def training_dataset(job: Job) -> Any:
    """Return the same epoch as a `tf.data.Dataset`, which `fit()` asks for; on `pipeline`, maybe as a PyDataset.

    The last, smaller batch is dropped on both tracks: a `tf.function` would be traced again for it, in the middle of
    what is measured.
    """
    if job.track is Track.GUIDE:
        samples = tf.data.Dataset.from_tensor_slices(job.training.arrays)
        return samples.shuffle(buffer_size=SHUFFLE_BUFFER).batch(job.batch_size, drop_remainder=True)
    if job.track is Track.PIPELINE:
        return pipelines.for_training(job, takes=TF_DATA, framework="TensorFlow")
    # Cut into batches beforehand, so that an element of the dataset is a batch and nothing is left to do per step.
    steps, size = job.steps_per_epoch, job.batch_size
    whole = job.training.map(lambda array: array[: steps * size].reshape(steps, size, *array.shape[1:]))
    return without_tuning(tf.data.Dataset.from_tensor_slices(whole.for_fit))


def validation_dataset(job: Job) -> tf.data.Dataset:
    """Return all validation samples in order, the last batch smaller where the size does not divide."""
    own = pipelines.for_validation(job, takes=TF_DATA, framework="TensorFlow")
    if own is not None:
        return own if isinstance(own, tf.data.Dataset) else PyDatasetAdapter(own).get_tf_dataset()
    samples = tf.data.Dataset.from_tensor_slices(job.validation.for_fit).batch(job.batch_size)
    return samples if job.track is Track.GUIDE else without_tuning(samples)


def without_tuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return a dataset that does not tune itself while it is iterated.

    The thread that tunes sleeps for 10 ms, 20 ms, 40 ms and so on, and the end of an epoch waits until it wakes, by up
    to as long as the epoch took (TensorFlow 2.21; `tools/epoch_ends.py`). Where everything lies in memory, there is
    nothing to tune.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
