"""The cache gives back what was stored, whole or not at all."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from loops.data.archive import SHAPES, fingerprint
from loops.data.cache import Entry, find, read, store
from loops.errors import DataError, InvalidData, UntrustedFolder

Arrays = dict[str, NDArray[np.uint8]]


class Interrupted(Arrays):
    """Arrays of which the last one cannot be had a second time, as if the user had pressed Ctrl-C just then."""

    taken = 0

    def __getitem__(self, key: str) -> NDArray[np.uint8]:
        """Return an array, or be interrupted."""
        self.taken += 1
        if self.taken == 2 * len(SHAPES):
            raise KeyboardInterrupt
        return super().__getitem__(key)


def hidden_in(cache: Path) -> list[str]:
    """Return the names of partial folders."""
    return [path.name for path in cache.iterdir() if path.name.startswith(".")]


def test_find_knows_nothing_of_a_new_source(cache: Path) -> None:
    """Neither the source nor the cache has to exist."""
    assert find(cache, name="mnist", key="new") is None


def test_find_returns_what_was_stored(cache: Path, few: Arrays) -> None:
    """The folder is named after the fingerprint, and nothing partial is left."""
    sha256 = fingerprint(few)
    expected = Entry(folder=cache / f"mnist-{sha256}", sha256=sha256)

    stored = store(cache, name="mnist", key="file", arrays=few)

    assert expected == stored
    assert expected == find(cache, name="mnist", key="file")
    assert find(cache, name="mnist", key="other file") is None
    assert find(cache, name="synthetic", key="file") is None
    assert [] == hidden_in(cache)


def remove(path: Path) -> None:
    """Remove an array."""
    path.unlink()


def truncate(path: Path) -> None:
    """Cut the end of an array off."""
    os.truncate(path, 5000)


def change(path: Path) -> None:
    """Change a pixel."""
    with path.open("r+b") as file:
        file.seek(5000)
        file.write(b"changed")


@pytest.mark.parametrize("damage", [remove, truncate, change])
def test_store_repairs_what_find_no_longer_accepts(cache: Path, few: Arrays, damage: Callable[[Path], None]) -> None:
    """Arrays that are no longer complete and unchanged count as absent, and are replaced in place."""
    stored = store(cache, name="mnist", key="file", arrays=few)
    damage(stored.folder / "x_test.npy")

    damaged = find(cache, name="mnist", key="file")
    store(cache, name="mnist", key="file", arrays=few)

    assert damaged is None
    assert stored == find(cache, name="mnist", key="file")
    assert [] == hidden_in(cache)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"sha256": 1}', b'{"sha256": "../.."}'])
def test_find_passes_over_an_index_that_it_cannot_read(cache: Path, few: Arrays, content: bytes) -> None:
    """The source is then decoded again, rather than refused."""
    store(cache, name="mnist", key="file", arrays=few)
    (index,) = cache.glob("*.json")
    index.write_bytes(content)

    assert find(cache, name="mnist", key="file") is None


def test_an_interrupted_store_leaves_nothing(cache: Path, few: Arrays) -> None:
    """Neither half a folder nor a temporary one."""
    with pytest.raises(KeyboardInterrupt):
        store(cache, name="mnist", key="file", arrays=Interrupted(few))

    assert [] == list(cache.iterdir())


def test_store_removes_what_a_killed_process_left(cache: Path, few: Arrays) -> None:
    """Partial folders older than an hour go; those that may still be written to stay."""
    for name in (".partial-old", ".partial-new"):
        (cache / name).mkdir(parents=True)
    os.utime(cache / ".partial-old", (0, 0))

    store(cache, name="mnist", key="file", arrays=few)

    assert [".partial-new"] == hidden_in(cache)


def test_two_may_store_the_same_at_once(cache: Path, few: Arrays) -> None:
    """Whoever comes second finds the folder there and is content."""
    with ThreadPoolExecutor() as pool:
        entries = list(pool.map(lambda key: store(cache, name="mnist", key=key, arrays=few), ["one", "two"]))

    assert entries == [find(cache, name="mnist", key=key) for key in ("one", "two")]
    assert entries[0] == entries[1]
    assert [] == hidden_in(cache)


@pytest.mark.parametrize(("inside", "reason"), [("", "File exists"), ("below", "Not a directory")])
def test_store_names_the_way_out_of_a_cache_that_cannot_be_written(
    tmp_path: Path, few: Arrays, inside: str, reason: str
) -> None:
    """A file in the place of the folder stands for all that the operating system may refuse."""
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / inside

    with pytest.raises(DataError) as caught:
        store(cache, name="mnist", key="file", arrays=few)

    assert str(caught.value) == (
        f"{cache}: the data cannot be cached here ({reason}). Set BENCH_CACHE_DIR to a folder that can be written and"
        " has 60 MB left"
    )


def test_store_refuses_a_file_where_the_arrays_belong(cache: Path, few: Arrays) -> None:
    """It does not remove what is not its own."""
    cache.mkdir()
    (cache / f"mnist-{fingerprint(few)}").touch()

    with pytest.raises(DataError, match=r"the data cannot be cached here \(Not a directory\)"):
        store(cache, name="mnist", key="file", arrays=few)


def test_read_names_a_missing_array(tmp_path: Path) -> None:
    """The first one that is not there is named."""
    with pytest.raises(InvalidData) as caught:
        read(tmp_path)

    assert f"{tmp_path / 'x_train.npy'}: there is no such file, expected the array 'x_train'" == str(caught.value)


def test_read_names_a_wrong_shape(tmp_path: Path) -> None:
    """A cached array has to keep the rules of the archive."""
    path = tmp_path / "x_train.npy"
    np.save(path, np.zeros((5, 28, 28), dtype=np.uint8))

    with pytest.raises(InvalidData) as caught:
        read(tmp_path)

    assert f"{path}: 'x_train' has shape (5, 28, 28), expected (60000, 28, 28)" == str(caught.value)


def test_read_names_a_damaged_array(tmp_path: Path) -> None:
    """Bytes that are no array are reported as such."""
    path = tmp_path / "x_train.npy"
    path.touch()

    with pytest.raises(InvalidData) as caught:
        read(tmp_path)

    assert str(caught.value) == (
        f"{path}: truncated or corrupt, found 'EOF: reading magic string, expected 8 bytes got 0';"
        " expected an intact file"
    )


def test_arrays_and_index_that_were_exchanged_together_are_not_taken(cache: Path, few: Arrays, monkeypatch) -> None:
    """They fit each other, and are not what the source led to."""
    store(cache, name="synthetic", key="seed 0", arrays=few)
    monkeypatch.setenv("BENCH_STATE_DIR", str(cache.parent / "theirs"))
    shutil.rmtree(cache)
    store(cache, name="synthetic", key="seed 0", arrays=few | {"x_train": few["x_train"] // 2})
    monkeypatch.setenv("BENCH_STATE_DIR", str(cache.parent / "ours"))

    assert find(cache, name="synthetic", key="seed 0") is None


def test_an_index_of_another_source_is_not_taken(cache: Path, few: Arrays) -> None:
    """It is sealed here, and answers another question."""
    store(cache, name="mnist", key="one file", arrays=few)
    (index,) = cache.glob("*.json")
    store(cache, name="mnist", key="another file", arrays=few | {"x_train": few["x_train"] // 2})
    (other,) = set(cache.glob("*.json")) - {index}
    other.replace(index)

    assert find(cache, name="mnist", key="one file") is None


def test_a_cache_that_others_can_write_to_is_refused(cache: Path, few: Arrays) -> None:
    """Whoever can write to it decides what is trained on."""
    cache.mkdir()
    cache.chmod(0o777)

    for use in (lambda: store(cache, name="mnist", key="k", arrays=few), lambda: find(cache, name="mnist", key="k")):
        with pytest.raises(UntrustedFolder, match="can be written by everybody"):
            use()
