"""Format numbers for people. Pure functions; everything else keeps seconds, bytes and plain ratios.

    number, span               three significant digits, and none beyond the interval
    count, about               whole numbers with thousands separators, exact or to three digits
    percent                    fractions as percentages
    milliseconds, seconds      the number alone, for columns whose header carries the unit
    duration                   a time with the unit that suits it
    mebibytes                  bytes as MiB, the number alone
    speed, speed_span          "2.04x faster", "1.30x slower": a ratio in words, alike from both sides

Missing values read "n/a", never 0.
"""

from math import floor, isfinite, log10

Seconds = float
"""A duration; formatted for people only here."""

NOT_AVAILABLE = "n/a"
"""What stands where there is no number."""
NOT_KNOWN = "not known"
"""What stands for an interval that says next to nothing."""

_DIGITS = 3

_HOPELESS = 1e4
"""An interval whose ends differ by more says nothing but that: two rounds that differ by a quarter have such ones."""
_MINUTE, _HOUR = 60, 3600
_ONE_DIGIT_FROM = 3.55
"""An uncertainty is given to two digits up to 3.5, to one from there on: the Particle Data Group's rule. One digit
throughout would turn 1.03 +- 0.11 into 1.0 +- 0.1."""


def number(value: float | None, *, half_width: float | None = None) -> str:
    """Return three significant digits, fewer where the interval does not support them.

    Args:
        value: What to print.
        half_width: Half the width of its interval, in the same unit; its last digit shown is the value's last.

    >>> number(0.37954), number(21.58, half_width=4.0), number(84210.5, half_width=5300.0), number(None)
    ('0.380', '22', '84,000', 'n/a')
    """
    if value is None or not isfinite(value):
        return NOT_AVAILABLE
    return _fixed(value, decimals=_decimals(value, half_width=half_width))


def span(low: float | None, high: float | None, *, estimate: float) -> str:
    """Return an interval with as many decimals as its estimate.

    >>> span(20.91, 22.27, estimate=21.58), span(1.2, 870.0, estimate=90.0)
    ('20.9 to 22.3', '1 to 870')
    """
    if low is None or high is None:
        return NOT_AVAILABLE
    decimals = _decimals(estimate, half_width=(high - low) / 2.0)
    return f"{_end(low, decimals=decimals)} to {_end(high, decimals=decimals)}"


def tiny(value: float | None) -> str:
    """Return one significant digit of a small number, in powers of ten.

    >>> tiny(3.94e-7), tiny(0.0), tiny(None)
    ('4e-07', '0', 'n/a')
    """
    return NOT_AVAILABLE if value is None or not isfinite(value) else f"{value:.0e}" if value else "0"


def count(value: int | None) -> str:
    """Return a whole number, exactly, with thousands separators."""
    return NOT_AVAILABLE if value is None else f"{value:,}"


def about(value: int | None) -> str:
    """Return a whole number to three significant digits.

    >>> about(74), about(23_417), about(None)
    ('74', '23,400', 'n/a')
    """
    return NOT_AVAILABLE if value is None else _fixed(value, decimals=min(_decimals(value), 0))


def percent(fraction: float | None) -> str:
    """Return a fraction as a percentage with two significant digits.

    >>> percent(0.0213), percent(0.2), percent(0.00042), percent(None)
    ('2.1 %', '20 %', '0.04 %', 'n/a')
    """
    if fraction is None or not isfinite(fraction):
        return NOT_AVAILABLE
    decimals = next(decimals for decimals, least in ((0, 0.1), (1, 0.01), (2, 0.0)) if abs(fraction) >= least)
    return f"{fraction * 100.0:,.{decimals}f}".removesuffix(".0").removesuffix(".00") + " %"


def milliseconds(value: Seconds | None, *, half_width: Seconds | None = None) -> str:
    """Return a time in milliseconds, the number alone."""
    scaled = None if half_width is None else half_width * 1e3
    return number(None if value is None else value * 1e3, half_width=scaled)


def seconds(value: Seconds | None) -> str:
    """Return a time in seconds, the number alone."""
    return number(value)


def duration(value: Seconds | None) -> str:
    """Return a time with the unit that suits it.

    >>> duration(0.00038), duration(0.0082), duration(1.35), duration(125.0), duration(3720.0), duration(None)
    ('380 us', '8.20 ms', '1.35 s', '2 min 5 s', '1 h 2 min', 'n/a')
    """
    if value is None or not isfinite(value):
        return NOT_AVAILABLE
    # Compared after rounding, so that 59.99 s reads "1 min 0 s" and not "60.0 s".
    for limit, factor, unit in ((0.9995e-3, 1e6, "us"), (0.9995, 1e3, "ms"), (59.95, 1.0, "s")):
        if abs(value) < limit:
            return f"{number(value * factor)} {unit}"
    whole = round(value)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    minutes = round(value / _MINUTE)
    return f"{minutes // _MINUTE:,} h {minutes % _MINUTE} min"


def mebibytes(value: int | None) -> str:
    """Return bytes as MiB, the number alone.

    >>> mebibytes(812_345_678), mebibytes(None)
    ('775', 'n/a')
    """
    return number(None if value is None else value / 2**20)


def speed(ratio: float | None, *, low: float | None = None, high: float | None = None) -> str:
    """Return a ratio of speeds in words; swapping the two sides changes the word and nothing else.

    Args:
        ratio: Above 1 is faster.
        low: Lower bound of its interval, which limits the digits.
        high: Upper bound of its interval.

    >>> speed(2.04), speed(0.5), speed(1.0), speed(None)
    ('2.04x faster', '2.00x slower', '1.00x', 'n/a')
    """
    if ratio is None or not isfinite(ratio) or ratio <= 0.0:
        return NOT_AVAILABLE
    return _side(ratio, decimals=_speed_decimals(ratio, low=low, high=high))


def speed_span(ratio: float, *, low: float | None, high: float | None) -> str:
    """Return the interval of a ratio in the words of `speed`; the direction is left out where both ends share it.

    >>> speed_span(21.58, low=20.9, high=22.3), speed_span(0.5, low=0.49, high=0.51)
    ('20.9 to 22.3', '1.96 to 2.04')
    >>> speed_span(0.98, low=0.95, high=1.02)
    '1.05x slower to 1.02x faster'
    >>> speed_span(0.05, low=0.001, high=2.8), speed_span(2.0, low=1e-5, high=4e5)
    ('1,000x slower to 3x faster', 'not known')
    """
    if low is None or high is None:
        return NOT_AVAILABLE
    if high > _HOPELESS * low:
        return NOT_KNOWN
    decimals = _speed_decimals(ratio, low=low, high=high)
    ends = [_side(end, decimals=decimals) for end in (low, high)]
    if {end.partition(" ")[2] for end in ends} == {"slower", "faster"}:
        return f"{ends[0]} to {ends[1]}"
    inner, outer = sorted((low, high), key=lambda end: abs(log10(end)))
    return " to ".join(_side(end, decimals=decimals).partition("x")[0] for end in (inner, outer))


def _side(ratio: float, *, decimals: int) -> str:
    """Return the larger of a ratio and its reciprocal, with the word; no word when it rounds to 1."""
    text = _end(max(ratio, 1.0 / ratio), decimals=decimals)
    if float(text.replace(",", "")) == 1.0:
        return f"{text}x"
    return f"{text}x {'faster' if ratio > 1.0 else 'slower'}"


def _speed_decimals(ratio: float, *, low: float | None, high: float | None) -> int:
    """Return the decimals for a ratio, counted on the side above 1 so that both directions get the same."""
    if low is None or high is None:
        return _decimals(max(ratio, 1.0 / ratio))
    half_width = (high - low) / 2.0 if ratio >= 1.0 else (1.0 / low - 1.0 / high) / 2.0
    return _decimals(max(ratio, 1.0 / ratio), half_width=half_width)


def _decimals(value: float, *, half_width: float | None = None) -> int:
    """Return how many decimals to show; negative to round before the decimal point."""
    if value == 0.0:
        return 0
    magnitude = floor(log10(abs(value)))
    decimals = _DIGITS - 1 - magnitude
    if floor(log10(abs(round(value, decimals)))) > magnitude:  # 9.996 becomes 10.0, not 10.00
        magnitude, decimals = magnitude + 1, decimals - 1
    if half_width is not None and half_width > 0.0:
        decimals = min(decimals, -floor(log10(half_width / _ONE_DIGIT_FROM)))
    return max(decimals, -magnitude)


def _end(value: float, *, decimals: int) -> str:
    """Return an end of an interval, rounded as its estimate, but never to tens or hundreds that it does not have."""
    if decimals < 0 and value != 0.0:
        decimals = max(decimals, min(0, -floor(log10(abs(value)))))
    return _fixed(value, decimals=decimals)


def _fixed(value: float, *, decimals: int) -> str:
    """Return the value rounded to these decimals, with thousands separators."""
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"
