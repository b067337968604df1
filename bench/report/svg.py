"""Turn matplotlib's SVG into one that can stand in a page: no global style, unique ids, the page's colours and font."""

import re
from html import escape

COLOURS = {
    "--ink": "#1b1f24",
    "--muted": "#5c6570",
    "--faster": "#0067a3",
    "--slower": "#b34700",
    "--band": "#d9dee4",
    "--page": "#fefefe",
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
}
"""The dark scheme's values."""

_TAG = re.compile(r"<[^>]*>")
_STYLE = re.compile(r'style="[^"]*"')
_REFERENCE = re.compile(r'((?:href="|url\()#)([^")]+)')
_COORDINATE = re.compile(r"(?<![\w#.-])(-?\d+\.\d{3,})(?![\w.])")
_UPRIGHT = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
"""Matplotlib turns every text, by nothing at all in most cases."""

_FONT = re.compile(r"font(?:-family)?: (?P<size>[\d.]+px )?(?:'[^']*'|[\w-]+)(?:, (?:'[^']*'|[\w-]+))*")
_MARKS = re.compile(r"<g([^>]*)>\n((?:<use [^>]*/>\n)+)</g>")
_LONE_GROUP = re.compile(r"<g>\n((?:<(?:path|use)[^>]*/>|<text[^>]*>[^<]*</text>)\n)</g>\n")
_WORTH_HOISTING = 2


def clean(text: str, *, name: str, sentence: str) -> str:
    """Return a standing-alone SVG in light colours, at its natural size in CSS pixels.

    Only tags are changed, never the text between them, which may hold anything.

    Args:
        text: As matplotlib wrote it.
        name: Prefix of all ids; unique within a page.
        sentence: What the picture says, for those who do not see it.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*</defs>", "", text)
    referred = dict.fromkeys(name for tag in _TAG.findall(text) for _, name in _REFERENCE.findall(tag))
    ids = {old: f"{name}-{number}" for number, old in enumerate(referred)}
    text = _TAG.sub(lambda tag: _clean_tag(tag[0], ids=ids), text)
    text = _flatten(re.sub(r"\s*\n\s*", "\n", text))
    label = escape(sentence)
    head = f'<svg role="img" aria-label="{label}" style="stroke-linejoin: round; stroke-linecap: butt"'
    return re.sub(r"<svg([^>]*)>", lambda match: f"{head}{match[1]}>\n<title>{label}</title>", text, count=1)


def inline(text: str) -> str:
    """Return a cleaned SVG for a page: its colours become the page's custom properties, its font the page's font.

    What only a file of its own needs is dropped, the title too: a page would show it at the pointer, over the picture.
    """
    text = re.sub(r' (?:xmlns(?::xlink)?|version)="[^"]*"', "", text, count=3)
    text = re.sub(r"<title>.*?</title>\n", "", text, count=1, flags=re.DOTALL).replace(' xlink:href="', ' href="')
    return _TAG.sub(lambda tag: _STYLE.sub(_page_style, tag[0]), text)


def _clean_tag(tag: str, *, ids: dict[str, str]) -> str:
    """Return a tag with short ids where something refers to them, tenths of a pixel and a generic font."""
    tag = re.sub(r' id="([^"]*)"', lambda match: f' id="{ids[match[1]]}"' if match[1] in ids else "", tag)
    tag = _REFERENCE.sub(lambda match: match[1] + ids[match[2]], tag)
    tag = _UPRIGHT.sub("", tag)
    tag = _COORDINATE.sub(lambda match: f"{round(float(match[1]), 1):g}", tag)
    # Points become pixels one to one, so that text keeps the size that it was drawn with.
    tag = re.sub(r'(width|height)="([\d.]+)pt"', r'\1="\2"', tag)
    return _STYLE.sub(lambda style: _FONT.sub(_generic_font, style[0]), tag)


def _generic_font(match: re.Match[str]) -> str:
    """Return a font declaration with the same size and no family that a reader may not have."""
    return f"font: {match['size']}sans-serif" if match["size"] else "font-family: sans-serif"


def _page_style(match: re.Match[str]) -> str:
    """Return a style attribute that takes colours and font from the page."""
    style = match[0]
    for name, colour in COLOURS.items():
        style = style.replace(colour, f"var({name})")
    return style.replace("px sans-serif", "px var(--font)").replace("font-family: sans-serif", "font-family: inherit")


def _flatten(text: str) -> str:
    """Drop groups that say nothing, and say once for a group what each of its marks repeats."""
    text = _MARKS.sub(_hoist_style, text)
    found = 1
    while found:
        text, found = _LONE_GROUP.subn(r"\1", text)
    return text


def _hoist_style(match: re.Match[str]) -> str:
    """Move the style that all marks of a group share to the group."""
    styles = set(re.findall(r' style="([^"]*)"', match[2]))
    if len(styles) != 1 or match[2].count("<use") < _WORTH_HOISTING:
        return match[0]
    style = styles.pop()
    return f'<g{match[1]} style="{style}">\n' + match[2].replace(f' style="{style}"', "") + "</g>"
