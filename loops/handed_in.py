"""A compiled model and arrays that somebody holds in memory, as a workload's file that fresh processes read.

    <folder>/NAME.py        two functions, `model()` and `data()`, as a user would write them
             model.keras    as `model.save` writes it; not there where a function builds the model
             code.pickle    classes and functions that Keras does not know, or the function, as cloudpickle writes them
             modules.json   folders in which their modules are found
             index.json     the arrays, and beside it one file for each; see `loops.prepared`

Written in the process that holds them, read in others under any framework. Nothing is imported in the first but NumPy:
what it knows of Keras is what is imported already.
"""

import hashlib
import json
import os
import pickle
import re
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from inspect import Parameter, signature
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, MethodType
from typing import Any, Final
from zipfile import ZipFile

from loops import intake, prepared, registry
from loops.contract import Samples
from loops.drain import is_pipeline
from loops.errors import InvalidWorkload
from loops.user_file import BATCH_SIZE, load_saved

FOLDER: Final = "handed-in-"
"""Beginning of the names of folders in the cache; the rest is a hash over all that is in them."""
KEPT_SECONDS: Final = 30 * 24 * 3600.0
"""A model and its arrays stay so long after they were handed in last: `--resume` needs them."""
MODEL, CODE, MODULES = "model.keras", "code.pickle", "modules.json"
PATH: Final = "bench.measure"
"""Stands for the user's file in messages."""
BUILD: Final = "give a function that builds and compiles the model instead: bench.measure(make_model, x, y)"
_LAMBDA: Final = "<lambda>"
_NOTED: Final = ("name", "dtype", "trainable")
"""Arguments that Keras stores of every model."""
_DIGITS: Final = 16
_MOST_LETTERS: Final = 300
"""Of what Keras says; it likes to quote whole configurations."""


def hand_in(
    model: Any,
    training: Samples,
    validation: Samples | None,
    *,
    batch_size: int | None,
    name: str | None,
    cache: Path,
    most_bytes: int,
) -> Path:
    """Write a model and arrays down, and return the file of the workload that they are.

    Args:
        model: A compiled Keras model, or a function without arguments that returns one.
        training: What `fit()` takes, in whatever form; inputs may be a pipeline, which holds all.
        validation: Likewise; None for none.
        batch_size: Samples per step; None for the pipeline's, or else that of `fit()`.
        name: Of the workload; None for the model's.
        cache: Where the folder is made.
        most_bytes: That a pipeline may hold.

    Raises:
        InvalidWorkload: If it cannot be trained, or cannot be handed to another process.
    """
    builds = _builds(model)
    inputs = None if builds else getattr(model, "inputs", None)
    both = tuple(_whole(samples) for samples in (training, validation))
    given = intake.read(both, path=PATH, inputs=None if inputs is None else len(inputs), most_bytes=most_bytes)
    size = batch_size or given.pipeline_batch_size or BATCH_SIZE
    title = _safe(name or (model.__name__ if builds else model.name))
    with TemporaryDirectory(prefix=".partial-", dir=cache) as partial:
        folder = Path(partial) / "handed-in"
        folder.mkdir()
        hashed = [prepared.write(folder, training=given.training, validation=given.validation, weights=[])]
        hashed += [_write_code(folder, model) if builds else _write_model(folder, model)]
        content = hashlib.sha256(" ".join([*hashed, title, str(size)]).encode()).hexdigest()
        (folder / f"{title}.py").write_text(_source(title, what=_told(model), batch_size=size, content=content))
        place = cache / f"{FOLDER}{content[:_DIGITS]}"
        try:
            os.utime(place)  # it may be in use, and counts as handed in now
        except FileNotFoundError:
            folder.rename(place)
    _forget(cache)
    return place / f"{title}.py"


def _forget(cache: Path) -> None:
    """Remove what was handed in so long ago that nobody will go on with a run of it."""
    for folder in cache.glob(f"{FOLDER}*"):
        with suppress(OSError):  # another process is at it
            if folder.stat().st_mtime < time.time() - KEPT_SECONDS:
                shutil.rmtree(folder)


def model(folder: Path) -> Any:
    """Return the model that was handed in, compiled; in a process with a framework.

    Raises:
        InvalidWorkload: If it cannot be made here.
    """
    import keras  # noqa: PLC0415 - the process chose the backend before this runs

    try:
        code = _read_code(folder)
        if not isinstance(code, dict):
            return code()
        for one in code.values():
            if isinstance(one, type) and issubclass(one, keras.layers.Layer):
                _let_arguments_be_fewer(one)
        return load_saved(folder / MODEL, custom_objects=code)
    except (AttributeError, ImportError, NameError, NotImplementedError, OSError, TypeError, ValueError) as error:
        raise InvalidWorkload(
            f"{PATH}: the model cannot be made anew on {keras.backend.backend()}: {_said_by(error)}; {BUILD}"
        ) from error


def _let_arguments_be_fewer(kind: Any) -> None:
    """Have a class be made from what Keras noted of its arguments, also where it takes no `name`, `dtype` and the like.

    Keras adds these to what it notes by itself, and then hands them to an `__init__` that may not know them.
    """
    import keras  # noqa: PLC0415 - the process chose the backend before this runs
    from keras.src import dtype_policies  # noqa: PLC0415

    parameters = signature(kind.__init__).parameters.values()
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters)
    if takes_any or not (_is_kerass(kind.get_config) and _is_kerass(kind.from_config)):
        return
    known = {parameter.name for parameter in parameters}

    def from_config(cls: Any, config: dict[str, Any], custom_objects: Any = None) -> Any:
        del custom_objects
        made = cls(**{name: value for name, value in config.items() if name in known})
        for name in ("name", "trainable"):
            if name in config and name not in known:
                setattr(made, name, config[name])
        asked = dtype_policies.get(config.get("dtype"))
        usual = keras.config.dtype_policy().name  # another one where somebody asked for it by --dtype
        if "dtype" not in known and made.dtype_policy.name == usual == "float32" != asked.name:
            raise TypeError(
                f"class {cls.__name__} takes no dtype, and its model was made under the policy {asked.name}"
            )
        return made

    kind.from_config = classmethod(from_config)


def _said_by(error: Exception) -> str:
    """Return what an error says, on one line that has an end."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said if len(said) <= _MOST_LETTERS else f'{said[:_MOST_LETTERS]}...'}"


def data(folder: Path) -> tuple[Samples, Samples]:
    """Return the arrays that were handed in, for training and for validation."""
    return prepared.read_samples(folder)


def _builds(model: Any) -> bool:
    """Whether it is a function that builds a model, rather than one that is compiled.

    Raises:
        InvalidWorkload: If it is neither.
    """
    kind: Any = getattr(sys.modules.get("keras"), "Model", None)
    if isinstance(kind, type) and isinstance(model, kind):
        if not getattr(model, "compiled", False):
            raise InvalidWorkload(
                f'{PATH}: the model is not compiled; call compile(optimizer="adam", loss=..., metrics=[...]) on it'
            )
        return False
    if isinstance(model, FunctionType | MethodType):
        return True
    raise InvalidWorkload(
        f"{PATH}: a {type(model).__name__} is no model of Keras 3; give a compiled keras.Model, or a function that "
        "returns one"
    )


def _whole(samples: Samples | None) -> Any:
    """Return samples, or the pipeline that they are.

    Raises:
        InvalidWorkload: If there are targets or weights beside a pipeline.
    """
    if samples is None or not is_pipeline(samples.inputs):
        return samples
    if samples.targets is not None or samples.weights is not None:
        raise InvalidWorkload(f"{PATH}: x is a pipeline, which holds y and weights itself; leave those out")
    return samples.inputs


def _safe(name: str) -> str:
    """Return a name that can be a workload's, and is no other's."""
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "model"
    return f"my-{word}" if word in registry.workload_names() else word


def _told(model: Any) -> str:
    """Return what is handed in, in words that end no docstring."""
    return re.sub(r"[^\w. -]+", "", getattr(model, "__name__", type(model).__name__)) or "a model"


def _source(name: str, *, what: str, batch_size: int, content: str) -> str:
    """Return a workload's file."""
    return f'''"""{what}, as it was handed to bench.measure; model and arrays lie beside this file."""

from pathlib import Path

from loops import handed_in

HERE = Path(__file__).parent
name = "{name}"
batch_size = {batch_size}
content = "{content}"  # a hash over model, code and arrays


def model():
    """Return the model; its optimizer begins anew."""
    return handed_in.model(HERE)


def data():
    """Return the arrays."""
    return handed_in.data(HERE)
'''


def _write_model(folder: Path, model: Any) -> str:
    """Save a model with what Keras does not know of it, and return a hash over both.

    Raises:
        InvalidWorkload: If Keras cannot save it, or not all of it.
    """
    _refuse_what_keras_forgets(model)
    file = folder / MODEL
    with _named_lambdas(own_objects(model)) as objects, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as of a model that nobody has called yet: it is built anew anyway
        try:
            model.save(file)
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            raise InvalidWorkload(f"{PATH}: Keras cannot save this model: {_said_by(error)}; {BUILD}") from error
        code = _write_code(folder, objects) if objects else ""
    whole = hashlib.sha256(code.encode())
    with ZipFile(file) as archive:
        for part in sorted(archive.namelist()):
            if part != "metadata.json":  # when it was saved
                whole.update(part.encode() + archive.read(part))
    return whole.hexdigest()


def _refuse_what_keras_forgets(model: Any) -> None:
    """Refuse a class of models whose arguments Keras does not note, unlike those of layers: it would take the defaults.

    Source: `keras.Model.__new__` of Keras 3.15, which hands no arguments on to where they are noted.

    Raises:
        InvalidWorkload: If it takes any.
    """
    for one in _reached(model):
        kind = type(one)
        if not isinstance(one, sys.modules["keras"].Model) or _is_kerass(kind) or not _is_kerass(kind.get_config):
            continue
        taken = [
            name
            for name, parameter in list(signature(kind.__init__).parameters.items())[1:]
            if parameter.kind is not Parameter.VAR_KEYWORD and name not in _NOTED
        ]
        if taken:
            raise InvalidWorkload(
                f"{PATH}: class {kind.__name__} takes {', '.join(taken)}, which Keras does not note of models; write "
                f"get_config() in it, or {BUILD}"
            )


def own_objects(model: Any) -> dict[str, Any]:
    """Return the classes and functions of a model that Keras does not know, by the names that it saves them under."""
    found: dict[str, Any] = {}
    lambdas = 0
    name_of: Callable[[Any], str] = sys.modules["keras"].saving.get_registered_name
    for one in _reached(model):
        if isinstance(one, FunctionType):
            if _is_kerass(one) or _is_method(one):
                continue
            named = name_of(one)
            if one.__name__ == _LAMBDA:
                named, lambdas = f"lambda_{lambdas}", lambdas + 1
            found[named] = one
        elif hasattr(one, "get_config") and not _is_kerass(type(one)):
            found[name_of(type(one))] = type(one)
    return found


def _reached(model: Any) -> Iterator[Any]:
    """Yield what a model consists of: layers, losses, metrics, optimizer and what those hold, functions included."""
    seen: set[int] = set()
    left = [model]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Mapping):
            left += one.values()
        elif isinstance(one, list | tuple | set | frozenset):
            left += one
        elif isinstance(one, FunctionType):
            yield one
        elif isinstance(one, MethodType):
            left.append(one.__self__)
        elif not isinstance(one, type) and (hasattr(one, "get_config") or _is_kerass(type(one))):
            yield one
            left += getattr(one, "__dict__", {}).values()


def _is_kerass(thing: Any) -> bool:
    """Whether a class or a function comes with Keras."""
    return (getattr(thing, "__module__", None) or "").partition(".")[0] == "keras"


def _is_method(function: FunctionType) -> bool:
    """Whether a function was written in the body of a class, with which it is handed in: Keras wraps some of them."""
    around, _, _ = function.__qualname__.rpartition(".")
    return bool(around) and not around.endswith("<locals>")


@contextmanager
def _named_lambdas(objects: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Have functions without a name bear one while they are saved: Keras keeps of others what their globals lack."""
    nameless = {name: one for name, one in objects.items() if getattr(one, "__name__", "") == _LAMBDA}
    for name, one in nameless.items():
        one.__name__ = name
    try:
        yield objects
    finally:
        for one in nameless.values():
            one.__name__ = _LAMBDA


def _write_code(folder: Path, code: Any) -> str:
    """Pickle classes and functions, those of a notebook by what they are, and return a hash over them.

    Raises:
        InvalidWorkload: If they hold what cannot be handed to another process.
    """
    import cloudpickle  # noqa: PLC0415 - models without classes of their own need none

    try:
        content: bytes = cloudpickle.dumps(code)
    except (TypeError, ValueError, AttributeError, pickle.PicklingError) as error:
        raise InvalidWorkload(
            f"{PATH}: classes and functions of this model cannot be handed to another process: {_said_by(error)}; let "
            "them hold no open files, threads or the like"
        ) from error
    (folder / CODE).write_bytes(content)
    installed = {Path(path).resolve() for path in (sys.prefix, sys.base_prefix)}
    places = [Path(place).resolve() for place in sys.path if Path(place).is_dir()]
    own = [str(place) for place in places if not any(place.is_relative_to(prefix) for prefix in installed)]
    (folder / MODULES).write_text(json.dumps(own))
    return hashlib.sha256(content).hexdigest()


def _read_code(folder: Path) -> Any:
    """Return the classes and functions that were handed in; nothing where there were none."""
    file = folder / CODE
    if not file.exists():
        return {}
    sys.path += [place for place in json.loads((folder / MODULES).read_text()) if place not in sys.path]
    return pickle.loads(file.read_bytes())  # noqa: S301 - the user's own code, which the cache keeps for this run
