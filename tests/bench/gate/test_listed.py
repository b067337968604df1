"""Which loops the base lists and the head does not."""

import pytest

from bench.gate.listed import names_of, removed
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
