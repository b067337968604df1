"""A history in words: levels, changes, what a whole machine did, and the course in one line."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.intervals import Interval
from bench.history import words

NO_BOUNDS = Interval(estimate=1.1, low=None, high=None, count=1)


def with_level(judged, typical):
    """Return a series whose only level is this one."""
    return replace(judged, levels=(replace(judged.levels[-1], typical=typical),))


def test_a_level_is_told_in_milliseconds_at_the_usual_speed_of_the_machine(make_judged):
    """Twice a kernel step of 0.3 ms; digits as far as the interval goes."""
    judged = make_judged([2.0] * 4)

    assert ("0.600", "0.594 to 0.606") == (words.level_text(judged), words.level_span(judged))


def test_a_level_is_that_of_the_last_runs(make_judged, make_event):
    """What was before a change is history."""
    judged = make_judged([2.0, 2.0, 4.0, 4.0], events=[make_event(2, 2.0)])

    assert "1.20" == words.level_text(judged)


def test_a_level_of_a_single_process_has_no_interval(make_judged):
    """It says so, and shows three digits."""
    judged = with_level(make_judged(), replace(NO_BOUNDS, estimate=2.0))

    assert ("0.600", "n/a") == (words.level_text(judged), words.level_span(judged))


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (NO_BOUNDS, "+10.0 %"),
        (Interval(estimate=0.5, low=0.4, high=0.625, count=9), "-50.0 % (-60.0 to -37.5)"),
        (Interval(estimate=1.0, low=0.999, high=1.001, count=9), "+0.0 % (-0.1 to +0.1)"),
        (Interval(estimate=3.0, low=2.0, high=4.5, count=9), "+200.0 % (+100.0 to +350.0)"),
    ],
)
def test_a_change_is_a_percentage_with_its_bounds_where_it_has_some(ratio, text):
    """Each with its sign."""
    assert text == words.change_text(ratio)


@given(st.floats(min_value=1e-3, max_value=1e3))
def test_the_direction_agrees_with_the_sign(ratio):
    """Longer is slower, whatever the size; a sign is always there."""
    size = Interval(estimate=ratio, low=None, high=None, count=1)

    assert ("slower" if ratio > 1.0 else "faster") == words.direction(size)
    assert words.change_text(size).startswith("+" if ratio >= 1.0 else "-")


def test_a_change_whose_place_is_sure_names_one_run(make_judged, make_event):
    """And its day."""
    event = make_event(2)

    assert "since 20260103-0002 (2026-01-03)" == words.since_text(make_judged(events=[event]), event)


def test_a_change_whose_place_is_not_sure_names_the_days_between_which_it_was(make_judged, make_event):
    """Beside the likeliest run."""
    event = make_event(2, earliest=1, latest=3)

    assert "since 20260103-0002 (2026-01-03), 2026-01-02 to 2026-01-04" == words.since_text(make_judged(), event)


def test_a_creep_is_told_from_run_to_run(make_judged, make_event):
    """Per run and in all."""
    event = make_event(3, 1.2, earliest=0, latest=3, per_run=replace(NO_BOUNDS, estimate=1.06))

    assert (
        "creeping slower, +6.0 % a run, +20.0 % (+18.8 to +21.2) in all "
        "from 20260101-0000 (2026-01-01) to 20260104-0003 (2026-01-04)"
    ) == words.event_text(make_judged(), event)


def test_an_event_says_whether_all_loops_moved_and_what_else_changed(make_judged, make_event):
    """In one sentence."""
    event = make_event(2, 0.5, alike=("a", "b", "c"), changed=("keras 3.14 to 3.15", "numpy 2.3 to 2.4"))

    assert (
        "-50.0 % (-50.5 to -49.5) faster since 20260103-0002 (2026-01-03); "
        "as all 3 loops: the machine, or what they share; "
        "changed there: keras 3.14 to 3.15 and numpy 2.3 to 2.4"
    ) == words.event_text(make_judged(), event)


def test_what_all_loops_did_alike_is_told_once(make_judged, make_event):
    """Not once per loop, and not for events of a loop's own."""
    together = make_event(2, 1.1, alike=("a", "b", "c"))
    loops = [make_judged(events=[together], loop=loop) for loop in "abc"]

    (said,) = words.alike_sentences([*loops, make_judged(events=[make_event(3)])])
    assert (
        "AMD EPYC, 2 cores: all 3 loops moved alike, +10.0 % (+8.9 to +11.1) slower since 20260103-0002 (2026-01-03): "
        "that is the machine, or what they share."
    ) == said


def test_machines_that_moved_are_told_oldest_first_each_by_its_name(make_judged, make_event):
    """Two machines are two sentences, though they moved alike."""
    early, late = (make_event(place, alike=("a", "b", "c")) for place in (1, 3))

    said = words.alike_sentences(
        [make_judged(events=[late], machine="b", title="later"), make_judged(events=[early], title="ear\x1blier")]
    )

    assert ["ear�lier: all 3", "later: all 3 lo"] == [sentence[:15] for sentence in said]


def test_nothing_is_to_be_known_of_a_plain_history(make_judged):
    """Where everything is calibrated, whole and of one thing."""
    assert [] == list(words.notes(make_judged()))


def test_what_limits_a_history_is_said_before_it_is_quoted(make_judged, make_break):
    """Seconds without a kernel, runs left out, breaks, and runs that stand alone."""
    judged = make_judged(breaks=[make_break(2)], lone=(1, 3), calibrated=False, left_out=5)

    assert [
        "in seconds as measured: no kernel tells how fast the machine was",
        "5 runs without a kernel are left out",
        "the data is another one since 20260103-0002 (2026-01-03); levels before it are not compared",
        "2 runs stand alone and move no level",
    ] == list(words.notes(judged))


def test_one_run_is_told_as_one(make_judged):
    """And so is a thousand, with a comma."""
    judged = make_judged(lone=(1,), left_out=1)

    assert ["1 run without a kernel is left out", "1 run stands alone and moves no level"] == list(words.notes(judged))
    assert "1,000 runs without a kernel are left out" == next(iter(words.notes(make_judged(left_out=1000))))


def test_a_run_of_a_strange_name_disturbs_no_sentence(make_judged, make_event, make_point):
    """Control characters and line breaks are shown as what they are not."""
    event = make_event(0)

    said = words.since_text(make_judged(points=(make_point(0, run="a\n\x1b[31mb"),)), event)

    assert "since a��[31mb (2026-01-01)" == said


def test_the_course_goes_from_the_lowest_bar_to_the_highest(make_judged):
    """Oldest first."""
    assert "▁▃▅█" == words.spark(make_judged([2.0, 2.5, 3.0, 3.8]))
    assert "#_" == words.spark(make_judged([3.0, 2.0]), bars=words.PLAIN_BARS)


def test_little_is_drawn_as_little(make_judged):
    """One in a thousand up and down would fill the height otherwise."""
    assert "▁▁▁▁" == words.spark(make_judged([2.0, 2.002, 2.0, 2.002]))


@given(values=st.lists(st.floats(min_value=1e-6, max_value=1e6), min_size=1, max_size=200))
def test_a_course_of_any_length_fits_in_a_row(values):
    """At most thirty characters, one for each run where there are fewer, all of them bars."""
    judged = _Course(values)

    drawn = words.spark(judged)

    assert min(30, len(values)) == len(drawn)
    assert set(drawn) <= set(words.BARS)
    assert words.BARS[0] in drawn


class _Course:
    """As much of a judged series as its course needs: hypothesis and fixtures of one test do not go together."""

    def __init__(self, values):
        self.series = self
        self.points = [_Value(value) for value in values]


class _Value:
    """A point with a value."""

    def __init__(self, value):
        self.value = value
