"""Find MNIST, or what stands in for it, and hand its digits to the workloads.

Looked for in this order: the user's file, the Keras cache, a download by Keras in a process of its own (no framework is
ever imported here), then the synthetic digits, which the fixture says plainly.
"""

import hashlib
import inspect
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from loops.contract import Digits
from loops.data import archive, synthetic
from loops.data.cache import find, read, store
from loops.errors import DataError, DataNotFound, InvalidData

_VALIDATION: Final = 10_000
"""Samples for validation: the last ones of the training part."""
_SEED: Final = 0
"""Of the synthetic digits."""
_LOADER: Final = """
import ctypes, importlib.util, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # ends with whoever asked, however that ends
backends = [name for name in ("jax", "torch", "tensorflow") if importlib.util.find_spec(name)]
if not backends:
    raise SystemExit("none of jax, torch and tensorflow is installed, and Keras needs one")
os.environ["KERAS_BACKEND"] = backends[0]
import keras
keras.datasets.mnist.load_data(path="mnist.npz")
"""
"""Leaves the archive in the Keras cache. The backend is only there to let Keras be imported; jax does so fastest."""


class DatasetChoice(StrEnum):
    """Which digits to train on."""

    AUTO = "auto"
    """MNIST, or the synthetic digits where it cannot be had."""
    MNIST = "mnist"
    """MNIST or an error."""
    SYNTHETIC = "synthetic"
    """The synthetic digits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixture:
    """The digits that were found."""

    name: str
    """"mnist" or "synthetic"."""
    source: str
    """Where they come from, in words or as the path that the user gave."""
    sha256: str
    """Over the bytes of x_train, y_train, x_test and y_test, in hex."""
    folder: str
    """Where the decoded arrays lie; for `load`."""
    fallback: str | None
    """Why the synthetic digits stand in for MNIST; None if they do not."""


def resolve(
    choice: DatasetChoice,
    *,
    file: Path | None,
    cache: Path,
    interpreter: str = sys.executable,
    download_timeout: float = 60.0,
) -> Fixture:
    """Find the digits and decode them into the cache, unless they already are there.

    Args:
        choice: Which digits.
        file: The user's own npz file. It is used or refused, never passed over.
        cache: Folder for the decoded arrays.
        interpreter: Python that has Keras and may download.
        download_timeout: Seconds.

    Raises:
        DataNotFound: If the file, or with `MNIST` any source, is missing.
        InvalidData: If the file is not MNIST.
        DataError: If a file is given with `SYNTHETIC`, or the cache cannot be written.
    """
    if choice is DatasetChoice.SYNTHETIC:
        if file is not None:
            raise DataError(f"--dataset synthetic contradicts --data {file} (or BENCH_DATA): leave one of them out")
        return _draw(cache, fallback=None)
    if file is not None:
        return _decode(file, source=str(file), cache=cache)
    found = _ask_keras(cache, interpreter=interpreter, timeout=download_timeout)
    if isinstance(found, Fixture):
        return found
    if choice is DatasetChoice.MNIST:
        raise DataNotFound(f"MNIST was not found: {found}. Give a file with --data FILE, or take --dataset synthetic")
    return _draw(cache, fallback=f"MNIST was not found ({found})")


def load(folder: Path) -> Digits:
    """Load the digits of a fixture; fast, for it happens in every trial.

    Args:
        folder: The fixture's folder.

    Raises:
        InvalidData: If an array is missing or not what MNIST has.
    """
    arrays = read(folder)
    return Digits(
        train_images=arrays["x_train"][:-_VALIDATION],
        train_labels=arrays["y_train"][:-_VALIDATION],
        validation_images=arrays["x_train"][-_VALIDATION:],
        validation_labels=arrays["y_train"][-_VALIDATION:],
        test_images=arrays["x_test"],
        test_labels=arrays["y_test"],
    )


def _ask_keras(cache: Path, *, interpreter: str, timeout: float) -> Fixture | str:
    """Return MNIST from the Keras cache or by a download, or else the reasons why not."""
    path = _keras_archive()
    source = "Keras cache"
    if not os.path.exists(path):  # noqa: PTH110, Path's raises for a folder that is closed to the user
        source = "downloaded by Keras"
        failure = _download(path, interpreter=interpreter, timeout=timeout)
        if failure is not None:
            return f"there is no {path}, and Keras could not download it: {failure}"
    try:
        return _decode(path, source=source, cache=cache)
    except (DataNotFound, InvalidData) as error:
        # Not downloaded again: where that fails, Keras deletes the file, which may be all that the user has.
        return f"{error}; delete it to let Keras download it"


def _keras_archive() -> Path:
    """Return where Keras keeps MNIST; the file need not exist."""
    home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))  # noqa: PTH111, Path's raises without a home
    return Path(home, "datasets", "mnist.npz")


def _download(path: Path, *, interpreter: str, timeout: float) -> str | None:
    """Let Keras download its archive to `path`; return why it could not, if so."""
    try:
        ended = subprocess.run(
            [interpreter, "-c", _LOADER],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        return f"'{interpreter}' cannot be started ({error.strerror})"
    except subprocess.TimeoutExpired:
        _remove(path)
        return f"no end after {timeout:g} s"
    if ended.returncode != 0:
        _remove(path)
        return (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
    return None if os.path.exists(path) else "its loader ended well but left no file"  # noqa: PTH110, as above


def _remove(path: Path) -> None:
    """Remove what a download left when it failed: the next one would take it for the archive."""
    with suppress(OSError):
        path.unlink()


def _decode(path: Path, *, source: str, cache: Path) -> Fixture:
    """Return the fixture of an npz file, decoded unless this very file was before."""
    state = archive.look_up(path)
    key = f"{path.resolve()}|{state.st_size} bytes|{state.st_mtime_ns} ns"
    entry = find(cache, name="mnist", key=key)
    if entry is None:
        entry = store(cache, name="mnist", key=key, arrays=archive.read(path))
    return Fixture(name="mnist", source=source, sha256=entry.sha256, folder=str(entry.folder), fallback=None)


def _draw(cache: Path, *, fallback: str | None) -> Fixture:
    """Return the fixture of the synthetic digits, drawn unless this very generator did before."""
    code = hashlib.sha256(inspect.getsource(synthetic).encode()).hexdigest()
    key = f"seed {_SEED}|NumPy {np.__version__}|{code}"  # NumPy may change what its generators return
    entry = find(cache, name="synthetic", key=key)
    if entry is None:
        entry = store(cache, name="synthetic", key=key, arrays=synthetic.draw(seed=_SEED))
    return Fixture(
        name="synthetic",
        source=f"drawn from seed {_SEED}",
        sha256=entry.sha256,
        folder=str(entry.folder),
        fallback=fallback,
    )
