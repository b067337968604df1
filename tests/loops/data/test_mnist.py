"""Where the digits are looked for, in which order, and what is said when they are not there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from loops.data import synthetic
from loops.data.archive import fingerprint
from loops.data.cache import read
from loops.data.mnist import DatasetChoice, Fixture, load, resolve
from loops.errors import DataError, DataNotFound, InvalidData

Arrays = dict[str, NDArray[np.uint8]]

SHA256_OF_MNIST = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
ABSENT = "/absent/python"
"""An interpreter for tests that must not start any."""


@pytest.fixture
def keras_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where Keras is told to keep MNIST; the file does not exist."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    path = tmp_path / "keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that makes a program of shell lines, to be taken for a Python interpreter."""

    def write(lines: str) -> str:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return str(path)

    return write


def fixture_of(digits: Arrays, *, source: str, cache: Path) -> Fixture:
    """Return what `resolve` gives for an archive of these digits."""
    sha256 = fingerprint(digits)
    folder = str(cache / f"mnist-{sha256}")
    return Fixture(name="mnist", source=source, sha256=sha256, folder=folder, fallback=None)


# the user's file


@pytest.mark.parametrize("choice", [DatasetChoice.AUTO, DatasetChoice.MNIST])
def test_the_users_file_comes_first(
    choice: DatasetChoice, few_npz: Path, keras_file: Path, cache: Path, few: Arrays
) -> None:
    """It is decoded into the cache, whatever the Keras cache holds."""
    keras_file.touch()

    found = resolve(choice, file=few_npz, cache=cache, interpreter=ABSENT)

    assert fixture_of(few, source=str(few_npz), cache=cache) == found
    assert found.sha256 == fingerprint(read(Path(found.folder)))


def test_a_file_is_decoded_once(few_npz: Path, cache: Path) -> None:
    """The second time only its path, size and time are looked at; other contents would not be noticed."""
    first = resolve(DatasetChoice.MNIST, file=few_npz, cache=cache)
    state = few_npz.stat()
    few_npz.write_bytes(bytes(state.st_size))
    os.utime(few_npz, ns=(state.st_atime_ns, state.st_mtime_ns))

    second = resolve(DatasetChoice.MNIST, file=few_npz, cache=cache)

    assert first == second


def test_a_changed_file_is_decoded_again(few_npz: Path, cache: Path) -> None:
    """Another time of change is another file, so what it now holds is noticed."""
    resolve(DatasetChoice.MNIST, file=few_npz, cache=cache)
    few_npz.write_bytes(b"")

    with pytest.raises(InvalidData, match="not an npz file"):
        resolve(DatasetChoice.MNIST, file=few_npz, cache=cache)


def test_a_file_is_decoded_again_if_an_array_is_gone(few_npz: Path, cache: Path, few: Arrays) -> None:
    """The cache is completed."""
    first = resolve(DatasetChoice.MNIST, file=few_npz, cache=cache)
    Path(first.folder, "y_test.npy").unlink()

    second = resolve(DatasetChoice.MNIST, file=few_npz, cache=cache)

    assert first == second
    assert np.array_equal(few["y_test"], read(Path(second.folder))["y_test"])


@pytest.mark.parametrize("choice", [DatasetChoice.AUTO, DatasetChoice.MNIST])
def test_a_missing_file_is_never_passed_over(choice: DatasetChoice, tmp_path: Path, cache: Path) -> None:
    """Even `auto` does not train on something else than the user asked for."""
    file = tmp_path / "none.npz"

    with pytest.raises(DataNotFound) as caught:
        resolve(choice, file=file, cache=cache)

    assert f"{file}: there is no such file" == str(caught.value)


@pytest.mark.parametrize("choice", [DatasetChoice.AUTO, DatasetChoice.MNIST])
def test_a_bad_file_is_never_passed_over(choice: DatasetChoice, tmp_path: Path, cache: Path) -> None:
    """Even `auto` does not train on something else than the user asked for."""
    file = tmp_path / "bad.npz"
    file.write_text("digits")

    with pytest.raises(InvalidData) as caught:
        resolve(choice, file=file, cache=cache)

    assert f"{file}: not an npz file, begins with b'digi'; expected b'PK'" == str(caught.value)


def test_a_file_contradicts_synthetic_digits(cache: Path) -> None:
    """One of the two would be ignored."""
    with pytest.raises(DataError) as caught:
        resolve(DatasetChoice.SYNTHETIC, file=Path("mnist.npz"), cache=cache)

    expected = "--dataset synthetic contradicts --data mnist.npz (or BENCH_DATA): leave one of them out"
    assert expected == str(caught.value)


# the synthetic digits


def test_synthetic_digits_are_drawn_into_the_cache(drawn: Fixture, synthetic_cache: Path, digits: Arrays) -> None:
    """The fixture says which seed they come from, and that they stand in for nothing."""
    sha256 = fingerprint(digits)
    folder = str(synthetic_cache / f"synthetic-{sha256}")

    expected = Fixture(name="synthetic", source="drawn from seed 0", sha256=sha256, folder=folder, fallback=None)
    assert expected == drawn


def test_synthetic_digits_are_drawn_once(
    drawn: Fixture, synthetic_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time they come from the cache."""
    monkeypatch.delattr(synthetic, "draw")

    assert drawn == resolve(DatasetChoice.SYNTHETIC, file=None, cache=synthetic_cache)


# the Keras cache


def test_the_keras_cache_comes_second(few_npz: Path, keras_file: Path, cache: Path, few: Arrays) -> None:
    """It is used without a download."""
    keras_file.symlink_to(few_npz)

    found = resolve(DatasetChoice.AUTO, file=None, cache=cache, interpreter=ABSENT)

    assert fixture_of(few, source="Keras cache", cache=cache) == found


def test_the_keras_cache_is_in_the_home_folder(
    few_npz: Path, tmp_path: Path, cache: Path, few: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless KERAS_HOME says otherwise."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    file = tmp_path / ".keras" / "datasets" / "mnist.npz"
    file.parent.mkdir(parents=True)
    file.symlink_to(few_npz)

    found = resolve(DatasetChoice.MNIST, file=None, cache=cache, interpreter=ABSENT)

    assert fixture_of(few, source="Keras cache", cache=cache) == found


def test_a_bad_keras_cache_is_left_as_it_is(drawn: Fixture, keras_file: Path, synthetic_cache: Path) -> None:
    """Nothing is downloaded over it; the synthetic digits stand in, with the reason."""
    keras_file.write_text("digits")

    found = resolve(DatasetChoice.AUTO, file=None, cache=synthetic_cache, interpreter=ABSENT)

    assert found.fallback == (
        f"MNIST was not found ({keras_file}: not an npz file, begins with b'digi'; expected b'PK'; delete it to let"
        " Keras download it)"
    )
    assert drawn.sha256 == found.sha256
    assert "digits" == keras_file.read_text()


# the download


def test_a_download_comes_third(
    few_npz: Path, keras_file: Path, cache: Path, few: Arrays, interpreter: Callable[[str], str]
) -> None:
    """What the interpreter leaves in the Keras cache is read as usual."""
    python = interpreter(f'ln -s "{few_npz}" "$KERAS_HOME/datasets/mnist.npz"')

    first = resolve(DatasetChoice.AUTO, file=None, cache=cache, interpreter=python)
    second = resolve(DatasetChoice.AUTO, file=None, cache=cache, interpreter=ABSENT)

    assert fixture_of(few, source="downloaded by Keras", cache=cache) == first
    assert fixture_of(few, source="Keras cache", cache=cache) == second


FAILURES = {
    "echo 1 of 2 >&2; echo Exception: no route to host >&2; exit 1": "Exception: no route to host",
    "echo half > $KERAS_HOME/datasets/mnist.npz; exit 3": "exit status 3",
    "echo half > $KERAS_HOME/datasets/mnist.npz; exec sleep 60": "no end after 0.3 s",
    "true": "its loader ended well but left no file",
}


@pytest.mark.parametrize("lines", FAILURES)
def test_auto_says_why_the_download_failed(
    drawn: Fixture, keras_file: Path, synthetic_cache: Path, interpreter: Callable[[str], str], lines: str
) -> None:
    """The synthetic digits stand in, and no part of a download is left to be taken for MNIST."""
    found = resolve(
        DatasetChoice.AUTO, file=None, cache=synthetic_cache, interpreter=interpreter(lines), download_timeout=0.3
    )

    fallback = f"MNIST was not found (there is no {keras_file}, and Keras could not download it: {FAILURES[lines]})"
    expected = Fixture(
        name="synthetic", source="drawn from seed 0", sha256=drawn.sha256, folder=drawn.folder, fallback=fallback
    )
    assert expected == found
    assert not keras_file.exists()


def test_mnist_refuses_where_auto_falls_back(keras_file: Path, cache: Path, interpreter: Callable[[str], str]) -> None:
    """The message names what was tried and both ways out."""
    python = interpreter("echo Exception: no route to host >&2; exit 1")

    with pytest.raises(DataNotFound) as caught:
        resolve(DatasetChoice.MNIST, file=None, cache=cache, interpreter=python)

    assert str(caught.value) == (
        f"MNIST was not found: there is no {keras_file}, and Keras could not download it: Exception: no route to host."
        " Give a file with --data FILE, or take --dataset synthetic"
    )


def test_an_interpreter_that_does_not_start_is_named(keras_file: Path, cache: Path) -> None:
    """What the operating system says is passed on."""
    with pytest.raises(DataNotFound) as caught:
        resolve(DatasetChoice.MNIST, file=None, cache=cache, interpreter=ABSENT)

    assert str(caught.value) == (
        f"MNIST was not found: there is no {keras_file}, and Keras could not download it: '{ABSENT}' cannot be started"
        " (No such file or directory). Give a file with --data FILE, or take --dataset synthetic"
    )


def test_a_cache_that_cannot_be_written_is_an_error(few_npz: Path, keras_file: Path, tmp_path: Path) -> None:
    """It is not taken for a bad file in the Keras cache."""
    keras_file.symlink_to(few_npz)
    cache = tmp_path / "file"
    cache.touch()

    with pytest.raises(DataError, match="Set BENCH_CACHE_DIR to a folder that can be written"):
        resolve(DatasetChoice.AUTO, file=None, cache=cache, interpreter=ABSENT)


def test_keras_is_asked_with_a_backend_that_is_installed(
    few_npz: Path, keras_file: Path, tmp_path: Path, cache: Path, few: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real interpreter runs the real code; only Keras and its backend are fakes."""
    for module, code in {
        "jax": "",
        "keras": "from keras import datasets",
        "keras/datasets": "from keras.datasets import mnist",
        "keras/datasets/mnist": (
            "import os\n"
            "def load_data(path):\n"
            '    assert os.environ["KERAS_BACKEND"] == "jax"\n'
            f'    os.symlink({str(few_npz)!r}, os.path.join(os.environ["KERAS_HOME"], "datasets", path))\n'
        ),
    }.items():
        (tmp_path / "fakes" / module).mkdir(parents=True)
        (tmp_path / "fakes" / module / "__init__.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fakes"))
    monkeypatch.setenv("KERAS_BACKEND", "one that is not installed")

    found = resolve(DatasetChoice.MNIST, file=None, cache=cache)

    assert fixture_of(few, source="downloaded by Keras", cache=cache) == found


def test_an_interpreter_without_any_backend_is_explained(
    keras_file: Path, cache: Path, interpreter: Callable[[str], str]
) -> None:
    """A bare Python cannot import Keras, and says what it lacks."""
    python = interpreter(f'exec "{sys.executable}" -I -S "$@"')

    with pytest.raises(DataNotFound) as caught:
        resolve(DatasetChoice.MNIST, file=None, cache=cache, interpreter=python)

    assert str(caught.value) == (
        f"MNIST was not found: there is no {keras_file}, and Keras could not download it: none of jax, torch and"
        " tensorflow is installed, and Keras needs one. Give a file with --data FILE, or take --dataset synthetic"
    )


def test_no_framework_is_imported() -> None:
    """Importing the module leaves Keras and its backends alone."""
    code = "import sys, loops.data.mnist; print({'keras', 'jax', 'tensorflow', 'torch', 'bench'} & {*sys.modules})"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()\n" == ended.stdout


# loading


def test_load_takes_the_last_training_samples_for_validation(drawn: Fixture, digits: Arrays) -> None:
    """50 000 are left for training; the test part is as it was."""
    loaded = load(Path(drawn.folder))

    assert np.array_equal(digits["x_train"][:50_000], loaded.train_images)
    assert np.array_equal(digits["y_train"][:50_000], loaded.train_labels)
    assert np.array_equal(digits["x_train"][50_000:], loaded.validation_images)
    assert np.array_equal(digits["y_train"][50_000:], loaded.validation_labels)
    assert np.array_equal(digits["x_test"], loaded.test_images)
    assert np.array_equal(digits["y_test"], loaded.test_labels)


def test_load_returns_arrays_that_frameworks_take_as_they_are(drawn: Fixture) -> None:
    """PyTorch warns of arrays that it must not write to."""
    loaded = load(Path(drawn.folder))

    assert loaded.train_images.flags.writeable
    assert loaded.train_images.flags.c_contiguous
    assert loaded.validation_images.flags.c_contiguous


def test_load_names_a_missing_array(tmp_path: Path) -> None:
    """A folder that was removed since is reported, with the path."""
    with pytest.raises(InvalidData) as caught:
        load(tmp_path)

    assert f"{tmp_path / 'x_train.npy'}: there is no such file, expected the array 'x_train'" == str(caught.value)


# the real thing


@pytest.mark.skipif("BENCH_DATA" not in os.environ, reason="BENCH_DATA does not name an mnist.npz")
def test_the_real_mnist_has_the_recorded_fingerprint(cache: Path) -> None:
    """The archive that Keras downloads resolves, and is the one that results are recorded for."""
    file = Path(os.environ["BENCH_DATA"])

    found = resolve(DatasetChoice.MNIST, file=file, cache=cache)

    folder = str(cache / f"mnist-{SHA256_OF_MNIST}")
    expected = Fixture(name="mnist", source=str(file), sha256=SHA256_OF_MNIST, folder=folder, fallback=None)
    assert expected == found
