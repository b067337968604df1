"""Which interpreter and which environment a process with a framework gets."""

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import final

from bench.machine import SOURCE_TREE

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Read by the libraries below the frameworks when they are loaded."""


@final
class Launcher:
    """Prepares processes; a context, because it may have to lay out the sources for another interpreter."""

    def __init__(self, *, interpreters: Mapping[str, str], environment: Mapping[str, str]) -> None:
        """Remember what all processes share.

        Args:
            interpreters: Backend -> Python interpreter, where it is not the one that runs the harness.
            environment: The parent's, passed on whole.
        """
        self._interpreters = interpreters
        self._environment = environment
        self._resources = ExitStack()
        self._sources: str | None = None

    def __enter__(self) -> "Launcher":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clean up."""
        self._resources.close()

    def interpreter(self, backend: str) -> str:
        """Return the Python that has this framework."""
        return self._interpreters.get(backend, sys.executable)

    def environment(self, *, backend: str, device: str, threads: int | None) -> dict[str, str]:
        """Return the parent's environment, whole, and on top what makes a cell what it is."""
        environment = dict(self._environment) | {"KERAS_BACKEND": backend}
        if device == "cpu":
            # Hidden before any framework looks: no context is made on a GPU that is not to be used.
            environment |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}
        if threads is not None:
            environment |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        if backend in self._interpreters:
            known = environment.get("PYTHONPATH", "")
            environment["PYTHONPATH"] = os.pathsep.join(part for part in (self._only_our_sources(), known) if part)
        return environment

    def _only_our_sources(self) -> str:
        """Return a folder with `bench` and `loops` and nothing else of this interpreter's packages."""
        if self._sources is None:
            self._sources = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
            for package in ("bench", "loops"):
                (Path(self._sources) / package).symlink_to(SOURCE_TREE / package)
        return self._sources
