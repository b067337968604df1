"""Cleaning of matplotlib's SVG."""

from xml.etree import ElementTree as ET

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
xmlns:xlink="http://www.w3.org/1999/xlink" width="72" height="36.5" viewBox="0 0 72 36.5" \
xmlns="http://www.w3.org/2000/svg" version="1.1">
<title>a &quot;b&quot; &lt;c&gt;</title>
<g>
<defs><path id="plot-1" d="M 0 1.2"/></defs>
<g clip-path="url(#plot-0)" style="fill: #0067a3">
<use xlink:href="#plot-1" x="1.2" y="2"/>
<use xlink:href="#plot-1" x="-0" y="2"/>
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
