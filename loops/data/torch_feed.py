"""How PyTorch loops get their batches; the input side that all of them share."""

from collections.abc import Iterable

import torch
from torch.utils.data import DataLoader, TensorDataset

from loops.contract import Job, Samples, Track


def device_of(job: Job) -> torch.device:
    """Return where model and batches live."""
    return torch.device("cuda" if job.device == "gpu" else "cpu")


def training_batches(job: Job) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """Return one epoch of whole batches, to be iterated again for the next epoch.

    `matched`: slices of tensors that already lie on the device. `guide`: the guide's shuffling `DataLoader`; its
    batches come from the host, so a loop moves them to the device. The last, smaller batch is dropped on both tracks.
    """
    if job.track is Track.GUIDE:
        generator = torch.Generator().manual_seed(job.seed)
        return DataLoader(
            _tensors(job.training), batch_size=job.batch_size, shuffle=True, drop_last=True, generator=generator
        )
    inputs, targets = (tensor.to(device_of(job)) for tensor in _tensors(job.training).tensors)
    end = job.steps_per_epoch * job.batch_size
    return list(zip(inputs[:end].split(job.batch_size), targets[:end].split(job.batch_size), strict=True))


def validation_batches(job: Job) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    """Return all validation samples in order, the last batch smaller where the size does not divide."""
    if job.track is Track.GUIDE:
        return DataLoader(_tensors(job.validation), batch_size=job.batch_size, shuffle=False)
    inputs, targets = (tensor.to(device_of(job)) for tensor in _tensors(job.validation).tensors)
    return list(zip(inputs.split(job.batch_size), targets.split(job.batch_size), strict=True))


def _tensors(samples: Samples) -> TensorDataset:
    """Wrap the NumPy arrays without copying them."""
    return TensorDataset(torch.from_numpy(samples.inputs), torch.from_numpy(samples.targets))
