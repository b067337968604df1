"""How a history is told: numbers of a loop, its changes, and what happened to a whole machine, in words."""

from collections.abc import Iterable, Sequence

from bench import units
from bench.analysis.intervals import Interval
from bench.history.events import Event, Judged
from bench.report.wording import listing
from bench.text import display_name

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.-~=+*#"
"""Where a terminal cannot show the others."""

_SPARKS = 30


def usual_seconds(judged: Judged, value: float) -> units.Seconds:
    """Return a value of a series in seconds: what the step takes when the machine has its usual speed."""
    return value * judged.series.unit_seconds


def level_text(judged: Judged) -> str:
    """Return the level of the last runs in milliseconds."""
    level = judged.levels[-1].typical
    half_width = None
    if level.low is not None and level.high is not None:
        half_width = usual_seconds(judged, (level.high - level.low) / 2.0)
    return units.milliseconds(usual_seconds(judged, level.estimate), half_width=half_width)


def level_span(judged: Judged) -> str:
    """Return the interval of that level."""
    level = judged.levels[-1].typical
    if level.low is None or level.high is None:
        return units.NOT_AVAILABLE
    low, high, estimate = (1e3 * usual_seconds(judged, value) for value in (level.low, level.high, level.estimate))
    return units.span(low, high, estimate=estimate)


def change_text(ratio: Interval) -> str:
    """Return "+5.1 % (+4.2 to +6.0)": how much longer a step takes.

    >>> change_text(Interval(estimate=1.051, low=1.042, high=1.06, count=9))
    '+5.1 % (+4.2 to +6.0)'
    """
    if ratio.low is None or ratio.high is None:
        return signed(ratio.estimate)
    return f"{signed(ratio.estimate)} ({signed(ratio.low, unit='')} to {signed(ratio.high, unit='')})"


def signed(ratio: float, *, unit: str = " %") -> str:
    """Return a ratio as a signed percentage with one decimal.

    >>> signed(1.051), signed(0.9, unit="")
    ('+5.1 %', '-10.0')
    """
    return f"{(ratio - 1.0) * 100.0:+.1f}{unit}"


def direction(ratio: Interval) -> str:
    """Return whether it became slower or faster."""
    return "slower" if ratio.estimate > 1.0 else "faster"


def since_text(judged: Judged, event: Event) -> str:
    """Return since which run, and between which others it may have been."""
    points = judged.series.points
    if event.per_run is not None:
        return f"from {_named(judged, event.earliest)} to {_named(judged, event.latest)}"
    sure = event.earliest == event.latest
    where = "" if sure else f", {points[event.earliest].started:%Y-%m-%d} to {points[event.latest].started:%Y-%m-%d}"
    return f"since {_named(judged, event.place)}{where}"


def event_text(judged: Judged, event: Event) -> str:
    """Return an event in one sentence."""
    size = f"{change_text(event.ratio)} {direction(event.ratio)}"
    if event.per_run is not None:
        size = (
            f"creeping {direction(event.ratio)}, {change_text(event.per_run)} a run, {change_text(event.ratio)} in all"
        )
    parts = [f"{size} {since_text(judged, event)}"]
    if event.alike is not None:
        parts.append(f"as all {len(event.alike.loops)} loops: the machine, or what they share")
    if event.changed:
        parts.append(f"changed there: {listing(event.changed)}")
    return "; ".join(parts)


def alike_sentences(judged: Sequence[Judged]) -> list[str]:
    """Return one sentence for each time at which all loops of a machine moved alike, oldest first."""
    told: dict[tuple[str, tuple[str, ...], float], tuple[str, str]] = {}
    for one in judged:
        for event in one.events:
            if event.alike is None:
                continue
            ratio = event.alike.ratio
            key = (one.series.machine, event.alike.loops, ratio.estimate)
            text = (
                f"{display_name(one.series.title)}: all {len(event.alike.loops)} loops moved alike, "
                f"{change_text(ratio)} {direction(ratio)} {since_text(one, event)}: "
                "that is the machine, or what they share."
            )
            told.setdefault(key, (one.series.points[event.place].started.isoformat(), text))
    return [text for _, text in sorted(told.values())]


def notes(judged: Judged) -> Iterable[str]:
    """Yield what to know before quoting a history."""
    series = judged.series
    if not series.calibrated:
        yield "in seconds as measured: no kernel tells how fast the machine was"
    if series.left_out:
        yield f"{runs(series.left_out)} without a kernel {'is' if series.left_out == 1 else 'are'} left out"
    for one in judged.breaks:
        yield f"{one.what} is another one since {_named(judged, one.place)}; levels before it are not compared"
    if judged.lone:
        alone = "stands alone and moves" if len(judged.lone) == 1 else "stand alone and move"
        yield f"{runs(len(judged.lone))} {alone} no level"


def runs(count: int) -> str:
    """Return "1 run" or "5 runs".

    >>> runs(1), runs(1_234)
    ('1 run', '1,234 runs')
    """
    return "1 run" if count == 1 else f"{count:,} runs"


def spark(judged: Judged, *, bars: str = BARS) -> str:
    """Return the course in one line of characters, oldest first, a stretch of runs to each."""
    values = [point.value for point in judged.series.points]
    count = min(_SPARKS, len(values))
    means = []
    for number in range(count):
        part = values[number * len(values) // count : (number + 1) * len(values) // count]
        means.append(sum(part) / len(part))
    low, high = min(means), max(means)
    # Less than 5 % from lowest to highest is drawn as what it is: little.
    room = max(high - low, 0.05 * low)
    return "".join(bars[min(len(bars) - 1, int((mean - low) / room * len(bars)))] for mean in means)


def _named(judged: Judged, place: int) -> str:
    """Return a point's run and day."""
    point = judged.series.points[place]
    return f"{display_name(point.run)} ({point.started:%Y-%m-%d})"
