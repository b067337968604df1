"""A picture of a series: where marks, levels and changes stand, and what it says to those who do not see it."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.history import picture


def drawn(judged, **addresses):
    """Return the picture as a tree; an address for a run is given by its name."""
    return ET.fromstring(picture.draw(judged, addresses=addresses))


def texts(tree):
    """Return the texts in it, in the order in which they are drawn."""
    return [text.text for text in tree.iter("text")]


def dots(tree):
    """Return where the dots are, left to right."""
    paths = [path.get("d") for path in tree.iter("path") if path.get("class") == "dot"]
    return sorted((float(x), float(y)) for path in paths for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", path))


def test_marks_go_from_left_to_right_and_stay_inside(make_judged):
    """Higher is slower, at equal distances."""
    found = dots(drawn(make_judged([2.0, 2.5, 3.0])))

    (x0, y0), (x1, y1), (x2, y2) = found
    assert 0 < x0 < x1 < x2 < picture.WIDTH
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    assert 0 < y2 < y1 < y0 < picture.HEIGHT


def test_a_single_run_is_a_picture_too(make_judged):
    """One dot, one day, and told as one."""
    tree = drawn(make_judged([2.0]))

    assert tree.get("aria-label").startswith("tf-fit, 1 run: 0.600 ")
    assert 1 == len(dots(tree))
    assert ["2026-01-01"] == [text for text in texts(tree) if "-" in text]


def test_equal_values_leave_room_above_and_below(make_judged):
    """A flat line is not stretched to the edges."""
    ((_, first), *others) = dots(drawn(make_judged([2.0] * 5)))

    assert {first} == {y for _, y in others}
    assert 44 < first < picture.HEIGHT - 30


def test_axes_name_the_first_and_the_last_day(make_judged):
    """And round numbers of milliseconds."""
    found = texts(drawn(make_judged([2.0, 2.0, 4.0])))

    assert ["2026-01-01", "2026-01-03"] == found[-2:]
    assert ["0.60", "0.80", "1.00", "1.20"] == [f"{float(text):.2f}" for text in found[:-2]]


@given(st.floats(min_value=1e-6, max_value=1e6), st.floats(min_value=1.02, max_value=1e4))
def test_there_are_one_to_four_round_numbers_within_any_bounds(low, ratio):
    """In order, each with the same decimals, none twice."""
    high = low * ratio
    assume(high < 1e7)

    found = picture._round_numbers(low, high)

    numbers = [float(text.replace(",", "")) for text in found]
    assert 1 <= len(found) <= 4
    assert sorted(set(numbers)) == numbers
    assert 1 == len({len(text.partition(".")[2]) for text in found})
    assert all(low * (1.0 - 1e-9) <= number <= high * (1.0 + 1e-9) for number in numbers)


def test_a_bar_holds_the_interval_of_a_run_and_no_more_than_twice_its_value(make_judged, make_point):
    """One process has no interval, and a wild one would push all others together."""
    errors = (0.1, float("nan"), 50.0)
    points = [make_point(night, error=error) for night, error in enumerate(errors)]

    marks = picture._marks(make_judged(points=points))

    usual = 1e3 * 2.0 * 0.3e-3
    assert [pytest.approx(usual)] * 3 == [mark.middle for mark in marks]
    assert [pytest.approx(1.2166, rel=1e-4), 1.0, pytest.approx(2.0)] == [mark.high / mark.middle for mark in marks]
    assert all(mark.low * mark.high == pytest.approx(mark.middle**2) for mark in marks)


@pytest.mark.parametrize(("count", "per_mark"), [(1, 1), (112, 1), (113, 2), (224, 2), (1000, 9)])
def test_many_runs_share_marks(make_judged, count, per_mark):
    """Two pixels are left to each, and the caption says how many share one."""
    judged = make_judged([2.0] * count)

    marks = picture._marks(judged)

    assert -(-count // per_mark) == len(marks)
    assert ([0], count) == ([marks[0].start], marks[-1].stop)
    assert all(before.stop == after.start for before, after in pairwise(marks))
    words = "A mark is a run," if per_mark == 1 else f"A mark is {per_mark} runs side by side,"
    assert picture.caption(judged).startswith(words)


def test_a_shared_mark_leaves_its_ends_out(make_judged):
    """Its bar holds nine in ten: one wild run of a thousand is in none."""
    judged = make_judged([2.0] * 500 + [200.0] + [2.0] * 1739)

    marks = picture._marks(judged)

    assert 20 == marks[0].stop
    assert max(mark.high for mark in marks) == min(mark.low for mark in marks)


def test_a_dot_leads_to_the_page_of_its_run(make_judged):
    """The others are in one path, without a link."""
    tree = ET.fromstring(
        picture.draw(make_judged(), addresses={"20260102-0001": '../a"b&c/index.html', "elsewhere": "x"})
    )

    (link,) = tree.iter("a")
    assert ('../a"b&c/index.html', "20260102-0001, 2026-01-02") == (link.get("href"), link.get("aria-label"))
    assert 4 == len(dots(tree))


def test_where_every_run_has_a_page_no_bare_path_is_left(make_judged):
    """An empty path is nothing to draw."""
    judged = make_judged()
    addresses = {point.run: "x" for point in judged.series.points}

    assert all(path.get("d") for path in ET.fromstring(picture.draw(judged, addresses=addresses)).iter("path"))


def test_a_shared_mark_leads_nowhere(make_judged):
    """It is no single run."""
    judged = make_judged([2.0] * 224)
    addresses = {point.run: "x" for point in judged.series.points}

    assert "<a " not in picture.draw(judged, addresses=addresses)


def test_each_level_is_a_line(make_judged, make_event):
    """The later one higher where the loop became slower."""
    tree = drawn(make_judged([2.0, 2.0, 3.0, 3.0], events=[make_event(2, 1.5)]))

    (path,) = [path.get("d") for path in tree.iter("path") if path.get("stroke") == "var(--ink)"]
    (first, second) = re.findall(r"M[\d.]+ ([\d.]+)H[\d.]+", path)
    assert float(second) < float(first)


def test_a_creep_is_a_slope_and_no_level(make_judged, make_event):
    """From where it began to where it ended."""
    ratio = make_event(0, 1.2).ratio
    creep = make_event(3, 1.2, earliest=0, latest=3, per_run=ratio)

    tree = drawn(make_judged([2.0, 2.2, 2.6, 3.0], events=[creep]))

    (path,) = [path.get("d") for path in tree.iter("path") if path.get("stroke") == "var(--ink)"]
    ((x0, y0, x1, y1),) = re.findall(r"^M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)$", path)
    assert float(x0) < float(x1)
    assert float(y1) < float(y0)


@pytest.mark.parametrize(("ratio", "colour", "size"), [(1.1, "slower", "+10.0 %"), (0.5, "faster", "-50.0 %")])
def test_a_change_has_its_size_and_the_colour_of_its_direction(make_judged, make_event, ratio, colour, size):
    """At a line where it happened."""
    tree = drawn(make_judged([2.0, 2.0, 2.0 * ratio, 2.0 * ratio], events=[make_event(2, ratio)]))

    (text,) = [text for text in tree.iter("text") if "%" in text.text]
    assert (size, f"fill: var(--{colour})") == (text.text, text.get("style"))
    assert [f"var(--{colour})"] == [
        path.get("stroke") for path in tree.iter("path") if path.get("stroke-dasharray") == "5 3"
    ]


def test_of_crowded_changes_the_newest_keep_their_sizes(make_judged, make_event):
    """Every one has its line."""
    events = [make_event(place, 1.0 + place / 100.0, number=place) for place in range(1, 12)]

    tree = drawn(make_judged([2.0] * 12, events=events))

    sizes = [text for text in texts(tree) if "%" in text]
    assert 11 == len([path for path in tree.iter("path") if path.get("stroke-dasharray") == "5 3"])
    assert "+11.0 %" == sizes[0]
    assert 2 <= len(sizes) < 11


def test_sizes_stay_within_the_picture_and_apart(make_judged, make_event):
    """However near to the edge a change is."""
    events = [make_event(place, 1.1) for place in (1, 50, 99)]

    tree = drawn(make_judged([2.0] * 100, events=events))

    places = [(float(text.get("x")), float(text.get("y"))) for text in tree.iter("text") if "%" in text.text]
    assert 3 == len(places)
    for number, (x, y) in enumerate(places):
        assert 25 < x < picture.WIDTH - 25
        assert 0 < y < 44
        assert all(abs(x - other) > 50 or y != row for other, row in places[:number])


def test_a_break_is_a_dotted_line_without_a_size(make_judged, make_break):
    """Nothing is compared over it."""
    tree = drawn(make_judged([2.0, 2.0, 3.0, 3.0], breaks=[make_break(2)]))

    assert ["var(--muted)"] == [
        path.get("stroke") for path in tree.iter("path") if path.get("stroke-dasharray") == "2 3"
    ]
    assert not any("%" in text for text in texts(tree))


def test_a_picture_says_its_loop_its_events_and_its_level(make_judged, make_event):
    """In one sentence."""
    assert (
        "tf-fit, 4 runs: +10.0 % (+8.9 to +11.1) slower since 20260103-0002 (2026-01-03); "
        "0.660 milliseconds a step in the last runs."
    ) == picture.sentence(make_judged([2.0, 2.0, 2.2, 2.2], events=[make_event(2)]))


@pytest.mark.parametrize("name", ['"><script>', "a&b", "'", "a\x1b[31m\u202eb"])
def test_a_loop_of_any_name_leaves_the_picture_sound(make_judged, make_point, name):
    """As does a run: it can be read again, and nothing in it turns the direction of what follows."""
    judged = make_judged(loop=name, points=[make_point(0, run=name)])

    text = picture.draw(judged, addresses={name: "x"})

    assert picture.sentence(judged) == ET.fromstring(text).get("aria-label")
    assert "\u202e" not in text
