"""Pages of several runs: one style, no script, pictures that take the page's colours.

render      a template of any room that extends `base.html.j2`
"""

from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bench.report import glossary, svg

FONT = 14
"""Pixels, in pictures too."""

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, *, templates: Path = _TEMPLATES, **values: Any) -> str:
    """Return a page.

    Args:
        template: Name of its file.
        templates: Folder of that file; what it extends lies here.
        values: What it is filled with; text is escaped, `Markup` is not.
    """
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(_TEMPLATES)]),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = environment.get_template(template).render(
        words_place=glossary.PLACE, light=svg.COLOURS, dark=svg.DARK, font=FONT, **values
    )
    return glossary.linked(text)
