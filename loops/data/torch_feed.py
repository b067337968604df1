"""How PyTorch loops get their batches; the input side that all of them share."""

from collections.abc import Iterable, Sequence
from typing import Any, final

import torch
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter
from torch.utils.data import DataLoader, Dataset, TensorDataset

from loops.contract import Job, Samples, Track
from loops.data import pipelines
from loops.data.text import refuse_text
from loops.drain import DATA_LOADER
from loops.errors import UnsupportedCell
from loops.nested import Nested, is_nested, leaves, map_leaves


def device_of(job: Job) -> torch.device:
    """Return where model and batches live."""
    return torch.device("cuda" if job.device == "gpu" else "cpu")


def training_batches(job: Job) -> Iterable[Sequence[Any]]:
    """Return one epoch of whole batches (x, y) or (x, y, weight), to be iterated again for the next epoch.

    `matched`: slices of tensors that already lie on the device. `guide`: the guide's shuffling `DataLoader`; its
    batches come from the host, so a loop moves them to the device. `pipeline`: the user's. The last, smaller batch is
    dropped on all tracks.
    """
    if job.track is Track.PIPELINE:
        own = training_loader(job)
        if job.training.targets is None:
            raise UnsupportedCell("its loop takes targets as well, which this pipeline has not; see torch-fit-stock")
        return own if isinstance(own, DataLoader) else _through_keras(own, shuffle=True)
    if job.track is Track.GUIDE:
        generator = torch.Generator().manual_seed(job.seed)
        return DataLoader(
            _tensors(job.training), batch_size=job.batch_size, shuffle=True, drop_last=True, generator=generator
        )
    return _resident(job.training, job=job)[: job.steps_per_epoch]


def training_loader(job: Job) -> Any:
    """Return the same epoch as a `DataLoader`, which `fit()` asks for; on `pipeline`, maybe as a PyDataset."""
    if job.track is Track.PIPELINE:
        return pipelines.for_training(job, takes=DATA_LOADER, framework="PyTorch")
    if job.track is Track.GUIDE:
        return training_batches(job)
    # Cut into batches beforehand: an element of the data set is a batch, and nothing is left to collate.
    steps, size = job.steps_per_epoch, job.batch_size
    whole = job.training.map(lambda array: array[: steps * size].reshape(steps, size, *array.shape[1:]))
    return DataLoader(_tensors(whole), batch_size=None)


def validation_loader(job: Job) -> Any:
    """Return all validation samples in order as a `DataLoader`; on `pipeline`, maybe as a PyDataset."""
    own = pipelines.for_validation(job, takes=DATA_LOADER, framework="PyTorch")
    if own is not None:
        return own
    return DataLoader(_tensors(job.validation), batch_size=job.batch_size, shuffle=False)


def validation_batches(job: Job) -> Iterable[Sequence[Any]]:
    """Return all validation samples in order, the last batch smaller where the size does not divide."""
    if job.track is Track.GUIDE or job.pipelines[1] is not None:
        own = validation_loader(job)
        return own if isinstance(own, DataLoader) else _through_keras(own, shuffle=False)
    return _resident(job.validation, job=job)


def _through_keras(dataset: Any, *, shuffle: bool) -> pipelines.ThroughKeras:
    """Return the batches of a PyDataset as tensors."""
    return pipelines.ThroughKeras(dataset, batches=PyDatasetAdapter.get_torch_dataloader, shuffle=shuffle)


def moved(batch: Sequence[Any], device: torch.device) -> list[Any]:
    """Return a batch on the device: tensors, or dicts and tuples of them."""
    return [part.to(device) if isinstance(part, torch.Tensor) else _moved(part, device) for part in batch]


def _moved(nested: Nested, device: torch.device) -> Nested:
    """Return the tensors in a structure on the device."""
    return map_leaves(lambda tensor: tensor.to(device), nested)


def _resident(samples: Samples, *, job: Job) -> list[Sequence[Any]]:
    """Cut tensors on the device into batches; each is a view, nothing is copied."""
    refuse_text(samples, framework="PyTorch")
    tensors = _moved(samples.map(torch.from_numpy).arrays, device_of(job))
    starts = range(0, samples.count, job.batch_size)
    targets = () if samples.targets is not None else (None,)  # loops unpack two at least
    return [
        (*map_leaves(lambda tensor, at=start: tensor[at : at + job.batch_size], tensors), *targets) for start in starts
    ]


def _tensors(samples: Samples) -> Dataset:
    """Wrap the NumPy arrays without copying them."""
    refuse_text(samples, framework="PyTorch")
    arrays = samples.for_fit
    if not isinstance(arrays, tuple) or any(is_nested(part) for part in arrays):
        return _NestedDataset(map_leaves(torch.from_numpy, arrays), count=samples.count)
    return TensorDataset(*map(torch.from_numpy, arrays))


@final
class _NestedDataset(Dataset):
    """What `TensorDataset` is for tensors, for dicts and tuples of them."""

    def __init__(self, tensors: Nested, *, count: int) -> None:
        """Keep the tensors, whose first axis has the elements."""
        self._tensors = tensors
        self._count = len(leaves(tensors)[0]) if count else 0

    def __len__(self) -> int:
        """Return how many elements there are."""
        return self._count

    def __getitem__(self, index: int) -> Nested:
        """Return one element."""
        return map_leaves(lambda tensor: tensor[index], self._tensors)
