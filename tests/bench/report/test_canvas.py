"""What every chart is drawn on."""

import pytest
from matplotlib.axis import XAxis
from matplotlib.figure import Figure

from bench.report import canvas
from bench.report.canvas import Frame


def labels(axis: XAxis) -> list[str]:
    """Return the tick labels of an axis."""
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.98, 22.0, 7, ["1x", "2x", "5x", "10x", "20x"]),
        (0.98, 22.0, 4, ["1x", "3x", "10x"]),
        (0.98, 1.02, 7, ["0.98x", "0.99x", "1x", "1.01x", "1.02x"]),
        (0.9, 1.1, 4, ["0.9x", "1x", "1.1x"]),
        (0.08, 2.1, 7, ["0.1x", "0.2x", "0.5x", "1x", "2x"]),
        (1.0, 2e6, 4, ["1x", "100x", "10,000x", "1,000,000x"]),
        (31.0, 33.0, 4, ["31x", "32x", "33x"]),
        (2e-5, 3e-4, 3, ["0.00003x", "0.0001x", "0.0003x"]),
    ],
)
def test_log_axes_are_labelled_at_round_numbers(low, high, most, expected):
    """Few labels, none of them 10^0."""
    axes = Figure().add_axes((0, 0, 1, 1))
    axes.set_xscale("log")
    axes.set_xlim(low, high)

    canvas.log_ticks(axes.xaxis, low=low, high=high, suffix="x", most=most)

    assert expected == labels(axes.xaxis)


def test_a_strip_chart_grows_with_its_loops():
    """No loop is squeezed: each gets the height of a row."""
    heights = [canvas.strips(count, frame=Frame.WIDE, below=56.0)[0].get_size_inches()[1] * 72 for count in (1, 11)]

    assert 10 * Frame.WIDE.value.row == pytest.approx(heights[1] - heights[0])


def test_names_that_do_not_fit_are_cut():
    """The tables have the whole of it; the chart has room for its marks."""
    figure, axes = canvas.strips(1, frame=Frame.NARROW, below=56.0)

    canvas.label(axes, 0, frame=Frame.NARROW, left="m" * 200, right="2.00x faster")

    assert ["m" * 9 + "…", "2.00x faster"] == [text.get_text() for text in axes.texts]
    assert 288.0 == pytest.approx(figure.get_size_inches()[0] * 72)


def test_a_picture_grows_by_its_title_and_source_and_nothing_else_moves():
    """What was drawn keeps its size in pixels; a source that is too long is broken, not cut."""
    figure, axes = canvas.strips(3, frame=Frame.NARROW, below=56.0)
    height, before = figure.get_size_inches()[1] * 72, axes.get_position().height

    canvas.framed(figure, title="What it shows", source="word " * 40)

    grown = figure.get_size_inches()[1] * 72
    assert before * height == pytest.approx(axes.get_position().height * grown)
    texts = [text.get_text() for text in figure.texts]
    assert "What it shows" == texts[0]
    assert 40 == " ".join(texts[1:]).count("word")
    assert len(texts) > 5


def test_a_picture_is_shrunk_with_its_letters():
    """Half the width is half of everything."""
    figure, _ = canvas.strips(1, frame=Frame.WIDE, below=56.0)
    canvas.framed(figure, title="title", source="")

    canvas.shrunk(figure, factor=0.5)

    assert 360.0 == pytest.approx(figure.get_size_inches()[0] * 72)
    assert figure.texts[0].get_fontsize() <= canvas.FONT_SIZE / 2.0


def test_a_frame_has_room_for_its_title_and_for_every_line_of_its_source():
    """Nothing below a picture that comes from nowhere."""
    bare = canvas.framing(288.0, 200.0, title="Title", source="")
    full = canvas.framing(288.0, 200.0, title="t" * 200, source="word " * 40)

    assert (238.0, 0.0, ()) == (bare.height, bare.below, bare.source)
    assert "Title" == bare.title.text
    assert full.title.text.endswith("…")
    assert full.height == pytest.approx(238.0 + full.below)
    heights = [line.up for line in full.source]
    assert heights == sorted(heights)
    assert heights[-1] < full.below
