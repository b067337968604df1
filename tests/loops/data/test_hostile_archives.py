"""A file of a stranger is refused in one line, in bounded memory and time, whatever it holds."""

import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from loops.data.archive import SHAPES, read
from loops.errors import InvalidData

GOOD = b"{'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }"


def npy(text: bytes, *, version: tuple[int, int] = (1, 0), length: int | None = None) -> bytes:
    """Return an npy file's beginning with this header."""
    length = len(text) if length is None else length
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", length) + text


def described(descr: str, shape: str = "(3,)") -> bytes:
    """Return a header."""
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode())


HEADERS = {
    "index": described("()"),
    "fields": described("[()]"),
    "dict": described("{'a': 1}"),
    "number": described("3"),
    "long text": described("'|S99999999999'"),
    "call": described("f()"),
    "negative": described("'|u1'", "(-1, 28, 28)"),
    "huge": described("'|u1'", f"({'9' * 3000},)"),
    "text": described("'|u1'", "'abc'"),
    "deep": npy(b"(" * 1500 + b")" * 1500),
    "minus": npy(b"-" * 4000 + b"1"),
    "list as key": npy(b"{[]: 1}"),
    "set": npy(b"{'descr'}"),
    "nulls": npy(b"\0" * 64),
    "no text": npy(b"\xff" * 64),
    "two gigabytes": npy(b"x", version=(2, 0), length=2_000_000_000),
    "four gigabytes": npy(b"x", version=(3, 0), length=4_000_000_000),
    "spaces": npy(GOOD + b" " * 30_000, version=(2, 0)),
    "version": npy(GOOD, version=(9, 9)),
    "empty": b"",
    "magic": b"\x93NUM",
    "objects": described("'|O'", "(60000, 28, 28)"),
}


def archive(path: Path, content: bytes, *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an npz file whose arrays are all this."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for key in SHAPES:
            file.writestr(f"{key}.npy", content)
    return path


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    """Whatever NumPy's parser raises: IndexError, TypeError and MemoryError were tracebacks."""
    with pytest.raises(InvalidData) as refused:
        read(archive(tmp_path / "mnist.npz", HEADERS[name]))

    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_without_bounds_is_not_unpacked(tmp_path: Path, compression: int) -> None:
    """A piece of a few bytes grows to gigabytes before anybody can look."""
    with pytest.raises(InvalidData, match="'x_train' is compressed in another way"):
        read(archive(tmp_path / "mnist.npz", HEADERS["index"], compression=compression))


def test_an_array_that_unpacks_to_more_than_it_should_is_refused_by_its_size(tmp_path: Path) -> None:
    """Nothing of it is unpacked."""
    path = archive(tmp_path / "mnist.npz", npy(GOOD) + bytes(60_000_000))

    with pytest.raises(InvalidData, match=r"'x_train' unpacks to 60,000,078 bytes, more than 47,048,192"):
        read(path)


def test_a_list_of_contents_without_end_is_refused(tmp_path: Path) -> None:
    """It would be read whole before the first array."""
    path = tmp_path / "mnist.npz"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(20_000):
            file.writestr(f"{number}.npy", b"")

    with pytest.raises(InvalidData, match="very many or very large files"):
        read(path)


def test_names_without_end_are_told_in_one_line(tmp_path: Path) -> None:
    """A name may have 65,535 characters."""
    path = tmp_path / "mnist.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x" * 60_000 + ".npy", b"")

    with pytest.raises(InvalidData) as refused:
        read(path)

    assert len(str(refused.value)) < 600


def test_memory_and_time_are_bounded(tmp_path: Path) -> None:
    """8.8 MB that unpacked to a header of 2 GB took 4 GB and 36 s."""
    bomb = tmp_path / "mnist.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        for key in SHAPES:
            with file.open(f"{key}.npy", "w") as member:
                member.write(npy(b"", version=(2, 0), length=300_000_000))
                for _ in range(300):
                    member.write(b" " * 1_000_000)
    code = (
        "import sys; from pathlib import Path\n"
        "from loops.data.archive import read; from loops.errors import InvalidData\n"
        "try: read(Path(sys.argv[1]))\n"
        "except InvalidData as error: print(error)\n"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    done = subprocess.run(
        [sys.executable, "-c", code, str(bomb)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        env={"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )

    assert (0, True) == (done.returncode, "_train' unpacks to" in done.stdout), done.stderr
