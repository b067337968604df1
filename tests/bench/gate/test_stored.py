"""A stored run as a baseline: refused where it is not alike."""

from types import SimpleNamespace

import pytest

from bench.errors import NothingComparable
from bench.gate import stored


def compared(count):
    """Return two runs that differ in so many things."""
    differences = [SimpleNamespace(what=f"fact {n}", base=f"b{n}", new=f"n{n}") for n in range(count)]
    return SimpleNamespace(mismatches=differences)


@pytest.mark.parametrize(
    ("count", "end"),
    [
        (1, "fact 0: b0 against n0; measure"),
        (3, "fact 2: b2 against n2; measure"),
        (5, "fact 2: b2 against n2 and 2 more; measure"),
    ],
)
def test_three_things_that_differ_are_named_and_the_rest_counted(count, end):
    """With the way out."""
    with pytest.raises(NothingComparable) as caught:
        stored.refuse(compared(count))

    assert end in str(caught.value)


def test_runs_that_are_alike_pass():
    """Nothing is raised."""
    stored.refuse(compared(0))
