"""A user's own file with one loop or one workload: what it holds, found without running it, and how it is imported.

A workload is a class, or two functions, `model()` and `data()`, or a model that was saved, with its arrays beside it.
"""

import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import Parameter, isclass, isroutine, signature
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, final
from zipfile import BadZipFile

import numpy as np

from loops.errors import InvalidSource, InvalidWorkload, UnsupportedCell
from loops.regular import read_regular
from loops.source import SourceFile

Kind = Literal["loop", "workload"]

SUFFIX, SAVED, ARRAYS = ".py", ".keras", ".npz"
"""By which a file is told from a name, a saved model from both, and the arrays that belong to it."""

DIGITS = "digits"
"""The parameter by which `data()` asks for the digits of the run."""

BATCH_SIZE = 32
"""Of `fit()`, where a file does not say another."""

BACKENDS = ("tensorflow", "torch", "jax", "numpy")

_LARGEST_BYTES = 4 << 20
"""Of a file that somebody writes; the longest module of CPython has 0.3 MB."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Safe in a file name, and on a command line it is no option."""

_OPTIONAL = {"name", "training_samples"}
"""What a workload in a file of its own need not say: it is called like its file, and its arrays have a length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UserFile:
    """A file that holds one loop or one workload."""

    path: str
    """Absolute."""
    kind: Kind
    name: str
    """What the class calls itself, or else the name of the file."""
    class_name: str
    """Empty for a file with `model()` and `data()`, and for a saved model."""
    trains: str
    """"supervised" or "adversarial": what a loop can train, or what kind a workload is."""
    batch_size: int | None = None
    """A workload's; None for a loop."""
    says_batch_size: bool = True
    """Whether it is written in the file; if not, it is that of `fit()`, or of a pipeline."""
    training_samples: int | None = None
    """A workload's, where it is written out as a number."""


@cache
def read(path: str) -> UserFile:
    """Find the loop or the workload in a file.

    Raises:
        InvalidSource: If the file is not there, is not Python, or does not hold exactly one that is complete.
    """
    try:
        return _read(path)
    except (RecursionError, MemoryError) as error:  # what Python's parser says of 100,000 brackets or operators
        raise InvalidSource(f"{path}: is nested too deeply to be read; write it with fewer levels") from error


def _read(path: str) -> UserFile:
    """Find the loop or the workload in a file whose nesting nobody has looked at."""
    if path.endswith(SAVED):
        return _saved(path)
    source = _parsed(path)
    if _is_fit_style(path, source=source):
        return _fit_style(path, source=source)
    class_name, contract = _only_class(path, source=source)
    kind: Kind = "loop" if contract == "Loop" else "workload"
    _check_complete(path, source=source, class_name=class_name, kind=kind)
    name = source.own_constant(class_name, "name") or Path(path).stem
    _check_name(path, name, kind=kind, where=f"in class {class_name}")
    batch_size, training_samples = (source.constant(class_name, size) for size in ("batch_size", "training_samples"))
    if kind == "workload" and not isinstance(batch_size, int):
        raise InvalidSource(
            f"{path}: class {class_name} does not write out its batch_size; write a number, such as batch_size = 32: "
            "it is read before anything is imported"
        )
    return UserFile(
        path=str(Path(path).absolute()),
        kind=kind,
        name=name,
        class_name=class_name,
        trains=str(source.constant(class_name, "kind")),
        batch_size=batch_size if isinstance(batch_size, int) else None,
        training_samples=training_samples if isinstance(training_samples, int) else None,
    )


@final
class FitStyle:
    """A workload that is a compiled model and what `fit()` takes: from a file's `model()` and `data()`, or saved."""

    kind = "supervised"

    def __init__(self, name: str, *, path: str, batch_size: int | None, arrays: str | None = None) -> None:
        """Nothing is imported yet.

        Args:
            name: Of the workload.
            path: Of the file, or the name of a module that an entry point names.
            batch_size: Samples per step; None where nobody says.
            arrays: Of a saved model, the file with what it is trained on.
        """
        self.name = name
        self.path = path
        self.says_batch_size = batch_size is not None
        self.batch_size = BATCH_SIZE if batch_size is None else batch_size
        self._arrays = arrays
        self._module: ModuleType | None = None

    def build(self, seed: int, *, one_hot: bool) -> Any:
        """Return a new model; what it starts from is put into it afterwards."""
        del seed, one_hot
        if not self.path.endswith(SAVED):
            return self._function("model")()
        try:
            model = load_saved(self.path)
        except (ValueError, TypeError, OSError) as error:
            raise InvalidWorkload(f"{self.path}: Keras cannot load it: {str(error).splitlines()[0]}") from error
        return model

    def data(self, digits: Any = None) -> Any:
        """Return what the model is trained on, in whatever form the user has it.

        Args:
            digits: MNIST or what stands in for it, for a `data(digits)` that asks for the digits of the run.
        """
        if self._arrays is not None:
            return read_arrays(self._arrays)
        make = self._function("data", given=(DIGITS,))
        if DIGITS not in signature(make).parameters:
            return make()
        if digits is None:
            raise UnsupportedCell(
                f"'{self.name}' makes its data of the run's digits, once: it has no pipeline of its own"
            )
        return make(digits)

    def _function(self, name: str, *, given: tuple[str, ...] = ()) -> Callable[..., Any]:
        """Return one of the file's functions.

        Args:
            name: Of the function.
            given: Arguments that it may take.

        Raises:
            InvalidWorkload: If it is something else, or wants what nobody gives it.
        """
        found: Any = getattr(self._functions(), name)
        if not (isroutine(found) or isclass(found) or isinstance(found, partial)):
            raise InvalidWorkload(
                f"{self.path}: {name} is a {type(found).__name__}, not a function; write def {name}(): return ..."
            )
        wanted = [one.name for one in signature(found).parameters.values() if _has_to_be_given(one)]
        strange = next((one for one in wanted if one not in given), None)
        if strange is not None:
            raise InvalidWorkload(
                f"{self.path}: {name}() wants {strange}, which nobody gives it; give it a default, {strange}=..."
            )
        return found

    def _functions(self) -> ModuleType:
        """Import the file, once in a process."""
        if self._module is None:
            self._module = load(self.path) if self.path.endswith(SUFFIX) else import_module(self.path)
        return self._module


def _has_to_be_given(parameter: Parameter) -> bool:
    """Whether a function cannot be called without this argument."""
    return parameter.default is Parameter.empty and parameter.kind not in (
        Parameter.VAR_POSITIONAL,
        Parameter.VAR_KEYWORD,
    )


def load_saved(path: str | Path, *, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return a saved model with the optimizer of this framework: one of PyTorch's is saved by a module of PyTorch's.

    Args:
        path: A `.keras` file.
        custom_objects: What Keras does not know of it; lambdas are read only with such, as they are code.
    """
    import keras  # noqa: PLC0415 - the process chose the backend before this runs

    public = {name: one for name, one in vars(keras.optimizers).items() if isinstance(one, type)}
    given = {} if custom_objects is None else dict(custom_objects)
    with warnings.catch_warnings():
        # Of one that has done no steps; whatever it was, it begins anew.
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer", UserWarning)
        return keras.saving.load_model(path, custom_objects=public | given, safe_mode=custom_objects is None)


def read_arrays(path: str) -> Any:
    """Return what an `.npz` file holds as `data()` would: x, y, x_val, y_val, weight, weight_val, or x.NAME for dicts.

    Raises:
        InvalidWorkload: If it is no such file, or has other arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, BadZipFile) as error:
        raise InvalidWorkload(
            f"{path}: is no file of arrays ({error}); write one by np.savez(FILE, x=x, y=y)"
        ) from error
    known = ("x", "y", "weight", "x_val", "y_val", "weight_val")
    strange = [name for name in arrays if name.partition(".")[0] not in known]
    if strange or not any(name.partition(".")[0] == "x" for name in arrays):
        told = f"has an array '{strange[0]}'" if strange else "has no array 'x'"
        raise InvalidWorkload(f"{path}: {told}; it may have {', '.join(known)}, or x.NAME for each input of several")
    found = [_joined(arrays, name) for name in known]
    training, validation = tuple(found[:3]), tuple(found[3:])
    return training, None if validation[0] is None else validation


def _joined(arrays: Mapping[str, Any], name: str) -> Any:
    """Return an array, or a dict of those whose names begin so; None where there are none."""
    if name in arrays:
        return arrays[name]
    parts = {key.removeprefix(f"{name}."): value for key, value in arrays.items() if key.startswith(f"{name}.")}
    if parts and all(key.isdecimal() for key in parts):
        return tuple(parts[key] for key in sorted(parts, key=int))
    return parts or None


def load(path: str) -> ModuleType:
    """Import a file under a name that hides no other module; what lies beside it can be imported by it."""
    name = f"user_file_{Path(path).stem}"
    specification = spec_from_file_location(name, path)
    assert specification is not None  # it ends in .py
    assert specification.loader is not None
    module = module_from_spec(specification)
    sys.path.append(str(Path(path).parent))
    sys.modules[name] = module  # frameworks look classes up by their module
    specification.loader.exec_module(module)
    return module


def _is_fit_style(path: str, *, source: SourceFile) -> bool:
    """Whether a file has `model()` and `data()`, and no class of the contract that would be meant instead.

    Raises:
        InvalidSource: If it has one of the two only.
    """
    if any(source.contract_of(name) is not None for name in source.leaves()):
        return False
    has = [name for name in ("model", "data") if source.defines(name)]
    if len(has) == 1:
        lacking = "data" if has == ["model"] else "model"
        body = "return (x, y), (x_val, y_val)" if lacking == "data" else "return a compiled keras.Model"
        raise InvalidSource(f"{path}: has {has[0]}() and no {lacking}(); write 'def {lacking}(): {body}' beside it")
    return len(has) == 2  # noqa: PLR2004


def _fit_style(path: str, *, source: SourceFile) -> UserFile:
    """Describe a file with `model()` and `data()`."""
    name = source.module_constant("name") or Path(path).stem
    _check_name(path, str(name), kind="workload", where="at the top of the file")
    size = source.module_constant("batch_size")
    if source.defines("batch_size") and not (isinstance(size, int) and size > 0):
        raise InvalidSource(
            f"{path}: does not write out its batch_size; write a number, such as batch_size = 32: it is read before "
            "anything is imported"
        )
    return UserFile(
        path=str(Path(path).absolute()),
        kind="workload",
        name=str(name),
        class_name="",
        trains="supervised",
        batch_size=size if isinstance(size, int) else BATCH_SIZE,
        says_batch_size=isinstance(size, int),
    )


def _saved(path: str) -> UserFile:
    """Describe a saved model."""
    if not Path(path).is_file():
        raise InvalidSource(f"{path}: cannot be read (no such file); model.save({path!r}) of Keras writes one")
    _check_name(path, Path(path).stem, kind="workload", where="in place of the file's")
    return UserFile(
        path=str(Path(path).absolute()),
        kind="workload",
        name=Path(path).stem,
        class_name="",
        trains="supervised",
        batch_size=BATCH_SIZE,
    )


def _check_name(path: str, name: str, *, kind: str, where: str) -> None:
    """Refuse a name that is not safe in a file name."""
    if not _NAME.fullmatch(name):
        raise InvalidSource(
            f"{path}: '{name}' cannot be the name of a {kind}: letters, digits, '.', '_' and '-' only; "
            f'write name = "my-{kind}" {where}'
        )


def _parsed(path: str) -> SourceFile:
    """Read and parse a file."""
    try:
        return SourceFile(read_regular(Path(path), largest=_LARGEST_BYTES), folder=Path(path).absolute().parent)
    except OSError as error:
        raise InvalidSource(
            f"{path}: cannot be read ({error.strerror}); 'bench new loop NAME' or 'bench new workload NAME' writes a "
            "file to begin with"
        ) from error
    except SyntaxError as error:
        raise InvalidSource.unparsable(path, error) from error
    except ValueError as error:
        raise InvalidSource(f"{path}: is no Python file ({error})") from error


def _only_class(path: str, *, source: SourceFile) -> tuple[str, str]:
    """Return the class that is meant, and from which class of the contract it derives."""
    meant = {name: contract for name in source.leaves() if (contract := source.contract_of(name)) is not None}
    if len(meant) == 1:
        return next(iter(meant.items()))
    if meant:
        lines = ", ".join(f"{name} (line {source.classes[name].lineno})" for name in meant)
        raise InvalidSource(f"{path}: holds several loops or workloads: {lines}; put each into a file of its own")
    others = ", ".join(f"{name} (line {node.lineno})" for name, node in source.classes.items())
    found = f"the classes in it do not: {others}" if others else "there is no class in it"
    raise InvalidSource(
        f"{path}: a loop derives from loops.contract.Loop and a workload from loops.contract.Workload, or is two "
        f"functions, model() and data(), and {found}; 'bench new loop NAME' and 'bench new workload NAME' show how"
    )


def _check_complete(path: str, *, source: SourceFile, class_name: str, kind: Kind) -> None:
    """Refuse a class that lacks something, and name everything that it lacks."""
    place = f"{path}, line {source.classes[class_name].lineno}: class {class_name}"
    backend = source.constant(class_name, "backend")
    if kind == "loop" and backend not in BACKENDS:
        said = "does not say which backend it needs" if backend is None else f"asks for backend '{backend}'"
        raise InvalidSource(f'{place} {said}; write backend = "torch" in it, or another of {", ".join(BACKENDS)}')
    lacking = [member for member in source.left_open(class_name) if member not in _OPTIONAL]
    if lacking:
        raise InvalidSource(f"{place} lacks {', '.join(lacking)}; 'bench new {kind} NAME' writes a complete one")
