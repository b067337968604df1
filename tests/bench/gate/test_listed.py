"""Which loops the base lists and the head does not."""

import pytest

from bench.gate.listed import deleted, names_of, removed
from bench.gate.settings import Settings


@pytest.mark.parametrize(
    ("base", "head", "gone"),
    [
        (("numpy", "numpy-cpp"), ("numpy",), ["numpy-cpp"]),
        (("num*",), ("numpy",), ["numpy-cpp"]),
        (("num*", "numpy-cpp"), ("numpy", "numpy-cpp"), []),
        (("of-long-ago*",), ("numpy",), []),
        (("all",), ("numpy",), []),
        (("numpy", "of-long-ago"), ("all",), []),
    ],
)
def test_what_is_taken_off_the_list_is_told(base, head, gone):
    """A pattern of the base stands for what it fits today; one that fits nothing any more names nothing."""
    rows = removed(Settings(loops=base), head=Settings(loops=head), workload="mnist-mlp")

    assert gone == [row.loop for row in rows]


def test_a_file_goes_by_its_own_name_or_by_the_files(tmp_path):
    """Where it cannot be read, too."""
    assert ("mine",) == names_of(str(tmp_path / "mine.py"))


def test_a_file_that_both_list_and_the_head_has_no_more_is_told(tmp_path):
    """One that comes with the tool cannot be missing; one that the base does not list is a mistake of the head."""
    gone, other = str(tmp_path / "gone.py"), str(tmp_path / "other.py")
    base, head = Settings(loops=("numpy", gone)), Settings(loops=("numpy", gone, other))

    [row] = deleted(head, base=base, workload="mnist-mlp")

    assert ("gone", f"listed, and {gone} is not there") == (row.loop, row.reason)
    assert [] == list(deleted(head, base=None, workload="mnist-mlp"))
