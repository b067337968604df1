"""Arrays and weights on disk: written once, mapped by every process, and looked over when they are."""

import time

import numpy as np
import pytest

from loops import prepared
from loops.contract import Samples
from loops.errors import InvalidData

LAYOUT = {"a": np.arange(6, dtype=np.float32).reshape(3, 2), "b": (np.arange(3), np.array(["x", "y", "z"]))}


def write(folder, *, inputs=LAYOUT, weights=()):
    """Write samples without validation."""
    training = Samples(inputs=inputs, targets=np.arange(3), weights=None)
    folder.mkdir(exist_ok=True)
    return prepared.write(folder, training=training, validation=training.rows(slice(0, 0)), weights=list(weights))


def test_the_identity_is_that_of_every_array_and_weight(tmp_path):
    """Another value, type, name or weight is another workload; the same ones are the same."""
    other = LAYOUT | {"a": LAYOUT["a"] + 1}
    renamed = {"c": LAYOUT["a"], "b": LAYOUT["b"]}
    written = [
        write(tmp_path / str(number), inputs=inputs, weights=weights)
        for number, (inputs, weights) in enumerate(
            [(LAYOUT, []), (LAYOUT, []), (other, []), (renamed, []), (LAYOUT, [np.zeros(2, np.float32)])]
        )
    ]

    assert written[0] == written[1]
    assert 4 == len(set(written))


def test_a_file_that_was_changed_is_not_trained_on(tmp_path):
    """Whoever maps it looks."""
    write(tmp_path / "it")
    file = tmp_path / "it" / "0.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    with pytest.raises(InvalidData, match="is not what was prepared for this run; run again"):
        prepared._read(tmp_path / "it", "0.npy", fingerprints=prints(tmp_path / "it"))


def test_a_file_that_was_cut_short_is_told(tmp_path):
    """As a full disk leaves it."""
    write(tmp_path / "it")
    file = tmp_path / "it" / "0.npy"
    file.write_bytes(file.read_bytes()[:-4])

    with pytest.raises(InvalidData, match="cannot be read"):
        prepared._read(tmp_path / "it", "0.npy", fingerprints=prints(tmp_path / "it"))


def prints(folder):
    """Return the fingerprints that were written."""
    import json

    return json.loads((folder / "index.json").read_text())["fingerprints"]


@pytest.mark.parametrize("place", [0, 8191, 8192, 99_999])
def test_a_fingerprint_sees_every_byte(place):
    """In whole blocks and in the rest of the last one."""
    array = np.zeros(100_000, np.float64)
    changed = array.copy()
    changed[place] = 1.0

    assert prepared.fingerprint(array) != prepared.fingerprint(changed)


def test_a_fingerprint_is_of_the_form_too():
    """The same bytes in another shape are another array."""
    array = np.arange(6, dtype=np.float32)

    assert 3 == len({prepared.fingerprint(a) for a in (array, array.reshape(2, 3), array.view(np.int32))})


def test_a_fingerprint_is_taken_at_the_speed_of_memory():
    """A gigabyte may cost a trial less than a second: here is a sixteenth of one."""
    array = np.ones(1 << 24, np.float32)
    begin = time.process_time()

    prepared.fingerprint(array)

    assert time.process_time() - begin < 1.0 / 16
