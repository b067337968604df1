"""What a stored value may be, and in which words it is refused."""

from math import inf, nan

import pytest

from bench.records import limits
from bench.records.limits import LIMITS, Number, OneOf, Text
from bench.records.trial import Block, BlockKind


@pytest.mark.parametrize("value", [0, 0.5, 1, 1.0, True])
def test_a_number_within_its_bounds_is_right(value):
    """Both bounds included; true and false are for the type to tell from numbers."""
    assert Number(0.0, 1.0).wrong(value) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1e-9, "-1e-09"),
        (1.5, "1.5"),
        (nan, "nan"),
        (inf, "inf"),
        (-inf, "-inf"),
        (10**400, "1000"),
        (None, "None"),
    ],
)
def test_another_number_is_refused_with_what_would_be_right(value, said):
    """What is not finite, or beyond what a float can hold, is no number that anybody measured."""
    wrong = Number(0.0, 1.0).wrong(value)

    assert wrong is not None
    assert wrong.startswith(f"expected a number from 0 to 1, got {said}")


@pytest.mark.parametrize(("text", "right"), [("", False), ("a", True), ("abc", True), ("abcd", False)])
def test_a_text_has_so_many_characters(text, right):
    """Names are not empty, and nothing is longer than a page can show."""
    assert right == (Text(3, 1).wrong(text) is None)


def test_a_text_that_is_too_long_is_not_repeated():
    """A message of megabytes would be the next fault."""
    assert Text(3, 1).wrong("x" * 5_000_000) == "expected 1 to 3 characters, got 5,000,000"


def test_a_word_is_one_of_a_few():
    """And all of them are named."""
    track = OneOf(("matched", "guide"))

    assert track.wrong("guide") is None
    assert track.wrong("Guide") == "expected matched or guide, got 'Guide'"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a\nb", "'a\\nb'"), ([1, 2], "[1, 2]"), ("x" * 400, "'" + "x" * 299 + "..."), (1.0, "1.0")],
)
def test_a_value_is_shown_on_one_line_and_cut(value, shown):
    """Whatever a file holds, the error about it stays one line."""
    assert shown == limits.shown(value)


def test_a_number_of_more_digits_than_python_prints_is_shown_in_words():
    """Python refuses to print such: the refusal is no error of ours."""
    assert limits.shown(10**5000) == "a number of very many digits"


@pytest.mark.parametrize(
    ("value", "finite"), [(1, True), (1.5, True), (inf, False), (nan, False), ("1", False), (10**400, False)]
)
def test_a_finite_number_is_one_that_a_float_can_hold(value, finite):
    """Integers of JSON may be of any length."""
    assert finite == limits.isfinite_number(value)


def test_a_block_lasts_at_least_a_nanosecond_and_at_most_thirty_years():
    """Steps are divided by it."""
    seconds = LIMITS[Block]["seconds"]

    assert [None, None] == [seconds.wrong(1e-9), seconds.wrong(1e9)]
    assert all(seconds.wrong(value) for value in (0.0, -1.0, 1e-10, 2e9))


def test_every_kind_of_block_may_be_stored():
    """A new one needs no second place."""
    assert [None] * len(BlockKind) == [LIMITS[Block]["kind"].wrong(kind.value) for kind in BlockKind]
