"""Turn matplotlib's SVG into one that can stand in a page: no global style, unique ids, the page's colours and font."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

COLOURS = {
    "--ink": "#1b1f24",
    "--muted": "#5c6570",
    "--faster": "#0067a3",
    "--slower": "#b34700",
    "--band": "#d9dee4",
    "--page": "#fefefe",
    "--tensorflow": "#7a5c00",
    "--torch": "#a8246b",
    "--jax": "#5146c7",
    "--numpy": "#1a7440",
}
"""The page's custom properties and the colour that stands for each in a drawing; also the light scheme's values.

Each colour is used for nothing else. The page is nearly white because matplotlib writes pure white by itself."""

DARK = {
    "--ink": "#e6e9ed",
    "--muted": "#a3adb8",
    "--faster": "#5db7ea",
    "--slower": "#ff9a5c",
    "--band": "#3a434d",
    "--page": "#14181d",
    "--tensorflow": "#dcb648",
    "--torch": "#f48fc0",
    "--jax": "#aaa4ff",
    "--numpy": "#6ccf90",
}
"""The dark scheme's values."""

_ALONE = {"xmlns": "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink", "version": "1.1"}
"""What a file of its own needs, and a page does not."""
_STYLE = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
"""What matplotlib says once in a style sheet, which would hold for the whole page."""

_REFERENCE = re.compile(r"(?:^|(?<=url\())#([^)]+)")
"""In the value of an attribute: all of a link, or a part of a style or of a clip path."""
_COORDINATE = re.compile(r"(?<![\w#.-])-?\d+\.\d{3,}(?![\w.])")
_UPRIGHT = re.compile(r"rotate\(-?0 [^)]*\)")
"""Matplotlib turns every text, by nothing at all in most cases."""
_MARKS = ("path", "use", "text")
_WORTH_HOISTING = 2


def clean(text: str, *, name: str, sentence: str) -> str:
    """Return a standing-alone SVG in light colours, at its natural size in CSS pixels.

    Only elements and their attributes are changed, never the text in them, which may hold anything.

    Args:
        text: As matplotlib wrote it.
        name: Prefix of all ids; unique within a page.
        sentence: What the picture says, for those who do not see it.
    """
    root = _parsed(text)
    _prune(root)
    _shorten_ids(root, name=name)
    for element in root.iter():
        _tidy(element)
    _flatten(root)
    for side in ("width", "height"):  # points become pixels one to one, so that text keeps the size it was drawn with
        root.set(side, root.attrib[side].removesuffix("pt"))
    title = ET.Element("title")
    title.text = sentence
    root.insert(0, title)
    root.attrib = {"role": "img", "aria-label": sentence, "style": _style_of(_STYLE)} | _ALONE | root.attrib
    return _written(_with_links(root))


def inline(text: str) -> str:
    """Return a cleaned SVG for a page: its colours become the page's custom properties, its font the page's font.

    What only a file of its own needs is dropped, the title too: a page would show it at the pointer, over the picture.
    """
    root = _parsed(text)
    root.attrib.pop("version", None)
    root[:] = [child for child in root if child.tag != "title"]
    for element in root.iter():
        if "style" in element.attrib:
            element.set("style", _style_of(_page_style(_declarations(element))))
    return _written(root)


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A line of text."""

    text: str
    y: float
    """Of its baseline, from the upper edge."""
    style: str


def framed(text: str, *, height: float, below: float, x: float, texts: Iterable[Text]) -> str:
    """Return a cleaned SVG, made higher, with lines above and below what it shows.

    Args:
        text: As `clean` returned it.
        height: Of the whole.
        below: How far what was there stands above the lower edge.
        x: Where the lines begin.
        texts: The lines.
    """
    root = _parsed(text)
    width, before = float(root.attrib["width"]), float(root.attrib["height"])
    root.set("height", f"{height:g}")
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    drawn = [child for child in root if child.tag != "title"]
    moved = ET.Element("g", {"transform": f"translate(0 {height - before - below:g})"})
    moved.extend(drawn)
    page = ET.Element("path", {"d": f"M0 0H{width:g}V{height:g}H0z", "style": f"fill: {COLOURS['--page']}"})
    root[:] = [*(child for child in root if child.tag == "title"), page, moved]
    for one in texts:
        line = ET.SubElement(root, "text", {"x": f"{x:g}", "y": f"{one.y:.1f}", "style": one.style})
        line.text = one.text
    root.attrib |= _ALONE
    return _written(_with_links(root))


def _with_links(root: ET.Element) -> ET.Element:
    """Return it with the links of a file of its own, which old programs want with their namespace."""
    for element in root.iter():
        if "href" in element.attrib:
            element.set("xlink:href", element.attrib.pop("href"))
    return root


def _parsed(text: str) -> ET.Element:
    """Return the root of an SVG whose elements and attributes have bare names, such as "use" and "href"."""
    root = ET.fromstring(text)  # noqa: S314 - it was drawn here
    for element in root.iter():
        element.tag = _bare(element.tag)
        element.attrib = {_bare(name): value for name, value in element.attrib.items()}
    return root


def _bare(name: str) -> str:
    """Return a name without its namespace.

    >>> _bare("{http://www.w3.org/2000/svg}g"), _bare("width")
    ('g', 'width')
    """
    return name.rpartition("}")[2]


def _written(root: ET.Element) -> str:
    """Return an SVG with an element on each line, as changes are read line by line; no text gets a line break."""
    for element in root.iter():
        if element.tag not in ("text", "title", "tspan"):
            for child in element:
                child.tail = "\n"
            element.text = "\n" if len(element) else None
    root.tail = "\n"
    # Whatever ends in ">" is a tag: in text and attributes it is written as an entity.
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def _prune(element: ET.Element) -> None:
    """Take out the style sheet, the metadata, and definitions of nothing."""
    for child in list(element):
        _prune(child)
        if child.tag in ("metadata", "style") or (child.tag == "defs" and not len(child)):
            element.remove(child)


def _shorten_ids(root: ET.Element, *, name: str) -> None:
    """Number the ids that something refers to, in the order of the references, and drop the others."""
    values = [value for element in root.iter() for value in element.attrib.values()]
    referred = dict.fromkeys(old for value in values for old in _REFERENCE.findall(value))
    ids = {old: f"{name}-{number}" for number, old in enumerate(referred)}
    for element in root.iter():
        own = element.attrib.pop("id", None)
        attributes = {
            key: _REFERENCE.sub(lambda match: f"#{ids[match[1]]}", value) for key, value in element.attrib.items()
        }
        element.attrib = ({"id": ids[own]} if own in ids else {}) | attributes


def _tidy(element: ET.Element) -> None:
    """Give an element tenths of a pixel and a generic font."""
    if _UPRIGHT.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]
    for name, value in element.attrib.items():
        if name not in ("id", "href"):
            element.set(name, _COORDINATE.sub(_tenths, " ".join(value.split())))
    if "style" in element.attrib:
        element.set("style", _style_of(_generic_font(_declarations(element))))


def _tenths(match: re.Match[str]) -> str:
    """Return a number to a tenth, and nothing below zero as zero."""
    return f"{round(float(match[0]), 1) + 0.0:g}"


def _declarations(element: ET.Element) -> dict[str, str]:
    """Return property -> value of an element's style."""
    pairs = (part.partition(":") for part in element.attrib["style"].split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _style_of(declarations: dict[str, str]) -> str:
    """Return the style that says this."""
    return "; ".join(f"{name}: {value}" for name, value in declarations.items())


def _generic_font(style: dict[str, str]) -> dict[str, str]:
    """Return a style that names no font that a reader may not have; weight and size stay."""
    found = dict(style)
    if "font" in found:
        before, size, _ = found["font"].partition("px ")
        found["font"] = f"{before}{size}sans-serif"
    if "font-family" in found:
        found["font-family"] = "sans-serif"
    return found


def _page_style(style: dict[str, str]) -> dict[str, str]:
    """Return a style that takes colours and font from the page."""
    properties = {colour: f"var({name})" for name, colour in COLOURS.items()}
    found = {name: properties.get(value, value) for name, value in style.items()}
    if "font" in found:
        found["font"] = found["font"].replace("sans-serif", "var(--font)")
    if "font-family" in found:
        found["font-family"] = "inherit"
    return found


def _flatten(parent: ET.Element) -> None:
    """Drop groups that say nothing, and say once for a group what each of its marks repeats."""
    for index, child in enumerate(parent):
        _flatten(child)
        if child.tag != "g":
            continue
        _hoist_style(child)
        if not child.attrib and len(child) == 1 and child[0].tag in _MARKS:
            parent[index] = child[0]


def _hoist_style(group: ET.Element) -> None:
    """Move the style that all marks of a group share to the group."""
    if len(group) < _WORTH_HOISTING or "style" in group.attrib or not _same(mark.tag for mark in group):
        return
    if group[0].tag == "use" and "style" in group[0].attrib and _same(mark.get("style") for mark in group):
        group.set("style", group[0].attrib["style"])
        for mark in group:
            del mark.attrib["style"]


def _same(values: Iterable[str | None]) -> bool:
    """Return whether these are all alike."""
    return len(set(values)) == 1
