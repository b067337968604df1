"""A user's own pipeline, as loops take it on the track `pipeline`.

It stays as the user made it: its shuffling, its workers, what it fetches ahead. Only a last, smaller batch is left out,
as on the other tracks, so that no step has a shape of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, final

from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from loops.contract import Job
from loops.drain import DATA_LOADER, PY_DATASET, TF_DATA, kind_of
from loops.errors import UnsupportedCell

OWNERS = {TF_DATA: "TensorFlow", DATA_LOADER: "PyTorch"}


def for_training(job: Job, *, takes: str | None, framework: str) -> Any:
    """Return what makes the whole batches of each epoch, as `fit()` takes it.

    Args:
        job: On the track `pipeline`.
        takes: The kind of pipeline that the framework feeds itself with; None where it has none of its own.
        framework: Its name, for messages.

    Raises:
        UnsupportedCell: If the framework is not fed by such a pipeline.
    """
    pipeline = _accepted(job.pipelines[0], takes=takes, framework=framework)
    if job.training.count % job.batch_size == 0:
        return pipeline
    return _WITHOUT_LAST[str(kind_of(pipeline))](pipeline, job.steps_per_epoch)


def for_validation(job: Job, *, takes: str | None, framework: str) -> Any:
    """Return what makes the batches for validation, the last one smaller; None where they come from memory.

    Raises:
        UnsupportedCell: If the framework is not fed by such a pipeline.
    """
    pipeline = job.pipelines[1]
    return None if pipeline is None else _accepted(pipeline, takes=takes, framework=framework)


def _accepted(pipeline: Any, *, takes: str | None, framework: str) -> Any:
    """Return a pipeline that a framework is fed by."""
    kind = kind_of(pipeline)
    if kind in {takes, PY_DATASET}:
        return pipeline
    own = f"a {takes} or a PyDataset" if takes else "a PyDataset of Keras, having no pipeline of its own"
    raise UnsupportedCell(f"data() returns a {kind}, which is {OWNERS[str(kind)]}'s; {framework} is fed by {own}")


@final
class ThroughKeras:
    """The batches of a PyDataset, once for each time that it is iterated, as `fit()` asks for them.

    Its workers fetch ahead, and it is told when an epoch begins and ends.
    """

    def __init__(self, dataset: Any, *, batches: Callable[[Any], Iterable[Any]], shuffle: bool) -> None:
        """Wrap a PyDataset.

        Args:
            dataset: Of Keras.
            batches: From Keras' adapter of it to the batches of an epoch, such as ``lambda a: a.get_tf_dataset()``.
            shuffle: Whether the batches come in another order in each epoch, as `fit()` has it for training.
        """
        self._adapter = PyDatasetAdapter(dataset, shuffle=shuffle)
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        """Yield one epoch."""
        self._adapter.on_epoch_begin()
        try:
            yield from self._batches(self._adapter)
        finally:
            self._adapter.on_epoch_end()


def _shorter_tf_data(dataset: Any, steps: int) -> Any:
    """Return a `tf.data.Dataset` without its last batch."""
    return dataset.take(steps)


def _shorter_loader(loader: Any, steps: int) -> Any:
    """Have a `DataLoader` drop its last batch, which it does not let be said once it is made.

    Raises:
        UnsupportedCell: If its data set makes the batches.
    """
    del steps
    if loader.batch_sampler is None:
        raise UnsupportedCell(
            "the last batch is smaller than the others, and the DataLoader does not make them; leave that batch out"
        )
    object.__setattr__(loader, "drop_last", True)
    loader.batch_sampler.drop_last = True
    return loader


def _shorter_py_dataset(dataset: Any, steps: int) -> Any:
    """Return a PyDataset without its last batch."""

    class Shorter(type(dataset)):  # type: ignore[misc]  # whatever the user's class is
        """The user's data set, one batch shorter."""

        def __len__(self) -> int:
            """Return how many batches there are."""
            return steps

        num_batches = property(__len__)

    dataset.__class__ = Shorter
    return dataset


_WITHOUT_LAST: dict[str, Callable[[Any, int], Any]] = {
    TF_DATA: _shorter_tf_data,
    DATA_LOADER: _shorter_loader,
    PY_DATASET: _shorter_py_dataset,
}
