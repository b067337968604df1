"""A user's own file with one loop or one workload: what it holds, found without running it, and how it is imported."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Literal

from loops.errors import InvalidSource
from loops.source import SourceFile

Kind = Literal["loop", "workload"]

SUFFIX = ".py"
"""By which a file is told from a name."""

BACKENDS = ("tensorflow", "torch", "jax", "numpy")

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
    trains: str
    """"supervised" or "adversarial": what a loop can train, or what kind a workload is."""
    batch_size: int | None = None
    """A workload's; None for a loop."""
    training_samples: int | None = None
    """A workload's, where it is written out as a number."""


@cache
def read(path: str) -> UserFile:
    """Find the loop or the workload in a file.

    Raises:
        InvalidSource: If the file is not there, is not Python, or does not hold exactly one that is complete.
    """
    source = _parsed(path)
    class_name, contract = _only_class(path, source=source)
    kind: Kind = "loop" if contract == "Loop" else "workload"
    _check_complete(path, source=source, class_name=class_name, kind=kind)
    name = source.own_constant(class_name, "name") or Path(path).stem
    if not _NAME.fullmatch(name):
        raise InvalidSource(
            f"{path}: '{name}' cannot be the name of a {kind}: letters, digits, '.', '_' and '-' only; "
            f'write name = "my-{kind}" in class {class_name}'
        )
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


def _parsed(path: str) -> SourceFile:
    """Read and parse a file."""
    try:
        return SourceFile(Path(path).read_bytes())
    except OSError as error:
        raise InvalidSource(
            f"{path}: cannot be read ({error.strerror}); 'bench new loop NAME' or 'bench new workload NAME' writes a "
            "file to begin with"
        ) from error
    except SyntaxError as error:
        place = path if error.lineno is None else f"{path}, line {error.lineno}"
        raise InvalidSource(f"{place}: {error.msg}; correct it and run again") from error
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
        f"{path}: a loop derives from loops.contract.Loop and a workload from loops.contract.Workload, and {found}; "
        "'bench new loop NAME' and 'bench new workload NAME' show how"
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
