"""Read `mnist.npz` and refuse what is not MNIST: every rule has its own one-line message.

A file is not to be trusted: headers are checked before data is decoded, and data is read as bytes, never unpickled.
"""

import hashlib
import lzma
import os
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from loops.errors import DataNotFound, InvalidData

SHAPES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}
)
"""The four arrays of MNIST, in the order in which `fingerprint` takes them; all are uint8."""

_CLASSES: Final = 10
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,  # NumPy, from a header that is not Python
    EOFError,
    OSError,
    RuntimeError,  # zipfile, for an encrypted or unknown compression
    ValueError,
)
"""What zipfile raises for bytes that are not what they should be."""
_BAD_HEADER: Final = (
    *_DAMAGE,
    # What NumPy's parser of headers, and Python's below it, raise for the text of one.
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    SyntaxError,
    TypeError,
)
_LONGEST_HEADER_BYTES: Final = 4096
"""NumPy writes 128 for such an array; it is read before anything in it can be checked."""
_LARGEST_FILE_BYTES: Final = 256 << 20
"""MNIST takes 11 MB, and 55 MB where it is not compressed."""
_LARGEST_DIRECTORY_BYTES: Final = 1 << 20
"""Of an archive's list of contents: four names take 300."""
_END_OF_DIRECTORY: Final = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT_BYTES: Final = 1 << 16
_BOUNDED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What can be unpacked piece by piece: of the others, zipfile unpacks whatever a piece grows to."""
_MOST_SHOWN: Final = 200


def read(path: Path) -> dict[str, NDArray[np.uint8]]:
    """Read and check the four arrays.

    Args:
        path: An npz file, such as Keras downloads.

    Returns:
        The arrays of `SHAPES`, in its order.

    Raises:
        DataNotFound: If there is no such file.
        InvalidData: If it is not an npz file, or not one of MNIST; names the file, the key, what was found and what
            was expected.
    """
    look_up(path)
    with refuse_damage(path), path.open("rb") as file:
        start = file.read(4)
        if not start.startswith(b"PK"):
            raise InvalidData(f"{path}: not an npz file, begins with {start!r}; expected {b'PK'!r}")
        _check_sizes(file, path=path)
        with zipfile.ZipFile(file) as archive:
            found = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            for key in SHAPES:
                if key not in found:
                    raise InvalidData(f"{path}: no '{key}', found {_list(found)}; expected {_list(SHAPES)}")
            arrays = {}
            for key in SHAPES:
                listed = archive.getinfo(f"{key}.npy")
                if listed.compress_type not in _BOUNDED:
                    raise InvalidData(f"{path}: '{key}' is compressed in another way than np.savez_compressed does it")
                largest = int(np.prod(SHAPES[key])) + 2 * _LONGEST_HEADER_BYTES
                if listed.file_size > largest:
                    raise InvalidData(f"{path}: '{key}' unpacks to {listed.file_size:,} bytes, more than {largest:,}")
            for key in SHAPES:
                with archive.open(f"{key}.npy") as member:
                    arrays[key] = read_array(member, key, path=path)
            return arrays


def look_up(path: Path) -> os.stat_result:
    """Return size and times of a file.

    Args:
        path: Where it should be.

    Raises:
        DataNotFound: If it is not there or not a file.
    """
    try:
        state = path.stat()
    except FileNotFoundError as error:
        raise DataNotFound(f"{path}: there is no such file") from error
    except OSError as error:
        raise DataNotFound(f"{path}: cannot be read ({error.strerror})") from error
    if stat.S_ISDIR(state.st_mode):
        raise DataNotFound(f"{path}: is a folder, expected an npz file")
    if not stat.S_ISREG(state.st_mode):
        raise DataNotFound(f"{path}: is not a regular file, expected an npz file")
    return state


def read_array(stream: IO[bytes], key: str, *, path: Path) -> NDArray[np.uint8]:
    """Read and check one array.

    Args:
        stream: What an npy file holds.
        key: The array's name, one of `SHAPES`.
        path: Where the stream comes from, for messages.

    Raises:
        InvalidData: If it is not what MNIST has under this name. Bytes that are no npy file at all raise what
            `refuse_damage` translates.
    """
    shape, column_major, dtype = _read_header(stream, key, path=path)
    if dtype.hasobject:
        raise InvalidData(f"{path}: '{key}' has pickled Python objects, expected uint8")
    if dtype != np.uint8:
        raise InvalidData(f"{path}: '{key}' has dtype {dtype}, expected uint8")
    if shape != SHAPES[key]:
        raise InvalidData(f"{path}: '{key}' has shape {_short(str(shape))}, expected {SHAPES[key]}")
    size = int(np.prod(shape))
    data = bytearray(stream.read(size + 1))  # one more, for zipfile compares the checksum when it comes to the end
    if len(data) != size:
        raise InvalidData(f"{path}: '{key}' has {'more' if len(data) > size else len(data)} bytes, expected {size}")
    array = np.frombuffer(data, dtype=np.uint8).reshape(shape, order="F" if column_major else "C")
    if key.startswith("y_"):
        _check_labels(array, key, path=path)
    return np.ascontiguousarray(array)


@contextmanager
def refuse_damage(path: Path) -> Iterator[None]:
    """Turn what zipfile and NumPy raise for bytes that are not what they should be into `InvalidData`.

    Args:
        path: What is being read, for the message.

    Raises:
        InvalidData: If the body raises one of these.
    """
    try:
        yield
    except _DAMAGE as error:
        told = _short(str(error))
        raise InvalidData(f"{path}: truncated or corrupt, found '{told}'; expected an intact file") from error


def fingerprint(arrays: Mapping[str, NDArray[np.uint8]]) -> str:
    """Return the SHA-256, in hex, over the bytes of the arrays in the order of `SHAPES`."""
    digest = hashlib.sha256()
    for key in SHAPES:
        digest.update(np.ascontiguousarray(arrays[key]).data)
    return digest.hexdigest()


def _check_sizes(file: IO[bytes], *, path: Path) -> None:
    """Refuse a file that is too large, or whose list of contents is: zipfile reads all of that before anything else."""
    size = file.seek(0, os.SEEK_END)
    if size > _LARGEST_FILE_BYTES:
        raise InvalidData(f"{path}: has {size:,} bytes, more than {_LARGEST_FILE_BYTES:,}; expected MNIST")
    file.seek(max(0, size - _END_OF_DIRECTORY.size - _LONGEST_COMMENT_BYTES))
    end = file.read()
    found = end.rfind(b"PK\x05\x06")
    if found < 0 or len(end) - found < _END_OF_DIRECTORY.size:
        return  # zipfile says that it is no archive
    directory = _END_OF_DIRECTORY.unpack_from(end, found)[5]
    if directory > _LARGEST_DIRECTORY_BYTES or b"PK\x06\x07" in end[:found]:  # the latter begins a larger format's
        raise InvalidData(f"{path}: is an archive of very many or very large files; expected {_list(SHAPES)}")
    file.seek(0)


def _read_header(stream: IO[bytes], key: str, *, path: Path) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Return shape, whether the first index varies fastest, and dtype.

    Raises:
        InvalidData: If it is longer than it needs to be, or NumPy's parser cannot make sense of it.
    """
    try:
        version = npy.read_magic(stream)
        count = stream.read(2 if version == (1, 0) else 4)
        length = int.from_bytes(count, "little")
        if length > _LONGEST_HEADER_BYTES:
            raise InvalidData(f"{path}: '{key}' has a header of {length:,} bytes, expected 128")
        header = BytesIO(count + stream.read(length))
        parse = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, column_major, dtype = parse(header)
    except _BAD_HEADER as error:
        told = _short(str(error)) or type(error).__name__
        raise InvalidData(f"{path}: truncated or corrupt, found '{told}'; expected an intact file") from error
    return shape, column_major, dtype


def _short(text: str) -> str:
    """Return text on one line that is not too long."""
    text = " ".join(text.split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _check_labels(labels: NDArray[np.uint8], key: str, *, path: Path) -> None:
    """Refuse labels above 9, and fewer than ten classes."""
    counts = np.bincount(labels, minlength=_CLASSES)
    if len(counts) > _CLASSES:
        raise InvalidData(f"{path}: '{key}' has the label {len(counts) - 1}, expected 0 to {_CLASSES - 1}")
    missing = np.flatnonzero(counts == 0)
    if len(missing):
        raise InvalidData(f"{path}: '{key}' lacks the labels {_list(map(str, missing))}; expected 0 to {_CLASSES - 1}")


def _list(names: Iterable[str]) -> str:
    """Return names in alphabetical order, or "nothing"."""
    return _short(", ".join(sorted(names))) or "nothing"
