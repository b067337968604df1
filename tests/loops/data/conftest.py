"""The synthetic digits, drawn once for all tests of this folder, and fewer ones for tests that write them often."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from loops.data import archive
from loops.data import cache as array_cache
from loops.data.mnist import DatasetChoice, Fixture, resolve


@pytest.fixture(scope="session")
def synthetic_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a cache folder for tests that only need the synthetic digits in it."""
    cache = tmp_path_factory.mktemp("synthetic") / "cache"
    yield cache
    shutil.rmtree(cache)


@pytest.fixture(scope="session")
def drawn(synthetic_cache: Path) -> Fixture:
    """Return the fixture of the synthetic digits, drawn once."""
    return resolve(DatasetChoice.SYNTHETIC, file=None, cache=synthetic_cache)


@pytest.fixture(scope="session")
def digits(drawn: Fixture) -> dict[str, NDArray[np.uint8]]:
    """Return the synthetic digits; not to be changed."""
    arrays = array_cache.read(Path(drawn.folder))
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


@pytest.fixture(scope="session")
def npz(digits: dict[str, NDArray[np.uint8]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a valid archive, filled with the synthetic digits; not to be changed."""
    path = tmp_path_factory.mktemp("npz") / "mnist.npz"
    np.savez(path, allow_pickle=False, **digits)
    yield path
    path.unlink()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> dict[str, NDArray[np.uint8]]:
    """Return 60 training and 20 test samples, and let the rules for archives ask for as many."""
    shapes = {"x_train": (60, 28, 28), "y_train": (60,), "x_test": (20, 28, 28), "y_test": (20,)}
    monkeypatch.setattr(archive, "SHAPES", shapes)
    return {key: (np.arange(np.prod(shape)) % 10).astype(np.uint8).reshape(shape) for key, shape in shapes.items()}


@pytest.fixture
def few_npz(few: dict[str, NDArray[np.uint8]], tmp_path: Path) -> Path:
    """Return an archive of the few samples."""
    path = tmp_path / "few.npz"
    np.savez(path, allow_pickle=False, **few)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """Return the path of a cache that does not exist yet; what is written there is gone after the test."""
    path = tmp_path / "cache"
    yield path
    shutil.rmtree(path, ignore_errors=True)
