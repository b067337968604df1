"""How PyTorch loops get their batches; the input side that all of them share."""

from collections.abc import Iterable, Sequence

import torch
from torch.utils.data import DataLoader, TensorDataset

from loops.contract import Job, Samples, Track


def device_of(job: Job) -> torch.device:
    """Return where model and batches live."""
    return torch.device("cuda" if job.device == "gpu" else "cpu")


def training_batches(job: Job) -> Iterable[Sequence[torch.Tensor]]:
    """Return one epoch of whole batches (x, y) or (x, y, weight), to be iterated again for the next epoch.

    `matched`: slices of tensors that already lie on the device. `guide`: the guide's shuffling `DataLoader`; its
    batches come from the host, so a loop moves them to the device. The last, smaller batch is dropped on both tracks.
    """
    if job.track is Track.GUIDE:
        generator = torch.Generator().manual_seed(job.seed)
        return DataLoader(
            _tensors(job.training), batch_size=job.batch_size, shuffle=True, drop_last=True, generator=generator
        )
    return _resident(job.training, job=job)[: job.steps_per_epoch]


def training_loader(job: Job) -> DataLoader:
    """Return the same epoch as a `DataLoader`, which `fit()` asks for."""
    if job.track is Track.GUIDE:
        return training_batches(job)
    # Cut into batches beforehand: an element of the data set is a batch, and nothing is left to collate.
    steps, size = job.steps_per_epoch, job.batch_size
    whole = (array[: steps * size].reshape(steps, size, *array.shape[1:]) for array in job.training.arrays)
    return DataLoader(TensorDataset(*map(torch.from_numpy, whole)), batch_size=None)


def validation_loader(job: Job) -> DataLoader:
    """Return all validation samples in order as a `DataLoader`."""
    return DataLoader(_tensors(job.validation), batch_size=job.batch_size, shuffle=False)


def validation_batches(job: Job) -> Iterable[Sequence[torch.Tensor]]:
    """Return all validation samples in order, the last batch smaller where the size does not divide."""
    return validation_loader(job) if job.track is Track.GUIDE else _resident(job.validation, job=job)


def _resident(samples: Samples, *, job: Job) -> list[Sequence[torch.Tensor]]:
    """Cut tensors on the device into batches; each is a view, nothing is copied."""
    tensors = (tensor.to(device_of(job)) for tensor in _tensors(samples).tensors)
    return list(zip(*(tensor.split(job.batch_size) for tensor in tensors), strict=True))


def _tensors(samples: Samples) -> TensorDataset:
    """Wrap the NumPy arrays without copying them."""
    return TensorDataset(*map(torch.from_numpy, samples.arrays))
