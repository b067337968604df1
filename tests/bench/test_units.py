"""Numbers for people."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import units

RATIOS = st.floats(min_value=1e-3, max_value=1e3)


def test_examples_in_the_docstrings_hold():
    """The module's examples are true."""
    results = doctest.testmod(units)

    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (0.00123456, "0.00123"),
        (0.3796, "0.380"),
        (9.996, "10.0"),
        (-3.14159, "-3.14"),
        (99.95, "100"),
        (1234.5, "1,230"),
        (1_234_567.0, "1,230,000"),
        (None, "n/a"),
        (float("nan"), "n/a"),
        (float("inf"), "n/a"),
    ],
)
def test_number_has_three_significant_digits(value, expected):
    """Three digits wherever the decimal point is; what is missing or not finite is not a number."""
    assert expected == units.number(value)


@pytest.mark.parametrize(
    ("value", "half_width", "expected"),
    [
        (8.2821, 0.002, "8.28"),
        (8.2821, 0.27, "8.28"),
        (8.2821, 0.40, "8.3"),
        (8.2821, 4.0, "8"),
        (8.2821, 40.0, "8"),
        (8.2821, 0.0, "8.28"),
        (84_210.0, 5_300.0, "84,000"),
    ],
)
def test_number_shows_no_digit_beyond_its_interval(value, half_width, expected):
    """The wider the interval the fewer the digits, down to one."""
    assert expected == units.number(value, half_width=half_width)


def test_span_has_the_decimals_of_its_estimate():
    """Both ends of an interval are as precise as the number between them."""
    assert "20.9 to 22.3" == units.span(20.91, 22.27, estimate=21.58)


def test_span_without_bounds_is_not_available():
    """One process has no interval."""
    assert "n/a" == units.span(None, None, estimate=1.0)


@pytest.mark.parametrize(("value", "expected"), [(0, "0"), (1875, "1,875"), (None, "n/a")])
def test_count_is_exact(value, expected):
    """Counts lose no digit, and a missing one is not zero."""
    assert expected == units.count(value)


@pytest.mark.parametrize(("value", "expected"), [(7, "7"), (999, "999"), (23_417, "23,400"), (None, "n/a")])
def test_about_rounds_a_count_to_three_digits(value, expected):
    """An estimated count does not pretend to be exact."""
    assert expected == units.about(value)


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.0, "0 %"), (0.00042, "0.04 %"), (0.02, "2 %"), (0.0213, "2.1 %"), (0.2049, "20 %"), (None, "n/a")],
)
def test_percent_has_two_digits(fraction, expected):
    """Percentages are small talk about noise: two digits are enough."""
    assert expected == units.percent(fraction)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.5e-7, "0.250 us"),
        (3.8e-4, "380 us"),
        (0.00099951, "1.00 ms"),
        (0.0082, "8.20 ms"),
        (0.99951, "1.00 s"),
        (14.2, "14.2 s"),
        (59.96, "1 min 0 s"),
        (3599.6, "1 h 0 min"),
        (3720.0, "1 h 2 min"),
        (None, "n/a"),
        (float("nan"), "n/a"),
    ],
)
def test_duration_chooses_the_unit(value, expected):
    """Each time is given in the largest unit that it fills, after rounding."""
    assert expected == units.duration(value)


def test_columns_get_the_number_alone():
    """Where the header has the unit, the cell has none."""
    assert "8.3" == units.milliseconds(0.0083, half_width=0.0005)
    assert "1.10" == units.seconds(1.1)
    assert "775" == units.mebibytes(812_345_678)


@pytest.mark.parametrize("format_missing", [units.milliseconds, units.seconds, units.mebibytes, units.speed])
def test_missing_numbers_are_not_zero(format_missing):
    """A number that is not there reads n/a."""
    assert "n/a" == format_missing(None)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (2.04, "2.04x faster"),
        (0.5, "2.00x slower"),
        (1 / 1.3, "1.30x slower"),
        (1.0, "1.00x"),
        (1.004, "1.00x"),
        (1234.0, "1,230x faster"),
        (0.0, "n/a"),
        (float("inf"), "n/a"),
    ],
)
def test_speed_is_worded_from_the_faster_side(ratio, expected):
    """The number is never below 1; the word says which way, and nothing is said where it rounds to 1."""
    assert expected == units.speed(ratio)


@given(ratio=RATIOS, width=st.floats(min_value=1.001, max_value=2.0))
def test_swapping_sides_swaps_the_word_and_nothing_else(ratio, width):
    """A is 2.04x faster than B exactly when B is 2.04x slower than A."""
    forth = units.speed(ratio, low=ratio / width, high=ratio * width)
    back = units.speed(1.0 / ratio, low=1.0 / (ratio * width), high=width / ratio)

    assert forth.partition("x")[0] == back.partition("x")[0]
    assert {forth.partition(" ")[2], back.partition(" ")[2]} in ({"faster", "slower"}, {""})


@pytest.mark.parametrize(
    ("ratio", "low", "high", "expected"),
    [
        (21.58, 20.91, 22.27, "20.9 to 22.3"),
        (0.5, 0.49, 0.51, "1.96 to 2.04"),
        (0.98, 0.95, 1.02, "1.05x slower to 1.02x faster"),
        (1.05, 1.001, 1.1, "1.00 to 1.10"),
        (1.05, 0.999, 1.1, "1.00 to 1.10"),
        (1.0, None, None, "n/a"),
    ],
)
def test_speed_span_names_the_direction_only_where_its_ends_differ(ratio, low, high, expected):
    """Both ends of an interval are worded like the speed between them."""
    assert expected == units.speed_span(ratio, low=low, high=high)
