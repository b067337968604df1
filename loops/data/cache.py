"""Keep decoded arrays on disk, so that no trial decodes or draws them again.

    <cache>/mnist-06b0d1.../x_train.npy ...   named after the arrays' SHA-256: equal names, equal contents
    <cache>/mnist-0c5f1a2b3c4d5e6f.json        named after the source's key: which SHA-256 it led to, sealed

Both appear by a rename, complete or not at all, whoever else writes to the cache at the same time.
"""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loops.data.archive import SHAPES, fingerprint, read_array, refuse_damage
from loops.errors import DataError, InvalidData
from loops.seal import holds, own, seal

_PARTIAL: Final = ".partial-"
"""Prefix of folders that are being written."""
_TO_BE_LOCKED_SECONDS: Final = 1.0
"""A folder that is younger may be about to be locked by its owner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Arrays in the cache."""

    folder: Path
    """Where they lie, one `.npy` file each."""
    sha256: str
    """Their `fingerprint`, in hex."""


def find(cache: Path, *, name: str, key: str) -> Entry | None:
    """Look up what a source led to.

    Args:
        cache: The cache folder; need not exist.
        name: "mnist" or "synthetic".
        key: Says which source, in which state; another text is another source.

    Returns:
        None if the source is new, if its arrays are no longer complete and unchanged, or if it was another installation
        that said which they are.

    Raises:
        UntrustedFolder: If somebody else could have written to the cache.
    """
    own(cache)
    try:
        index = json.loads(_index(cache, name=name, key=key).read_bytes())
        sha256 = str(index["sha256"])
        if not holds(index["seal"], "arrays", name, key, sha256):  # arrays and index exchanged together, say
            return None
        folder = _folder(cache, name=name, sha256=sha256)
        complete = fingerprint(read(folder)) == sha256
    except (OSError, ValueError, KeyError, TypeError, InvalidData):  # not there, or not what `store` wrote
        return None
    return Entry(folder=folder, sha256=sha256) if complete else None


def store(cache: Path, *, name: str, key: str, arrays: Mapping[str, NDArray[np.uint8]]) -> Entry:
    """Write arrays and remember which source they come from.

    Args:
        cache: The cache folder; made if it does not exist.
        name: "mnist" or "synthetic".
        key: As `find` will be asked.
        arrays: Those of `archive.SHAPES`.

    Raises:
        DataError: If the folder cannot be written.
        UntrustedFolder: If somebody else could have written to it.
    """
    own(cache)
    sha256 = fingerprint(arrays)
    folder = _folder(cache, name=name, sha256=sha256)
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(cache)
        with TemporaryDirectory(prefix=_PARTIAL, dir=cache) as partial, _locked(Path(partial)):
            decoded, index = Path(partial, "arrays"), Path(partial, "index")
            decoded.mkdir()
            for array_name in SHAPES:
                np.save(decoded / f"{array_name}.npy", arrays[array_name], allow_pickle=False)
            _publish(decoded, folder)
            sealed = {"key": key, "sha256": sha256, "seal": seal("arrays", name, key, sha256)}
            index.write_text(json.dumps(sealed, indent=2) + "\n", encoding="utf-8")
            index.replace(_index(cache, name=name, key=key))
    except OSError as error:
        raise DataError(
            f"{cache}: the data cannot be cached here ({error.strerror or error})."
            " Set BENCH_CACHE_DIR to a folder that can be written and has 60 MB left"
        ) from error
    return Entry(folder=folder, sha256=sha256)


def read(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Read the arrays of an `Entry`.

    Args:
        folder: The entry's folder.

    Raises:
        InvalidData: If one is missing, damaged or of another shape, dtype or label range.
    """
    arrays = {}
    for key in SHAPES:
        path = folder / f"{key}.npy"
        if not path.is_file():
            raise InvalidData(f"{path}: there is no such file, expected the array '{key}'")
        with refuse_damage(path), path.open("rb") as file:
            arrays[key] = read_array(file, key, path=path)
    return arrays


def _folder(cache: Path, *, name: str, sha256: str) -> Path:
    """Return where arrays of this fingerprint lie."""
    return cache / f"{name}-{sha256}"


def _index(cache: Path, *, name: str, key: str) -> Path:
    """Return the file that says which fingerprint the source has."""
    return cache / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _publish(decoded: Path, folder: Path) -> None:
    """Rename the written folder to where readers look for it."""
    try:
        decoded.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        # Another process was first, or a file was damaged since. The name stands for the contents, so replacing
        # file by file changes nothing for readers.
        for file in decoded.iterdir():
            file.replace(folder / file.name)


def _remove_abandoned(cache: Path) -> None:
    """Remove what processes that were killed while writing have left."""
    for partial in cache.glob(f"{_PARTIAL}*"):
        with suppress(FileNotFoundError):  # another process removes it too
            young = time.time() - partial.stat().st_mtime < _TO_BE_LOCKED_SECONDS
            with suppress(OSError), _locked(partial):  # else its owner lives
                if not young:
                    shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which goes with its owner.

    Raises:
        BlockingIOError: If somebody else holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
