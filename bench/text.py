"""Text that people read: short tables for a terminal or in Markdown, and words that are shown as they are.

Names come from other people's code and files. Here is the only place where they are made harmless:

    display_name       for a terminal, a page, a plot: no escapes, no line breaks, no change of direction
    lines_of           the same for text of several lines
    is_harmless        whether such text needs nothing of it
    plain              for Markdown: no markup either
    without_formula    for CSV: nothing that a spreadsheet runs
    tex                for LaTeX: no command, no mathematics

The report's own tables are pandas'.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell begins with that spreadsheets run, the wide forms included. Source: OWASP, "CSV injection"."""


def display_name(name: str) -> str:
    """Return a name that cannot disturb the text around it.

    Control and direction-override characters become U+FFFD; a right-to-left name is isolated, so that the numbers
    beside it stay where they are. A name that was made harmless once stays as it is.
    """
    if name.isascii() and name.isprintable():
        return name
    bare = name
    if name.startswith(_ISOLATE) and name.endswith(_END_OF_ISOLATE):
        bare = name[1:-1]
    shown = "".join("\N{REPLACEMENT CHARACTER}" if _disturbs(character) else character for character in bare)
    if any(unicodedata.bidirectional(character) in ("R", "AL") for character in shown):
        return f"{_ISOLATE}{shown}{_END_OF_ISOLATE}"
    return shown


def lines_of(text: str) -> str:
    """Return text of several lines in which only the line breaks are left of what `display_name` takes out."""
    return "\n".join(display_name(line.replace("\t", "    ")) for line in text.split("\n"))


def is_harmless(text: str) -> bool:
    """Whether text of several lines holds nothing that names are rid of, such as escapes, on their way into it."""
    return not any(_disturbs(character) for character in text if character not in f"\n{_ISOLATE}{_END_OF_ISOLATE}")


def without_formula(text: str) -> str:
    """Return what a spreadsheet shows as text; what it would run begins with an apostrophe.

    >>> without_formula("=HYPERLINK(1)"), without_formula("tf-eager")
    ("'=HYPERLINK(1)", 'tf-eager')
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _disturbs(character: str) -> bool:
    """Return whether a character is a control, a line break, a direction mark, half a pair, or barred from XML."""
    if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") or character in "\ufffe\uffff":
        return True
    return unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


_ISOLATE, _END_OF_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line per row in columns of equal width; nothing is cut, or padded at the end of a line."""
    lines = [[display_name(cell) for cell in line] for line in (header, *rows)]
    widths = [max(places_of(line[column]) for line in lines) for column in range(len(header))]
    padded = (
        "  ".join(cell + " " * (width - places_of(cell)) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return [line.rstrip() for line in padded]


def places_of(text: str) -> int:
    """Return how many places a terminal gives to a text: two to a wide character, none to an accent or a mark."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - most tables have no use for it

    return cell_len(text)


def piped(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table in Markdown; whatever the cells hold, none ends a cell or opens an element."""
    lines = [[plain(cell) for cell in header], ["---"] * len(header), *([plain(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, in a paragraph as in a table cell; plain `code` stays code."""
    parts = re.split(r"(`[\w ./()=,:-]+`)", display_name(" ".join(text.split())))
    parts[::2] = [_escape_markdown(part) for part in parts[::2]]
    # Only a number, dash or plus at the beginning could be taken for a list item.
    return re.sub(r"^(\d+)([.)])(?=\s|$)|^([-+=])(?=\s|$)", _escape_item, "".join(parts))


def _escape_markdown(text: str) -> str:
    """Return text without any character that Markdown, HTML or GitHub would act on."""
    text = re.sub(r"([\\`*_\[\]|~$#])", r"\\\1", text)
    return re.sub(r"[&<>@]", lambda match: _ENTITIES[match[0]], text)


def _escape_item(match: re.Match[str]) -> str:
    """Return the beginning of a list item with its mark escaped."""
    return f"{match[1] or ''}\\{match[2] or match[3]}"


_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': "''",
    "±": r"\(\pm\)",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}
"""Letters that TeX reads as something else, or that its usual fonts lack."""


def tex(text: str) -> str:
    r"""Return text that LaTeX shows as it is, on one line; it can neither end a cell nor begin a command.

    >>> print(tex("50 % of a_b"), tex("\\input{x}"))
    50 \% of a\_b \textbackslash{}input\{x\}
    """
    return "".join(_TEX.get(letter, letter) for letter in display_name(" ".join(text.split())))


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as aligned columns under their names; the last column is not padded."""
    header = list(rows[0])
    return "\n".join(aligned(header, [[row[name] for name in header] for row in rows]))


def columns_of(environment: Mapping[str, str]) -> int | None:
    """Return the width of a terminal that says it has none, as some jobs of CI do: 80; None where it can be asked.

    >>> columns_of({"COLUMNS": "0"}), columns_of({"COLUMNS": "200"}), columns_of({})
    (80, None, None)
    """
    return 80 if environment.get("COLUMNS", "").strip() == "0" else None
