"""Names of lines."""

from itertools import pairwise

import pytest

from bench.report import legend
from bench.report.canvas import Frame
from bench.report.legend import Entry, spread


def entry(name, *, end=1.0, remark=""):
    """Return an entry of a line that ends at the right edge at a height."""
    return Entry(style={"color": "#000000"}, name=name, remark=remark, end=(1.0, end))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("tf-function", "tf-function, after 74 steps"),
        ("torch-native-compile", "torch-native-compile"),
        ("n" * 60, "n" * 23 + "…"),
    ],
)
def test_a_remark_is_left_out_before_a_name_is_cut(name, written):
    """Tables have the number; half a name may be that of another loop."""
    figure, axes = legend.beside(1, frame=Frame.WIDE)

    legend.write(axes, [entry(name, remark="after 74 steps")], frame=Frame.WIDE)

    assert written == figure.texts[0].get_text()


def test_names_stand_at_the_ends_of_their_lines_where_there_is_room():
    """Each as high as its line ends, whatever the order in which they came, with a line that leads there."""
    figure, axes = legend.beside(2, frame=Frame.WIDE)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlim(0.0, 1.0)

    legend.write(axes, [entry("low", end=0.1), entry("high", end=0.9)], frame=Frame.WIDE)

    height = figure.get_size_inches()[1] * 72
    found = {text.get_text(): text.get_position()[1] * height for text in figure.texts}
    wanted = {name: axes.transData.transform((1.0, end))[1] for name, end in (("low", 0.1), ("high", 0.9))}
    assert {name: pytest.approx(place) for name, place in wanted.items()} == found


def test_on_a_phone_names_stand_below_in_the_order_of_the_lines():
    """There is no room beside."""
    figure, axes = legend.beside(3, frame=Frame.NARROW)

    legend.write(axes, [entry("low", end=0.1), entry("high", end=0.9), entry("middle", end=0.5)], frame=Frame.NARROW)

    heights = sorted(((text.get_position()[1], text.get_text()) for text in figure.texts), reverse=True)
    assert ["high", "middle", "low"] == [name for _, name in heights]


def test_names_that_would_cover_each_other_move_apart_as_little_as_can_be():
    """The first two share the way; the third has room."""
    assert [104.5, 94.5, 20.0] == spread([100.0, 99.0, 20.0], apart=10.0, low=0.0, high=200.0)
    assert [] == spread([], apart=10.0, low=0.0, high=200.0)


@pytest.mark.parametrize("wanted", [[199.0, 198.0, 197.0], [3.0, 2.0, 1.0], [100.0] * 3, [190.0, 100.0, 5.0]])
def test_names_stay_inside_and_apart(wanted):
    """As long as all fit."""
    places = spread(wanted, apart=26.0, low=13.0, high=187.0)

    assert all(13.0 <= place <= 187.0 for place in places)
    assert all(a - b >= 26.0 - 1e-9 for a, b in pairwise(places))
