"""What lies on the disk is told apart without reading it."""

from bench.history.sources import sources
from bench.records.lines import JOURNAL

TWO = {"tf-fit": 0.7e-3, "torch-native": 0.75e-3}


def test_an_empty_folder_has_no_sources(tmp_path):
    """Nor has one that is not there."""
    assert {} == sources(tmp_path)
    assert {} == sources(tmp_path / "missing")


def test_a_source_is_told_by_size_and_time(tmp_path, store):
    """A journal that grew is another one."""
    folder = store(tmp_path, night=0, steps=TWO)
    before = sources(tmp_path)[folder.name]
    with (folder / JOURNAL).open("a") as file:
        file.write("\n")

    after = sources(tmp_path)[folder.name]

    assert (before.run, before.size + 1) == (after.run, after.size)
    assert before != after
