"""Calls a user's `model()` and `data()` once, looks them over, and writes down what every process of a run starts from.

Runs in a process with a framework; which one does not matter, as arrays and weights are NumPy's.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import keras
import numpy as np
from keras.src.backend import get_keras_mask

from loops import counting, intake, prepared, recipe
from loops.contract import Digits, Samples, Track
from loops.errors import InvalidWorkload
from loops.nested import Nested, is_nested, leaves, map_leaves
from loops.prepared import Facts
from loops.user_file import FitStyle
from loops.workloads.compiled import as_tensor, build_by, stand_ins, values_of

FOLDER = "prepared-"
"""Beginning of the names of folders in the cache; the rest is a hash over all that is in them."""


@final
class DigitsOnDemand:
    """MNIST for workloads that look at it; it is not looked for before."""

    def __init__(self, find: Callable[[], Digits]) -> None:
        """Remember how to find it."""
        self._find = find

    def __getattr__(self, name: str) -> Any:
        """Find it, and return one of its arrays."""
        return getattr(self._find(), name)


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedOut:
    """What a model did with a batch; nothing is known of one that trains itself."""

    adds_losses: bool = False
    masked: bool = False
    """Whether its output says which of its steps count."""
    output_shape: tuple[int, ...] | None = None
    """None where it has several outputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piped:
    """The pipeline that training samples came from; nothing for arrays."""

    kind: str | None = None
    """See `loops.drain`."""
    batch_size: int | None = None
    """None where its batches differ."""


def prepare(
    name: str, *, path: str, digits: Any, seed: int, policy: str | None, most_bytes: int, cache: Path
) -> tuple[Path, Facts]:
    """Prepare a user's workload, and return where it lies and what was found.

    Args:
        name: Of the workload.
        path: Of the user's file, for messages.
        digits: MNIST, or what finds it when it is asked.
        seed: Of NumPy, Python and the framework, which `model()` and `data()` may draw from.
        policy: Keras' dtype policy, where it is not the model's to say.
        most_bytes: That a pipeline may hold.
        cache: Folder for what is prepared.

    Raises:
        InvalidWorkload: If it cannot be trained.
    """
    keras.utils.set_random_seed(seed)
    if policy is not None:
        keras.config.set_dtype_policy(policy)
    workload, source = prepared.unprepared(name)
    pipeline = Piped()
    if isinstance(source, FitStyle):
        model = workload.build_model(seed=seed)
        _check_model(model, path=path, maker="model()")
        fixed = _fixed_batch_size(model)
        given = intake.read(source.data(digits), path=path, inputs=_inputs_of(model), most_bytes=most_bytes)
        training, validation = (samples.map(_as_fit_casts) for samples in (given.training, given.validation))
        pipeline = Piped(kind=given.pipeline, batch_size=given.pipeline_batch_size)
        if not source.says_batch_size and pipeline.batch_size is not None:
            workload.batch_size = pipeline.batch_size  # type: ignore[misc]  # found, not declared
    else:
        returned = source.samples(digits, track=Track.MATCHED, backend="numpy", seed=seed)
        training, validation = intake.look_over(returned, path=path)
        _check_options(source, path=path)
        workload.one_hot = training.one_hot
        model = workload.build_model(seed=seed)
        _check_model(model, path=path, maker="build_model()")
        fixed = _fixed_batch_size(model)
    if policy is not None and model.dtype_policy.name != policy:
        raise InvalidWorkload(
            f"{path}: the model computes by the policy {model.dtype_policy.name} that it sets itself, and not by "
            f"--dtype {policy}; take one of the two out"
        )
    batch = training.rows(slice(fixed or workload.batch_size))
    found = _try_out(model, batch, path=path)
    _check_there_is_something_to_train(model, found, path=path)
    for samples in (training, validation):
        _check_labels(model, samples, shape=found.output_shape, path=path)
        _check_rows_to_look_up(model, samples, path=path)
    return _written(
        workload,
        model,
        training=training,
        validation=validation,
        found=found,
        fixed=fixed,
        pipeline=pipeline,
        cache=cache,
    )


def _written(
    workload: Any,
    model: Any,
    *,
    training: Samples,
    validation: Samples,
    found: TriedOut,
    fixed: int | None,
    pipeline: Piped,
    cache: Path,
) -> tuple[Path, Facts]:
    """Write down what every process starts from, and return where it lies and what was found."""
    batch_size = fixed or workload.batch_size
    with TemporaryDirectory(prefix=".partial-", dir=cache) as partial:
        folder = Path(partial) / "prepared"
        folder.mkdir()
        identity = prepared.write(folder, training=training, validation=validation, weights=values_of(model))
        metrics = _metric_names(model)
        counted = counting.count(model, training.rows(slice(batch_size)))  # spoils it; all that is stored is stored
        facts = Facts(
            workload=workload.name,
            sha256=identity,
            batch_size=batch_size,
            fixed_batch_size=fixed,
            training_samples=training.count,
            validation_samples=validation.count,
            parameters=sum(int(np.prod(variable.shape)) for variable in model.trainable_variables),
            tracks_losses=found.adds_losses and not recipe.computes_own_loss(model),
            output_rank=None if found.output_shape is None else len(found.output_shape),
            masked=found.masked,
            policy=model.dtype_policy.name,
            metrics=metrics,
            optimizer=_optimizer_name(model),
            pipeline=pipeline.kind,
            pipeline_batch_size=pipeline.batch_size,
            **({} if counted is None else asdict(counted)),
        )
        everything = prepared.add_facts(folder, facts)
        return _published(folder, cache / f"{FOLDER}{everything[:16]}"), facts


def _published(folder: Path, place: Path) -> Path:
    """Move what was written to where it is found; what was there before under this name is the same."""
    if place.exists():  # it may be broken, and a process that has opened its files keeps them
        shutil.rmtree(place)
    return folder.rename(place)


def _as_fit_casts(array: Any) -> Any:
    """Return an array of floats in the precision that Keras computes in, as `fit()` casts them."""
    floats = array.dtype.kind == "f" and array.dtype != keras.config.floatx()
    return array.astype(keras.config.floatx()) if floats else array


def _check_model(model: Any, *, path: str, maker: str) -> None:
    """Refuse what is no compiled Keras model."""
    if not isinstance(model, keras.Model):
        what = "nothing" if model is None else f"a {type(model).__name__}"
        raise InvalidWorkload(f"{path}: {maker} returned {what}; return a keras.Model")
    if not model.compiled:
        raise InvalidWorkload(
            f"{path}: {maker} returned a model that is not compiled; call "
            'compile(optimizer="adam", loss=..., metrics=[...]) on it'
        )
    given = getattr(model._compile_loss, "_user_loss_weights", None)  # noqa: SLF001 - Keras hands it on to nobody
    strange = next((one for one in keras.tree.flatten(given) if isinstance(one, str) or callable(one)), None)
    if strange is not None:
        raise InvalidWorkload(
            f"{path}: compile() was given {strange!r} as a weight of a loss, which is no number; what stands third is "
            "loss_weights since Keras 3: write metrics=[...]"
        )


def _check_options(source: Any, *, path: str) -> None:
    """Refuse what stands beside an optimizer's name and would be passed over."""
    asked = source.optimizer
    if not isinstance(asked, str):
        return
    kind = getattr(keras.optimizers, asked, None)
    if kind is None:
        raise InvalidWorkload(f"{path}: keras.optimizers has no '{asked}'; see https://keras.io/api/optimizers/")
    known = {
        name
        for other in vars(keras.optimizers).values()
        if isinstance(other, type) and issubclass(other, keras.optimizers.Optimizer)
        for name in recipe.arguments_of(other)
    }
    strange = [name for name in sorted(known - set(recipe.arguments_of(kind))) if recipe.is_said(source, name)]
    if strange:
        raise InvalidWorkload(
            f'{path}: {strange[0]} is written beside optimizer = "{asked}", which knows no {strange[0]}; take it out '
            "or take another optimizer"
        )


def _inputs_of(model: Any) -> int | None:
    """Return how many inputs a model takes, where it says so."""
    inputs = getattr(model, "inputs", None)
    return None if inputs is None else len(inputs)


def _fixed_batch_size(model: Any) -> int | None:
    """Return the only batch size that a model takes, where its inputs say one."""
    for tensor in getattr(model, "inputs", None) or ():
        if tensor.shape and tensor.shape[0] is not None:
            return int(tensor.shape[0])
    return None


def _try_out(model: Any, batch: Samples, *, path: str) -> TriedOut:
    """Build a model by a batch, and see what it does with it; nothing of it is changed by that.

    Raises:
        InvalidWorkload: If it does not fit the data.
    """
    build_by(model, batch)
    if recipe.trains_itself(model):  # it may not even have a forward pass
        return TriedOut()
    x = map_leaves(as_tensor, batch.inputs)
    mode = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001 - as `fit()` asks it
    try:
        outputs, _, losses = model.stateless_call(
            [variable.value for variable in model.trainable_variables],
            [variable.value for variable in model.non_trainable_variables],
            x,
            return_losses=True,
            **mode,
        )
    except ValueError:
        _check_input_names(model, batch.inputs, path=path)
        raise
    _check_outputs(outputs, batch.targets, path=path)
    try:
        model._symbolic_build(data_batch=stand_ins(batch))  # noqa: SLF001 - what `fit()` does before its first step
    except (ValueError, TypeError, RuntimeError) as error:
        _check_shapes(outputs, batch.targets, error=error, path=path)
        raise
    return TriedOut(
        adds_losses=bool(losses),
        masked=any(get_keras_mask(leaf) is not None for leaf in leaves(outputs)),
        output_shape=None if is_nested(outputs) else tuple(outputs.shape),
    )


def _check_input_names(model: Any, inputs: Nested, *, path: str) -> None:
    """Say of a dict of inputs that the model refused which one it lacks, where that is so."""
    taken = getattr(getattr(model, "_functional", None) or model, "_inputs_struct", None)  # of a Sequential, within it
    if not isinstance(inputs, dict) or taken is None:
        return
    if not is_nested(taken):
        raise InvalidWorkload(f"{path}: the model takes one array, and x is a dict of {', '.join(map(repr, inputs))}")
    names = list(taken) if isinstance(taken, dict) else [tensor.name for tensor in model.inputs]
    missing = [name for name in names if name not in inputs]
    if missing:
        raise InvalidWorkload(
            f"{path}: the model takes an input '{missing[0]}', and x has {', '.join(map(repr, inputs))}; name it so"
        )


def _check_there_is_something_to_train(model: Any, found: TriedOut, *, path: str) -> None:
    """Refuse a model without a loss, or without a weight that it could move; one that trains itself is left alone."""
    if recipe.trains_itself(model):
        return
    if not model.trainable_variables:
        raise InvalidWorkload(
            f"{path}: every weight of the model is frozen, so there is nothing to train; let a layer be trainable"
        )
    if model._compile_loss is None and not found.adds_losses and not recipe.computes_own_loss(model):  # noqa: SLF001
        raise InvalidWorkload(
            f"{path}: compile() names no loss and no layer adds one, so there is nothing to train for; write "
            "compile(..., loss=...)"
        )


def _check_outputs(outputs: Nested, targets: Nested, *, path: str) -> None:
    """Refuse another number of targets than of outputs."""
    made, given = len(leaves(outputs)), len(leaves(targets))
    if is_nested(outputs) and given and made != given:
        raise InvalidWorkload(f"{path}: the model has {made} outputs, and y has {given} arrays; give one for each")


def _check_shapes(outputs: Nested, targets: Nested, *, error: Exception, path: str) -> None:
    """Say of a loss or a metric that cannot be computed that targets and output are of other shapes, where they are."""
    for made, given in zip(leaves(outputs), leaves(targets), strict=False):
        if tuple(made.shape) != given.shape:
            raise InvalidWorkload(
                f"{path}: y of shape {given.shape}, batch first, does not fit the model's output of shape "
                f"{tuple(made.shape)} for what compile() names"
            ) from error


def _check_rows_to_look_up(model: Any, samples: Samples, *, path: str) -> None:
    """Refuse numbers that an embedding of the inputs has no row for; JAX would take another row in silence."""
    taken = getattr(model, "inputs", None)
    if not samples.count or not taken:
        return
    arrays: dict[int, Any] = {}
    if not is_nested(samples.inputs):
        arrays = {id(taken[0]): samples.inputs}
    elif isinstance(samples.inputs, dict):
        arrays = {id(tensor): samples.inputs[tensor.name] for tensor in taken if tensor.name in samples.inputs}
    for layer in model._flatten_layers():  # noqa: SLF001 - of layers in layers, Keras has no public list
        if not isinstance(layer, keras.layers.Embedding):
            continue
        for node in layer._inbound_nodes:  # noqa: SLF001 - what it was called with
            array = arrays.get(id(node.input_tensors[0]))
            if array is None or array.dtype.kind not in "biuf" or (array.min() >= 0 and array.max() < layer.input_dim):
                continue
            raise InvalidWorkload(
                f"{path}: x holds {array.min():.0f} to {array.max():.0f}, and Embedding '{layer.name}' has rows 0 to "
                f"{layer.input_dim - 1}; number the rows from 0, or give it more by input_dim="
            )


def _check_labels(model: Any, samples: Samples, *, shape: tuple[int, ...] | None, path: str) -> None:
    """Refuse class numbers that the model has no output for, where the loss takes class numbers."""
    if shape is None or not samples.count or model._compile_loss is None or not recipe.is_plain(model):  # noqa: SLF001
        return
    loss = recipe.plain_loss(model)
    sparse = isinstance(loss, keras.losses.SparseCategoricalCrossentropy) or (
        getattr(loss, "fn", None) is keras.losses.sparse_categorical_crossentropy
    )
    if not sparse or getattr(loss, "_fn_kwargs", {}).get("ignore_class") is not None:
        return
    intake.check_labels(samples, classes=int(shape[-1]), path=path)


def _metric_names(model: Any) -> tuple[str, ...]:
    """Return the names of a model's metrics as `fit()` reports them."""
    compiled = model._compile_metrics  # noqa: SLF001
    if compiled is None or not compiled.built:
        return ()
    return tuple(compiled.result())


def _optimizer_name(model: Any) -> str:
    """Return the class of a model's optimizer, that behind a loss scale."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    return type(optimizer).__name__
