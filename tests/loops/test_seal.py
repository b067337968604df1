"""What lies in a cache is believed only if this installation put it there."""

import os
import stat

import pytest

from loops import seal
from loops.errors import UntrustedFolder


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """Return a state folder of the test's own."""
    monkeypatch.setenv(seal.STATE_VARIABLE, str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_seal_holds_for_what_it_was_made_of(state):
    """Every part counts, and where one ends and the next begins."""
    made = seal.seal("verified", "numpy", b"{}")

    assert seal.holds(made, "verified", "numpy", b"{}")
    assert not seal.holds(made, "verified", "tf-fit", b"{}")
    assert not seal.holds(made, "verifiednumpy", "", b"{}")
    assert not seal.holds(None, "verified", "numpy", b"{}")
    assert not seal.holds("é" * 64, "verified", "numpy", b"{}")


def test_the_secret_is_the_users_alone(state):
    """Who cannot read it cannot seal."""
    seal.seal("anything")

    assert 0o600 == stat.S_IMODE((state / "secret").stat().st_mode)
    assert ["secret"] == [file.name for file in state.iterdir()]


def test_another_installation_seals_otherwise(state, tmp_path, monkeypatch):
    """A cache that was copied from elsewhere says nothing."""
    made = seal.seal("verified")
    monkeypatch.setenv(seal.STATE_VARIABLE, str(tmp_path / "elsewhere"))

    assert not seal.holds(made, "verified")


@pytest.mark.parametrize(("mode", "content"), [(0o644, b"x" * 32), (0o660, b"x" * 32), (0o600, b"short")])
def test_a_secret_that_others_know_is_refused(state, mode, content):
    """One line, and the way out."""
    state.mkdir()
    (state / "secret").write_bytes(content)
    (state / "secret").chmod(mode)

    with pytest.raises(UntrustedFolder, match=r"secret: expected 32 bytes that only you can read; delete it"):
        seal.seal("verified")


def test_a_pipe_in_place_of_the_secret_blocks_nobody(state):
    """It is no file."""
    state.mkdir()
    os.mkfifo(state / "secret", 0o600)

    with pytest.raises(UntrustedFolder):
        seal.seal("verified")


def test_without_a_place_for_it_nothing_is_believed_later(tmp_path, monkeypatch):
    """A home that cannot be written stops nothing."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(seal.STATE_VARIABLE, str(tmp_path / "file" / "below"))
    made = seal.seal("verified")

    assert seal.holds(made, "verified")
    seal.secret.cache_clear()
    assert not seal.holds(made, "verified")


def test_a_folder_of_ones_own_is_taken(tmp_path):
    """As one that is not there yet."""
    tmp_path.chmod(0o755)

    assert tmp_path == seal.own(tmp_path)
    assert tmp_path / "new" == seal.own(tmp_path / "new")


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
def test_a_folder_that_everybody_can_write_to_is_refused(tmp_path, mode):
    """Who can write to a cache decides what is run."""
    tmp_path.chmod(mode)

    with pytest.raises(UntrustedFolder, match=r"can be written by everybody.*BENCH_CACHE_DIR"):
        seal.own(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path):
    """Named, with the way out."""
    os.chown(tmp_path, 65534, 65534)

    with pytest.raises(UntrustedFolder, match="belongs to nobody"):
        seal.own(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_that_a_shared_group_can_write_to_is_refused(tmp_path):
    """A group has others in it, unless it is named after its only member."""
    os.chown(tmp_path, 0, 100)
    tmp_path.chmod(0o775)

    with pytest.raises(UntrustedFolder, match="can be written by its group"):
        seal.own(tmp_path)
