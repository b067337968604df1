"""A process trains on the arrays that the harness means, or on none."""

from pathlib import Path

import numpy as np
import pytest

from bench.worker.digits import load_checked, sha256_of
from loops.data import mnist
from loops.errors import InvalidData


@pytest.fixture
def prepared(tmp_path):
    """Return a folder with prepared digits."""
    return mnist.resolve(mnist.DatasetChoice.SYNTHETIC, file=None, cache=tmp_path / "cache")


def test_prepared_digits_are_those_that_their_folder_names(prepared, tmp_path):
    """The hash over the parts is the hash over the whole."""
    digits, nanoseconds = load_checked(Path(prepared.folder))

    assert prepared.sha256 == sha256_of(digits)
    assert nanoseconds > 0


def test_digits_that_were_exchanged_since_are_refused(prepared):
    """A pixel that nobody sees changes every loss."""
    file = Path(prepared.folder) / "x_test.npy"
    images = np.load(file)
    images[7, 3, 3] ^= 1
    np.save(file, images)

    with pytest.raises(InvalidData, match="have changed since they were prepared"):
        load_checked(Path(prepared.folder))
