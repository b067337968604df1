"""What is made in a cache is whole or not there."""

import pytest

from bench.errors import UsageError
from bench.files import build_once


def test_what_is_half_made_is_never_used(tmp_path):
    """Whatever ends the making leaves nothing behind."""

    def fail(folder):
        folder.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "cache" / "thing", fail)

    assert [] == list((tmp_path / "cache").iterdir())


def test_another_process_may_be_faster(tmp_path):
    """What it has made is as good."""

    def build(folder):
        folder.mkdir()
        (tmp_path / "thing").mkdir()
        (tmp_path / "thing" / "theirs").touch()

    folder = build_once(tmp_path / "thing", build)

    assert ["theirs"] == [path.name for path in folder.iterdir()]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path):
    """With the variable that chooses another one."""
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="choose by BENCH_CACHE_DIR"):
        build_once(tmp_path / "file" / "thing", lambda folder: folder.mkdir())
