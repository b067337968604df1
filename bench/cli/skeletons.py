"""`bench new`: a file of the user's own that runs as it is."""

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from bench.cli import saved_model
from bench.errors import UsageError
from bench.files import write_whole
from bench.runs import own_models
from loops import registry
from loops.user_file import SUFFIX, Kind

CLASS = "Skeleton"
"""What the class is called in the skeletons."""


def write(kind: Kind, name: str) -> Path:
    """Write a loop or a workload to begin with.

    Args:
        kind: Which of the two.
        name: Of the file, with or without a folder in front and ".py" behind; the class is called after it.

    Raises:
        UsageError: If the name cannot be used or the file is there already.
        FileTrouble: If it cannot be written.
    """
    path = _usable(kind, name)
    text = files("loops.skeletons").joinpath(f"{kind}_skeleton.py").read_text(encoding="utf-8")
    _write(path, text.replace(f"class {CLASS}(", f"class {_class_name(path.stem)}("))
    return path


def write_for(saved: Path, name: str) -> Path:
    """Write a workload around a model that was saved.

    Args:
        saved: The model's file.
        name: As for `write`.

    Raises:
        UsageError: If it is no such file, or the name cannot be used.
        FileTrouble: If it cannot be written.
    """
    path = _usable("workload", name)
    found = saved_model.read(saved)
    _write(path, saved_model.workload(found, beside=path.parent))
    return path


def next_steps(kind: Kind, path: Path, *, saved: bool = False) -> str:
    """Return what to do with the file.

    Args:
        kind: Loop or workload.
        path: Of it.
        saved: Whether it is for a saved model, and waits for its arrays.
    """
    option = f"--loop {path}" if kind == "loop" else f"--workload {path}"
    loops = " ".join(_loops(kind))
    check = f"bench verify {path}" if kind == "loop" else f"bench verify {loops} {option}"
    first = f"wrote {path}; it runs as it is:"
    if saved:
        first = f"wrote {path}; let data() return your arrays, then:"
    then = (
        "see whether loops train it alike:" if saved else "then make it yours, and see whether loops still train alike:"
    )
    return "\n".join((first, f"  bench run --quick {loops} {option}", then, f"  {check}"))


def _loops(kind: Kind) -> tuple[str, ...]:
    """Return loops of a framework that is installed, plain `fit()` first; beside a loop, those that the one is of."""
    there = own_models.order()
    return own_models.LOOPS[there[0]] if kind == "workload" and there else ("torch-native", "torch-keras")


def _class_name(stem: str) -> str:
    """Return "MyLoop" for "my_loop" or "my-loop"."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]+", stem))


def _usable(kind: Kind, name: str) -> Path:
    """Return the file that is meant by a name.

    Raises:
        UsageError: If it cannot be used.
    """
    path = Path(name if name.endswith(SUFFIX) else name + SUFFIX)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", path.stem):
        raise UsageError(f"'{path.stem}' cannot be a name: begin with a letter, go on with letters, digits, '_' or '-'")
    taken = [registry.EVERY, *registry.loop_names()] if kind == "loop" else registry.workload_names()
    if path.stem in taken:
        raise UsageError(f"there is a {kind} '{path.stem}' already; choose another name, such as my-{path.stem}")
    if find_spec(path.stem) is not None and not path.exists():
        raise UsageError(f"{path} would hide the Python module '{path.stem}'; choose another name")
    return path


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all: an empty one would stand in the way of the next try.

    Raises:
        UsageError: If it is there already.
        FileTrouble: If it cannot be written.
    """
    try:
        write_whole(path, text.encode(), overwrite=False)
    except FileExistsError:
        raise UsageError(f"{path} is there already, and is left alone; choose another name or move it away") from None
