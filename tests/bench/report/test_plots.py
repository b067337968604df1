"""Plots as files and as parts of the page."""

import re
from xml.etree import ElementTree as ET

import pytest

from bench.report import plots
from bench.report.model import build

HOSTILE = {"base": 8e-3, 'a|b<script>&"': 4e-3, "n" * 200: 2e-3, "🚀 rocket": 1e-3, "שלום": 3e-3, "$x^2$": 5e-3}


def test_a_group_has_four_plots(report):
    """Speed, steadiness and break-even, each with its numbers in words."""
    drawn = plots.draw(report.groups[0], suffix="1")

    assert ["speed-up-1", "step-time-1", "trace-1", "break-even-1"] == [plot.name for plot in drawn]
    assert all(plot.sentence and plot.caption and plot.title for plot in drawn)


def test_plots_without_numbers_are_left_out(make_run):
    """One loop is not compared; no trial at all leaves nothing to draw."""
    alone = plots.draw(build(make_run(steps={"tf-eager": 8e-3})).groups[0], suffix="1")
    empty = plots.draw(build(make_run(finished_rounds=0)).groups[0], suffix="1")

    assert ["step-time", "trace"] == [plot.kind for plot in alone]
    assert () == empty


def test_drawing_twice_gives_equal_bytes(report):
    """No date, no random id, in none of the forms."""
    assert plots.draw(report.groups[0], suffix="1") == plots.draw(report.groups[0], suffix="1")


@pytest.mark.parametrize("form", ["svg", "wide", "narrow"])
def test_text_is_text_and_at_least_14_pixels(report, form):
    """Names can be selected, searched and read."""
    for plot in plots.draw(report.groups[0], suffix="1"):
        picture = getattr(plot, form)
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:bold )?([\d.]+)px", picture)]

        assert ">tf-function<" in picture or ">tf-function, " in picture
        assert min(sizes) >= 14.0
        assert len(sizes) == picture.count("<text")


def test_pictures_are_xml_and_print_in_high_resolution(report):
    """Other programs can open them."""
    for plot in plots.draw(report.groups[0], suffix="1"):
        ET.fromstring(plot.svg)

        assert plot.png.startswith(b"\x89PNG")
        assert 720 * 3 == int.from_bytes(plot.png[16:20], "big")


def test_inlined_pictures_use_only_colours_of_the_page(report):
    """Light and dark need no second picture."""
    for plot in plots.draw(report.groups[0], suffix="1"):
        assert not re.findall(r"#[0-9a-f]{6}\b", plot.wide + plot.narrow)


def test_ids_are_unique_among_all_pictures_of_a_page(report):
    """Two inlined pictures do not refer to each other's parts."""
    drawn = [plot for suffix in "12" for plot in plots.draw(report.groups[0], suffix=suffix)]
    ids = [name for plot in drawn for name in re.findall(r' id="([^"]*)"', plot.wide + plot.narrow)]

    assert len(ids) == len(set(ids)) > 0


def test_hostile_names_are_drawn_as_they_are(make_run):
    """Markup is escaped, formulas are not typeset, characters without a glyph do not warn."""
    drawn = plots.draw(build(make_run(steps=HOSTILE, rounds=2)).groups[0], suffix="1")

    assert all(">a|b&lt;script&gt;&amp;&quot;" in plot.svg or '>a|b&lt;script&gt;&amp;"' in plot.svg for plot in drawn)
    assert all("$x^2$" in plot.svg and "🚀 rocket" in plot.svg for plot in drawn)
    for plot in drawn:
        ET.fromstring(plot.svg)


def test_many_processes_are_announced_as_thinned(make_run):
    """A caption does not promise more dots than there are."""
    group = build(make_run(steps={"old": 2e-3, "new": 1e-3}, rounds=201)).groups[0]

    _, step_time, *_ = plots.draw(group, suffix="1")

    assert step_time.caption.endswith(
        "Where a loop has more than 160 processes, an even choice is shown, sorted by time."
    )


def test_left_out_traces_are_announced(make_run):
    """With the reason for the choice."""
    steps = {"old": 9e-3} | {f"new-{i}": (1 + i) * 5e-4 for i in range(12)}

    _, _, traces, _ = plots.draw(build(make_run(steps=steps, rounds=2)).groups[0], suffix="1")

    assert traces.caption.endswith("Of 13 loops 8 are shown: first those that did not hold still, then the fastest.")


def test_left_out_lines_are_announced(make_run):
    """Eight lines can be told apart, not thirteen."""
    steps = {"old": 9e-3} | {f"new-{i}": (1 + i) * 5e-4 for i in range(12)}

    *_, break_even = plots.draw(build(make_run(steps=steps, rounds=2)).groups[0], suffix="1")

    assert break_even.caption.endswith("Only the 7 fastest loops are shown.")


def test_what_stands_alone_has_its_title_and_its_source_in_it(report):
    """A picture that was copied out of a page still says what it shows, and where that was measured; a page says it."""
    for plot in plots.draw(report.groups[0], suffix="1", source=report.source):
        assert f">{plot.title}<" in plot.svg
        assert report.run_id in plot.svg
        assert f">{plot.title}<" not in plot.wide + plot.narrow
        assert report.run_id not in plot.wide + plot.narrow


@pytest.mark.parametrize(("columns", "inches"), [("one", 3.5), ("two", 7.16)])
def test_pictures_for_a_paper_are_as_wide_as_its_columns(report, columns, inches):
    """In true size, with their fonts, and equal numbers give equal bytes."""
    made = plots.paper(report, columns=columns)

    assert {f"{kind}-1-{columns}-column.pdf" for kind in plots.KINDS[:4]} == set(made)
    for content in made.values():
        width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", content)[1]) / 72.0
        assert inches == pytest.approx(width, abs=0.005)
        assert b"/FontFile2" in content
    assert made == plots.paper(report, columns=columns)


def test_a_figure_is_the_picture_that_is_written(report):
    """For programs that go on drawing; letters keep the size that they were drawn with."""
    figure = plots.figure(report.groups[0], kind="speed-up", source=report.source)

    assert "Speed against tf-eager" in {text.get_text() for text in figure.texts}
    assert 720.0 == figure.get_size_inches()[0] * 72.0
