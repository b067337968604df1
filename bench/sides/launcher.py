"""Which interpreter and which environment a process with a framework gets."""

import getpass
import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir
from typing import final

from bench.files import SOURCE_TREE, temporary_folder
from bench.records.cell import Side
from bench.worker import origin
from loops import registry

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Read by the libraries below the frameworks when they are loaded."""

_LONGEST_FOR_SOCKETS = 60
"""Bytes of a folder for temporary files: `multiprocessing` adds some 32, and a socket's name may have 104."""


def holds_loops(folder: Path) -> bool:
    """Whether a folder has loops of its own to be measured in place of ours: it is this project, at some commit."""
    return all((folder / "loops" / name).exists() for name in ("registry.py", "contract.py"))


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
        self._sources: dict[tuple[str, ...], str] = {}
        self._temporary: dict[str, str] | None = None

    def __enter__(self) -> "Launcher":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clean up."""
        self._resources.close()

    def interpreter(self, backend: str, *, side: Side | None = None) -> str:
        """Return the Python that has this framework: the side's own, the backend's, or ours."""
        if side is not None and side.interpreter is not None:
            return side.interpreter
        return self._interpreters.get(backend, sys.executable)

    def environment(
        self, *, backend: str, device: str, threads: int | None, side: Side | None = None
    ) -> dict[str, str]:
        """Return the parent's environment, whole, and on top what makes a cell what it is, and then its side."""
        environment = dict(self._environment) | self._temporary_files() | {"KERAS_BACKEND": backend}
        if device == "cpu":
            # Hidden before any framework looks: no context is made on a GPU that is not to be used.
            environment |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}
        if threads is not None:
            environment |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        inherited = environment.get("PYTHONPATH", "")
        if side is None:
            first = [self._only_our_sources("bench", "loops")]
        else:
            environment |= side.variables
            inherited = environment.get("PYTHONPATH", "")
            own_loops = any(holds_loops(Path(folder)) for folder in side.python_path)
            first = [self._only_our_sources("bench", *(() if own_loops else ("loops",))), *side.python_path]
            if side.tree is not None:
                environment |= _files_then(environment, side=side) | _commit(side, own_loops=own_loops)
        # `python -m` puts the current folder before everything, where it would hide what a side is about, and where a
        # user's own folder `bench` or a file json.py would be taken for the real one: it comes last
        # (`bench.worker.entry.look_here_last`).
        environment["PYTHONSAFEPATH"] = "1"
        environment["PYTHONPATH"] = os.pathsep.join(part for part in (*first, inherited) if part)
        return environment

    def _temporary_files(self) -> dict[str, str]:
        """Return the variables by which what processes write for themselves goes when the harness does.

        TensorFlow writes its translated Python for a while, and deletes it at its end, which a killed process never
        reaches. What PyTorch compiles stays where it always was, so that no run begins with a cold cache.
        """
        if self._temporary is None:
            folder = str(self._resources.enter_context(temporary_folder()))
            fits = len(os.fsencode(folder)) <= _LONGEST_FOR_SOCKETS
            compiled = self._environment.get("TORCHINDUCTOR_CACHE_DIR") or str(Path(gettempdir(), _torch_folder()))
            self._temporary = {"TMPDIR": folder, "TORCHINDUCTOR_CACHE_DIR": compiled} if fits else {}
        return self._temporary

    def _only_our_sources(self, *packages: str) -> str:
        """Return a folder with these packages of ours and nothing else of this interpreter's."""
        if packages not in self._sources:
            folder = self._resources.enter_context(temporary_folder())
            for package in packages:
                (folder / package).symlink_to(SOURCE_TREE / package)
            self._sources[packages] = str(folder)
        return self._sources[packages]


def _torch_folder() -> str:
    """Return how PyTorch calls its cache of compiled code (`torch._inductor.runtime.cache_dir_utils`)."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no entry for this user, as in many containers
        user = f"uid_{os.getuid()}"
    return "torchinductor_" + re.sub(r'[\\/:*?"<>|]', "_", user)


def _commit(side: Side, *, own_loops: bool) -> dict[str, str]:
    """Return the variable that has a process keep to a commit: whatever leads into the repository leads there then."""
    ours = [str(SOURCE_TREE / package) for package in ("bench", *(() if own_loops else ("loops",)))]
    known = {"repository": side.facts["repository"], "tree": side.tree, "allowed": [*ours, *side.python_path]}
    return {origin.VARIABLE: json.dumps(known)}


def _files_then(environment: Mapping[str, str], *, side: Side) -> dict[str, str]:
    """Return the variable that names the user's files, with those of the commit in place of the working tree's."""
    repository = Path(side.facts["repository"]).resolve()
    then = []
    for path in map(Path, json.loads(environment.get(registry.FILES_VARIABLE, "[]"))):
        inside = path.resolve().is_relative_to(repository)
        then.append(str(Path(str(side.tree)) / path.resolve().relative_to(repository) if inside else path))
    return {registry.FILES_VARIABLE: json.dumps(then)}
