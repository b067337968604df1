"""Every rule that an `mnist.npz` has to keep, with the message for the one that does not."""

import hashlib
import os
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from loops.data import archive
from loops.errors import DataNotFound, InvalidData

Arrays = dict[str, NDArray[np.uint8]]
Write = Callable[..., Path]

SMALL = {key: np.zeros(1, dtype=np.uint8) for key in archive.SHAPES}


@pytest.fixture
def write(tmp_path: Path, few: Arrays) -> Write:
    """Return a function that writes an archive of the few samples in which some arrays are others."""
    path = tmp_path / "changed.npz"

    def write_npz(**changes: NDArray[Any]) -> Path:
        np.savez(path, **(few | changes))
        return path

    return write_npz


def message_of(path: Path) -> str:
    """Read what is not MNIST and return the message."""
    with pytest.raises(InvalidData) as caught:
        archive.read(path)
    return str(caught.value)


def npy(array: NDArray[Any]) -> bytes:
    """Return what an npy file of this array holds."""
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_read_returns_the_arrays(npz: Path, digits: Arrays) -> None:
    """A valid archive gives its four arrays, writable and in order."""
    arrays = archive.read(npz)

    assert list(archive.SHAPES) == list(arrays)
    assert all(np.array_equal(digits[key], array) for key, array in arrays.items())
    assert all(array.flags.writeable and array.flags.c_contiguous for array in arrays.values())


def test_read_accepts_other_layouts_and_more_keys(write: Write, few: Arrays) -> None:
    """How the archive stores an array, and what else it holds, does not matter."""
    path = write(x_test=np.asfortranarray(few["x_test"]), author=np.array("somebody"))

    arrays = archive.read(path)

    assert archive.fingerprint(few) == archive.fingerprint(arrays)


def test_read_refuses_a_missing_file(tmp_path: Path) -> None:
    """There is nothing at the path."""
    path = tmp_path / "none.npz"

    with pytest.raises(DataNotFound) as caught:
        archive.read(path)

    assert f"{path}: there is no such file" == str(caught.value)


def test_read_refuses_a_folder(tmp_path: Path) -> None:
    """There is a folder at the path."""
    with pytest.raises(DataNotFound) as caught:
        archive.read(tmp_path)

    assert f"{tmp_path}: is a folder, expected an npz file" == str(caught.value)


def test_read_refuses_a_pipe(tmp_path: Path) -> None:
    """A pipe would have to be waited for and cannot be read twice."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    with pytest.raises(DataNotFound) as caught:
        archive.read(path)

    assert f"{path}: is not a regular file, expected an npz file" == str(caught.value)


def test_read_says_why_a_path_cannot_be_read(tmp_path: Path) -> None:
    """What the operating system says is passed on."""
    path = tmp_path / ("long" * 100)

    with pytest.raises(DataNotFound) as caught:
        archive.read(path)

    assert f"{path}: cannot be read (File name too long)" == str(caught.value)


@pytest.mark.parametrize(
    ("content", "start"),
    [(b"", b""), (b"<html>", b"<htm"), (npy(np.zeros(3)), b"\x93NUM"), (b"\x80\x04N.", b"\x80\x04N.")],
    ids=["empty", "text", "npy", "pickle"],
)
def test_read_refuses_what_is_no_npz(tmp_path: Path, content: bytes, start: bytes) -> None:
    """The first bytes say that the file is something else."""
    path = tmp_path / "other.npz"
    path.write_bytes(content)

    assert f"{path}: not an npz file, begins with {start!r}; expected b'PK'" == message_of(path)


def test_read_refuses_a_truncated_file(tmp_path: Path, npz: Path) -> None:
    """A download that stopped early has no table of contents."""
    path = tmp_path / "half.npz"
    with npz.open("rb") as file:
        path.write_bytes(file.read(1000))

    assert f"{path}: truncated or corrupt, found 'File is not a zip file'; expected an intact file" == message_of(path)


def test_read_refuses_a_changed_pixel(write: Write) -> None:
    """The archive's own checksum no longer fits."""
    path = write()
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"changed")

    expected = f"{path}: truncated or corrupt, found 'Bad CRC-32 for file 'x_train.npy''; expected an intact file"
    assert expected == message_of(path)


def test_read_refuses_an_array_that_is_no_npy(tmp_path: Path) -> None:
    """The archive is intact, but its members are of another format."""
    path = tmp_path / "other.npz"
    with zipfile.ZipFile(path, "w") as file:
        for key in archive.SHAPES:
            file.writestr(f"{key}.npy", "0, 0, 0, 0, 0")

    expected = f"{path}: truncated or corrupt, found 'the magic string is not correct; expected b'\\x93NUMPY', got b'0"
    assert message_of(path).startswith(expected)


@pytest.mark.parametrize(
    ("keys", "found"),
    [(["x_train", "y_train", "x_test"], "x_test, x_train, y_train"), ([], "nothing")],
    ids=["three", "none"],
)
def test_read_names_a_missing_key(tmp_path: Path, keys: list[str], found: str) -> None:
    """The message lists what is there instead."""
    path = tmp_path / "keys.npz"
    np.savez(path, **{key: SMALL[key] for key in keys})  # type: ignore[arg-type]
    first = "y_test" if keys else "x_train"

    assert f"{path}: no '{first}', found {found}; expected x_test, x_train, y_test, y_train" == message_of(path)


def test_read_does_not_unpickle(tmp_path: Path) -> None:
    """An array of Python objects is refused before any of them is made."""
    path = tmp_path / "objects.npz"
    np.savez(path, **(SMALL | {"x_train": np.array([{}], dtype=object)}))

    assert f"{path}: 'x_train' has pickled Python objects, expected uint8" == message_of(path)


def test_read_names_a_wrong_dtype(tmp_path: Path) -> None:
    """Scaled pixels, for example, are not what the workloads expect."""
    path = tmp_path / "floats.npz"
    np.savez(path, **(SMALL | {"x_train": np.zeros(1, dtype=np.float32)}))  # type: ignore[arg-type]

    assert f"{path}: 'x_train' has dtype float32, expected uint8" == message_of(path)


@pytest.mark.parametrize("shape", [(100, 28, 28), (60_000, 784), (), (60_000, 28, 28, 1)])
def test_read_names_a_wrong_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Fewer samples, flattened images and a channel axis are refused."""
    path = tmp_path / "shape.npz"
    np.savez(path, **(SMALL | {"x_train": np.empty(shape, dtype=np.uint8)}))  # type: ignore[arg-type]

    assert f"{path}: 'x_train' has shape {shape}, expected (60000, 28, 28)" == message_of(path)


@pytest.mark.parametrize(("change", "found"), [(b"\0", "more"), (None, "59")], ids=["longer", "shorter"])
def test_read_names_a_wrong_length(tmp_path: Path, few: Arrays, change: bytes | None, found: str) -> None:
    """The header is as it should be, but there is more or less data than it says."""
    path = tmp_path / "length.npz"
    labels = npy(few["y_train"])
    np.savez(path, x_train=few["x_train"], x_test=few["x_test"], y_test=few["y_test"])
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("y_train.npy", labels + change if change else labels[:-1])

    assert f"{path}: 'y_train' has {found} bytes, expected 60" == message_of(path)


def test_read_names_a_label_above_nine(write: Write, few: Arrays) -> None:
    """Labels of another data set, such as letters, do not fit the models."""
    path = write(y_train=np.where(np.arange(60) == 7, 26, few["y_train"]).astype(np.uint8))

    assert f"{path}: 'y_train' has the label 26, expected 0 to 9" == message_of(path)


def test_read_names_missing_classes(write: Write, few: Arrays) -> None:
    """Test labels without some class would make accuracies incomparable."""
    path = write(y_test=few["y_test"] % 8)

    assert f"{path}: 'y_test' lacks the labels 8, 9; expected 0 to 9" == message_of(path)


def test_fingerprint_is_the_sha256_of_all_bytes_in_order(few: Arrays) -> None:
    """Neither the order of the mapping nor the layout in memory matters."""
    joined = b"".join(few[key].tobytes() for key in ("x_train", "y_train", "x_test", "y_test"))
    shuffled = {key: np.asfortranarray(few[key]) for key in sorted(few)}

    assert hashlib.sha256(joined).hexdigest() == archive.fingerprint(shuffled)
