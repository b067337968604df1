"""Hard words of a page: each is linked where it stands first, and explained at the page's end.

WORDS     what they mean; docs/glossary.md has the same, and more
linked    a page with the links, and with a list of the words that it has
"""

import re
from collections.abc import Mapping
from html import escape

from markupsafe import Markup

WORDS: Mapping[str, str] = {
    "baseline": "the loop, or the stored run, that the others are compared with",
    "95 % interval": "holds the true value in nineteen of twenty runs such as this one",
    "geometric mean": "the mean of ratios: twice as fast and half as fast cancel",
    "margin": "how much a difference must be beyond to count",
    "budget": "how much slower a loop may become before the gate fails",
    "round": "one fresh process of each loop, started first, then measured in turns, so that drift hits all",
    "block": "some consecutive steps between two readings of the clock, with the device waited for",
    "warm-up": "what a process trains before its steps count: it compiles, fills caches and settles",
    "first step": "the first call of a process, tracing and compiling included",
    "break-even": "the step from which on a loop that starts later, but steps faster, is ahead",
    "noise": "what identical loops differ by: one loop, measured twice under two names in the same rounds",
    "least step": "the least time that a step takes here: its operations at the speed of a large matrix product or, if "
    "that is longer, its weights, moments and batch at the speed of a copy",
    "reference": "the float64 training that a loop is held against, step by step, to see that it does the same work",
    "starved": "a process from which other work took the processor; its round is left out and measured again",
    "kernel": "a small computation that every round measures beside the loops, to tell how fast the machine was",
}
"""Word -> what it means on these pages."""

PLACE = Markup("<!-- words -->")
"""Where a template wants the list."""

_PROSE = {"p", "li", "figcaption"}
"""Elements whose text is read as sentences."""
_NOT_IN = {"a", "code", "pre", "script", "style", "svg", "summary", "title", "h1", "h2", "h3", "h4", "button"}
_PARTS = re.compile(r"(<!--.*?-->|<[^>]*>)", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_WORD = re.compile(
    r"(?<![\w-])(" + "|".join(re.escape(word) for word in sorted(WORDS, key=len, reverse=True)) + r")(s?)(?![\w-])",
    re.IGNORECASE,
)


def linked(page: str) -> str:
    """Return a page in which each hard word leads to its meaning from where it stands first in a sentence.

    Args:
        page: HTML with `PLACE` in it, once; without it, the page stays as it is.
    """
    if PLACE not in page:
        return page
    found: dict[str, None] = {}
    open_elements: list[str] = []

    def link(match: re.Match[str]) -> str:
        word = match[1].lower()
        if word in found:
            return match[0]
        found[word] = None
        return f'<a class="word" href="#{_anchor(word)}">{match[0]}</a>'

    parts = []
    for part in _PARTS.split(page):
        if part.startswith("<"):
            _follow(open_elements, part)
        elif _PROSE & set(open_elements) and not _NOT_IN & set(open_elements):
            part = _WORD.sub(link, part)  # noqa: PLW2901
        parts.append(part)
    return "".join(parts).replace(PLACE, _list(list(found)), 1)


def _follow(open_elements: list[str], tag: str) -> None:
    """Keep in mind which of the elements that matter are open."""
    match = _TAG.match(tag)
    name = match[2].lower() if match else ""
    if match is None or name not in _PROSE | _NOT_IN or tag.endswith("/>"):
        return
    if not match[1]:
        open_elements.append(name)
    elif name in open_elements:
        del open_elements[len(open_elements) - 1 - open_elements[::-1].index(name) :]


def _list(words: list[str]) -> str:
    """Return the words with their meanings, in order."""
    if not words:
        return ""
    items = "\n".join(
        f'<dt id="{_anchor(word)}">{escape(word)}</dt><dd>{escape(WORDS[word])}</dd>' for word in sorted(words)
    )
    return f"<h3>Words</h3>\n<dl>\n{items}\n</dl>"


def _anchor(word: str) -> str:
    """Return the name of a word's place on the page."""
    return "word-" + re.sub(r"\W+", "-", word)
