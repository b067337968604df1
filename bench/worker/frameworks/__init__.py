"""What the harness asks of a framework, one file each: threads, devices, memory, versions. Loops know none of it.

Every module here has the functions of `Backend`. They are imported in a trial's process only.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from bench.errors import UsageError

if TYPE_CHECKING:  # trials import this module, and the registry when it is its turn
    from loops.described import Description

DISTRIBUTIONS = {"tensorflow": "tensorflow", "torch": "torch", "jax": "jax", "numpy": "numpy"}
"""Backend -> the distribution that provides it, which is also the name to install."""

NO_GPU = "it needs a GPU"

CONVENIENCES = ("IPython", "cv2", "matplotlib", "pandas", "sklearn")
"""Keras imports them wherever they are installed, for pictures, tables and wrappers that no loop here asks for."""


class Backend(Protocol):
    """The functions that each module of this package has."""

    def configure(self, *, device: str, threads: int | None) -> None:
        """Choose device and threads, and share accelerator memory politely; before anything is built.

        Raises:
            loops.errors.DeviceMissing: If the framework does not see the device.
        """

    def forbid_tensor_float_32(self) -> None:
        """Have a GPU compute float32 products in float32.

        By default frameworks differ: TensorFlow rounds the factors to ten bits of mantissa on GPUs that are faster
        that way, PyTorch does so in convolutions only, JAX as it sees fit.
        """

    def tensor_float_32(self) -> bool | None:
        """Return whether a GPU may round the factors of float32 products; None where there is no such thing."""

    def devices(self) -> list[str]:
        """Return what the framework sees, accelerators first by their names, "cpu" last."""

    def threads(self) -> dict[str, int]:
        """Return the framework's own thread settings."""

    def device_peak_memory_bytes(self, *, device: str) -> int | None:
        """Return the peak that the framework's allocator held on the accelerator; None on a CPU."""

    def compilations(self) -> int:
        """Return how often the framework has traced or compiled anything in this process; 0 where it never does."""

    def compiled(self) -> dict[str, int]:
        """Return what the framework has compiled, such as 3 "graphs" and 2 "breaks" between them; {} for nothing."""

    def backward(self) -> tuple[Any, str] | None:
        """Return the class and the name of the method that does the backward pass, or None where no loop calls one."""

    def start_trace(self, folder: Path) -> str | None:
        """Have the framework's own profiler record what it does from now on, into a folder; return why it does not."""

    def stop_trace(self, folder: Path) -> Path:
        """End what `start_trace` began, and return the file that Perfetto opens: Chrome's trace events, gzipped."""

    def annotate(self, name: str) -> AbstractContextManager[None]:
        """Return a context in which what is recorded goes by a name."""

    def compile_less(self) -> None:
        """Give up compiling one function anew sooner than usual, as loops are to be checked and not timed."""

    def forget(self) -> None:
        """Drop what was compiled, so that a process can check one workload after another."""

    def versions(self) -> dict[str, str]:
        """Return the framework's version and those of the runtimes it was built for."""


def load(name: str) -> Backend:
    """Import one framework's module.

    Raises:
        UsageError: If there is no such backend.
        ImportError: If the framework is not installed.
    """
    if name not in DISTRIBUTIONS:
        raise UsageError(f"there is no backend '{name}'; known: {', '.join(DISTRIBUTIONS)}")
    return cast("Backend", importlib.import_module(f"bench.worker.frameworks.{name}"))


def missing(name: str, *, requires: str = "") -> str | None:
    """Return why a backend cannot be used in this interpreter, or None; nothing is imported.

    Args:
        name: Of the backend.
        requires: What a loop asks for beyond it, such as "keras>=3.16".
    """
    for distribution in distributions(name):
        if _installed(distribution) is None:
            return f"{distribution} is not installed; try: pip install 'loopbench[{name}]'"
    return _unmet(requires) if requires else None


def unusable(loop: "Description", *, device: str) -> str | None:
    """Return why a loop cannot be run in this interpreter on a device, "cpu" or "gpu", or None; nothing is imported."""
    if loop.needs_gpu and device == "cpu":
        return NO_GPU
    return missing(loop.backend or "", requires=loop.requires)


@cache
def _installed(distribution: str) -> str | None:
    """Return the version of a distribution, or None; kept, since every loop asks and an answer takes a millisecond."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _unmet(requirement: str) -> str | None:
    """Return what is there instead of what is required, or None if it is there."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - only where a loop asks for it

    wanted = Requirement(requirement)
    found = _installed(wanted.name)
    if found is None:
        return f"it needs {requirement}; {wanted.name} is not installed"
    enough = wanted.specifier.contains(found, prereleases=True)
    return None if enough else f"it needs {requirement}; {wanted.name} {found} is installed"


def distributions(name: str) -> tuple[str, ...]:
    """Return what a backend needs: its framework and, but for plain NumPy, Keras."""
    return (DISTRIBUTIONS[name],) if name == "numpy" else (DISTRIBUTIONS[name], "keras")


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Import a framework as if the others, and what no training needs, were not installed.

    Keras and TensorFlow look for them and import all they find, so that the time to import a framework would depend on
    what else lies in the environment: with PyTorch, Keras took 2.7 s of processor time where it takes 1.3 s alone.
    Afterwards everything can be imported again; a user's file may need it.
    """
    strangers = {*CONVENIENCES, *DISTRIBUTIONS} - {name, "numpy"} - sys.modules.keys()
    usual, find = vars(PathFinder)["find_spec"], PathFinder.find_spec

    def find_others(name: str, *where: Any) -> Any:
        return None if name in strangers else find(name, *where)

    # None in `sys.modules` would stop an import as well, but libraries look there themselves: SciPy asks whether an
    # array is PyTorch's by what stands there for "torch", and Keras imports SciPy wherever scikit-learn is installed.
    PathFinder.find_spec = staticmethod(find_others)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        PathFinder.find_spec = usual  # type: ignore[method-assign]
