"""Cleaning of matplotlib's SVG."""

from xml.etree import ElementTree as ET

import pytest

from bench.report import svg

RAW = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="72pt" height="36.5pt" viewBox="0 0 72 36.5" \
xmlns="http://www.w3.org/2000/svg" version="1.1">
 <metadata><date>today</date></metadata>
 <defs>
  <style type="text/css">*{stroke-linejoin: round}</style>
 </defs>
 <g id="figure_1">
  <defs><path id="mabc" d="M 0 1.23456"/></defs>
  <g clip-path="url(#pdef)">
   <use xlink:href="#mabc" x="1.23456" y="2" style="fill: #0067a3"/>
   <use xlink:href="#mabc" x="-0.00123" y="2" style="fill: #0067a3"/>
  </g>
  <g id="text_1">
   <text style="font: 14px 'DejaVu Sans', sans-serif; fill: #1b1f24" x="1">\
#1b1f24 1.23456 url(#mabc) 'DejaVu Sans'</text>
  </g>
 </g>
 <clipPath id="pdef"/>
</svg>
"""

CLEAN = """<svg role="img" aria-label="a &quot;b&quot; &lt;c&gt;" style="stroke-linejoin: round; stroke-linecap: butt" \
xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" \
width="72" height="36.5" viewBox="0 0 72 36.5">
<title>a "b" &lt;c&gt;</title>
<g>
<defs>
<path id="plot-1" d="M 0 1.2"/>
</defs>
<g clip-path="url(#plot-0)" style="fill: #0067a3">
<use x="1.2" y="2" xlink:href="#plot-1"/>
<use x="0" y="2" xlink:href="#plot-1"/>
</g>
<text style="font: 14px sans-serif; fill: #1b1f24" x="1">#1b1f24 1.23456 url(#mabc) 'DejaVu Sans'</text>
</g>
<clipPath id="plot-0"/>
</svg>
"""


def test_a_cleaned_picture_stands_alone():
    """No date, no global style, no unused id, short numbers; the text between the tags is left as it is."""
    cleaned = svg.clean(RAW, name="plot", sentence='a "b" <c>')

    assert CLEAN == cleaned
    ET.fromstring(cleaned)


def test_the_text_in_a_picture_may_hold_anything():
    """Names of loops stand there: no tag, style or reference in one is taken for the picture's own."""
    name = ' id="a" style="fill: #0067a3"/> <g>&amp; two  blanks'
    raw = RAW.replace("#1b1f24 1.23456", name.replace("&", "&amp;").replace("<", "&lt;"))

    inlined = svg.inline(svg.clean(raw, name="plot", sentence=name))

    root = ET.fromstring(inlined)
    assert name == root.attrib["aria-label"]
    assert f"{name} url(#mabc) 'DejaVu Sans'" == next(root.iter("text")).text


def test_a_bold_text_stays_bold():
    """Weight and size stand before the family, and are not the reader's to choose."""
    cleaned = svg.clean(RAW.replace("font: 14px", "font: italic 700 14px"), name="plot", sentence="")

    assert "font: italic 700 14px sans-serif" in cleaned
    assert "font: italic 700 14px var(--font)" in svg.inline(cleaned)


def test_an_inlined_picture_takes_colours_and_font_from_the_page():
    """Custom properties in the styles, and only there."""
    inlined = svg.inline(CLEAN)

    assert "xmlns" not in inlined
    assert 'style="fill: var(--faster)"' in inlined
    assert 'style="font: 14px var(--font); fill: var(--ink)"' in inlined
    assert ">#1b1f24 1.23456 url(#mabc) 'DejaVu Sans'</text>" in inlined


def test_the_colours_are_distinct():
    """One colour stands for one property."""
    assert len(svg.COLOURS) == len(set(svg.COLOURS.values()))


def luminance(colour):
    """Return the relative luminance of "#rrggbb" as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [svg.COLOURS, svg.DARK], ids=["light", "dark"])
def test_every_colour_but_the_band_is_seen_on_the_page(scheme):
    """4.5 to 1 is what WCAG asks of text; names of loops may be written in any of them."""
    page = luminance(scheme["--page"])
    for name, colour in scheme.items():
        if name not in ("--page", "--band"):
            lighter, darker = sorted((luminance(colour), page), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, name


def test_both_schemes_have_the_same_names():
    """What one lacks would be drawn in nothing."""
    assert svg.COLOURS.keys() == svg.DARK.keys()
    assert len(svg.DARK) == len(set(svg.DARK.values()))


def test_a_framed_picture_is_higher_and_has_its_lines_in_it():
    """What was drawn is moved down whole; the page's colour is behind all of it."""
    cleaned = svg.clean(RAW, name="plot", sentence="What it says")
    lines = [svg.Text(text="Title <b>", y=24.0, style="font: bold 14px sans-serif")]

    framed = svg.framed(cleaned, height=100.5, below=20.0, x=12.0, texts=lines)

    root = ET.fromstring(framed)
    space = "{http://www.w3.org/2000/svg}"
    assert ("72", "100.5", "0 0 72 100.5") == (root.get("width"), root.get("height"), root.get("viewBox"))
    (moved,) = [group for group in root.iter(f"{space}g") if group.get("transform") == "translate(0 44)"]
    assert len(moved)
    assert "Title <b>" in [text.text for text in root.iter(f"{space}text")]
    assert "What it says" == root.find(f"{space}title").text
    assert svg.COLOURS["--page"] in framed
