"""A user's workload, prepared once for a run: its arrays and initial weights on disk, for every process.

    <folder>/x.npy  x.left.npy  y_val.npy ...   one file per array, mapped into memory by whoever reads it
    <folder>/weight-0.npy ...                   initial values of all variables of the model, in Keras' order
    <folder>/index.json                         which arrays there are, their hashes, and what was found on the model

So data without a seed and initialisers of a user's own are the same in every process, and 1 GB of them is read once.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loops import registry
from loops.contract import Samples, Workload
from loops.errors import InvalidData
from loops.nested import Nested, map_leaves, named_leaves
from loops.user_file import FitStyle
from loops.workloads.compiled import CompiledModel

INDEX: Final = "index.json"
WORD_BYTES: Final = 8
SUMMED_WORDS: Final = 8192
"""Whose sum is hashed in their stead: 64 KiB. A sum of 64-bit words is read at the speed of memory, SHA-256 is not."""
SMALLEST_MAPPED_BYTES: Final = 1 << 16

_PARTS: Final = ("inputs", "targets", "weights")
_NAMES: Final = ("x", "y", "weight")


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What was found when a workload was prepared, for planning and for every process that trains it."""

    workload: str
    sha256: str
    """Over all arrays and initial weights: the identity of what is trained on."""
    batch_size: int
    """Samples per step, unless the user asks for another size."""
    fixed_batch_size: int | None
    """Where the model takes no other."""
    training_samples: int
    validation_samples: int
    parameters: int
    """Trainable numbers."""
    tracks_losses: bool
    """Whether layers add losses of their own."""
    output_rank: int | None
    """Dimensions of its output, the batch counted, where it has one."""
    masked: bool
    """Whether its output says which of its steps count, as after `mask_zero`."""
    policy: str
    """Of Keras' dtype policies, the model's: "float32", "mixed_float16", ..."""
    metrics: tuple[str, ...] = ()
    """Names, in the order of `compile()`."""
    optimizer: str = ""
    """Class of the compiled optimizer."""
    operations: int | None = None
    """Of a training step at the batch size above, as `loops.counting` has it; None where nobody could count them."""
    state_bytes: int = 0
    """Weights and what the optimizer keeps, moved in each step."""
    sample_bytes: int = 0
    """Inputs of one sample."""
    notes: tuple[str, ...] = ()
    """What the user should know, one sentence each."""
    pipeline: str | None = None
    """Kind of the pipeline that the training samples came from, see `loops.drain`; None for arrays."""
    pipeline_batch_size: int | None = None
    """Samples in each of its batches but the last; None where they differ."""


def write(folder: Path, *, training: Samples, validation: Samples, weights: list[NDArray[Any]]) -> str:
    """Write arrays and weights, and return the SHA-256 over all of them.

    Args:
        folder: Empty.
        training: Native arrays.
        validation: Likewise; of no rows where there are none.
        weights: In the order of the model's variables.
    """
    whole = hashlib.sha256()
    layout: dict[str, Nested] = {}
    checked: dict[str, str] = {}

    def put(array: NDArray[Any], name: str) -> str:
        array = np.asarray(array, order="C")
        whole.update(f"{name} {array.dtype.str} {array.shape}".encode())
        whole.update(_content(array))
        np.save(folder / f"{len(checked)}.npy", array, allow_pickle=False)
        checked[f"{len(checked)}.npy"] = fingerprint(array)
        return f"{len(checked) - 1}.npy"

    for samples, suffix in ((training, ""), (validation, "_val")):
        for part, name in zip(_PARTS, _NAMES, strict=True):
            nested = getattr(samples, part)
            places = {id(leaf): place for place, leaf in named_leaves(nested, f"{name}{suffix}")}
            layout[f"{name}{suffix}"] = map_leaves(lambda leaf, at=places: put(leaf, at[id(leaf)]), nested)
    files = [put(array, f"weight-{number}") for number, array in enumerate(weights)]
    index = {"layout": _listed(layout), "initial": files, "fingerprints": checked, "sha256": whole.hexdigest()}
    (folder / INDEX).write_text(json.dumps(index))
    return whole.hexdigest()


def add_facts(folder: Path, facts: Facts) -> str:
    """Add what was found on the model to the index, and return the SHA-256 over the whole index."""
    index = json.loads((folder / INDEX).read_text())
    text = json.dumps(index | {"facts": asdict(facts)})
    (folder / INDEX).write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


def facts_of(folder: Path) -> Facts:
    """Return what was found on the model."""
    found: dict[str, Any] = json.loads((folder / INDEX).read_text())["facts"]
    return Facts(**found | {"metrics": tuple(found["metrics"]), "notes": tuple(found["notes"])})


def read_samples(folder: Path) -> tuple[Samples, Samples]:
    """Return the arrays that were written, for training and for validation, mapped into memory.

    Raises:
        InvalidData: If a file is not what was written.
    """
    index = json.loads((folder / INDEX).read_text())
    read = partial(_read, folder, fingerprints=index["fingerprints"])
    layout = _unlisted(index["layout"])
    training, validation = (
        Samples(
            inputs=map_leaves(read, layout[f"x{suffix}"]),
            targets=map_leaves(read, layout[f"y{suffix}"]),
            weights=map_leaves(read, layout[f"weight{suffix}"]),
        )
        for suffix in ("", "_val")
    )
    return training, validation


def load(name: str, folder: str) -> CompiledModel:
    """Return a user's workload with what was prepared of it.

    Raises:
        InvalidData: If a file is not what was prepared.
    """
    path = Path(folder)
    index = json.loads((path / INDEX).read_text())
    read = partial(_read, path, fingerprints=index["fingerprints"])
    training, validation = read_samples(path)
    facts = facts_of(path)
    workload, _ = unprepared(name)
    workload.fed = training, validation
    workload.initial = [read(file) for file in index["initial"]]
    workload.tracks_losses = facts.tracks_losses  # type: ignore[misc]  # found, not declared
    workload.batch_size = facts.batch_size  # type: ignore[misc]
    workload.training_samples = facts.training_samples  # type: ignore[misc]
    workload.one_hot = training.one_hot
    workload.masked = facts.masked
    workload.skips_steps = facts.policy == "mixed_float16"
    workload.output_rank = facts.output_rank
    workload.fixed_batch_size = facts.fixed_batch_size
    workload.optimizer = facts.optimizer  # type: ignore[misc]
    return workload


def unprepared(name: str) -> tuple[CompiledModel, FitStyle | Workload]:
    """Return a user's workload in the form that loops read, with nothing fed to it yet, and as the user wrote it."""
    source = registry.load_workload(name)
    if isinstance(source, FitStyle):
        workload = CompiledModel(name, batch_size=source.batch_size, build=source.build, declared=None)
        workload.make_data = source.data
        return workload, source
    build = partial(_compiled, source)
    return CompiledModel(name, batch_size=source.batch_size, build=build, declared=source), source


def is_prepared(workload: Workload) -> bool:
    """Whether a workload is a user's, whose arrays come from disk."""
    return isinstance(workload, CompiledModel)


def _compiled(source: Workload, seed: int, *, one_hot: bool) -> Any:
    """Return the model that a user's class builds, compiled with what the class says."""
    import keras  # noqa: PLC0415 - the process chose the backend before this runs

    from loops import recipe  # noqa: PLC0415

    model = source.build_model(seed=seed)
    if isinstance(model, keras.Model) and not model.compiled:
        model.compile(
            optimizer=source.build_optimizer(),
            loss=source.build_loss(one_hot=one_hot),
            weighted_metrics=recipe.as_metrics(source.build_metric(one_hot=one_hot)),
        )
    return model


def fingerprint(array: NDArray[Any]) -> str:
    """Return a hash that tells a file that was cut short, overwritten or mixed up, at the speed of memory."""
    data = np.ascontiguousarray(array).reshape(-1)
    content = data.view(np.uint8) if data.size else np.zeros(0, np.uint8)
    whole = len(content) // (WORD_BYTES * SUMMED_WORDS) * WORD_BYTES * SUMMED_WORDS
    sums = content[:whole].view(np.uint64).reshape(-1, SUMMED_WORDS).sum(axis=1, dtype=np.uint64)
    shape = f"{array.dtype.str} {array.shape}".encode()
    return hashlib.sha256(shape + sums.tobytes() + content[whole:].tobytes()).hexdigest()


def _content(array: NDArray[Any]) -> Any:
    """Return the bytes of an array that lies in one piece, without copying them."""
    return array.reshape(-1).view(np.uint8).data if array.size else b""


def _read(folder: Path, file: str, *, fingerprints: Mapping[str, str]) -> NDArray[Any]:
    """Map an array into memory, and see that it is the one that was written.

    Copied on write: frameworks want memory that they may write to, and nothing reaches the file.

    Raises:
        InvalidData: If it is another one.
    """
    path = folder / file
    try:
        mapped = path.stat().st_size > SMALLEST_MAPPED_BYTES  # what is empty cannot be mapped
        array = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InvalidData(f"{path}: what was prepared for this run cannot be read ({error}); run again") from error
    found: NDArray[Any] = np.asarray(array)
    if fingerprint(found) != fingerprints[file]:
        raise InvalidData(f"{path}: is not what was prepared for this run; run again")
    return found


def _listed(nested: Nested) -> Any:
    """Return a structure as JSON can hold it: a tuple as {"()": [...]}."""
    if isinstance(nested, dict):
        return {key: _listed(value) for key, value in nested.items()}
    if isinstance(nested, tuple):
        return {"()": [_listed(value) for value in nested]}
    return nested


def _unlisted(stored: Any) -> Nested:
    """Return the structure that was stored."""
    if not isinstance(stored, dict):
        return stored
    if stored.keys() == {"()"}:
        return tuple(_unlisted(value) for value in stored["()"])
    return {key: _unlisted(value) for key, value in stored.items()}
