"""`bench new`: a file of the user's own that runs as it is."""

import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from bench.errors import UsageError
from bench.files import write_whole
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
    path = Path(name if name.endswith(SUFFIX) else name + SUFFIX)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", path.stem):
        raise UsageError(f"'{path.stem}' cannot be a name: begin with a letter, go on with letters, digits, '_' or '-'")
    taken = [registry.EVERY, *registry.loop_names()] if kind == "loop" else registry.workload_names()
    if path.stem in taken:
        raise UsageError(f"there is a {kind} '{path.stem}' already; choose another name, such as my-{path.stem}")
    if find_spec(path.stem) is not None and not path.exists():
        raise UsageError(f"{path} would hide the Python module '{path.stem}'; choose another name")
    text = files("loops.skeletons").joinpath(f"{kind}_skeleton.py").read_text(encoding="utf-8")
    try:
        # Whole or not at all: an empty file would stand in the way of the next try.
        write_whole(path, text.replace(f"class {CLASS}(", f"class {_class_name(path.stem)}(").encode(), overwrite=False)
    except FileExistsError:
        raise UsageError(f"{path} is there already, and is left alone; choose another name or move it away") from None
    return path


def next_steps(kind: Kind, path: Path) -> str:
    """Return what to do with the file."""
    option = f"--loop {path}" if kind == "loop" else f"--workload {path}"
    check = f"bench verify {path}" if kind == "loop" else f"bench verify torch-keras torch-native --workload {path}"
    return "\n".join(
        (
            f"wrote {path}; it runs as it is:",
            f"  bench run --quick torch-native torch-keras {option}",
            "then make it yours, and see whether loops still train alike:",
            f"  {check}",
        )
    )


def _class_name(stem: str) -> str:
    """Return "MyLoop" for "my_loop" or "my-loop"."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]+", stem))
