"""Text that people read: short tables for a terminal or in Markdown, and words that Markdown shows as they are.

The report's own tables are pandas'.
"""

import re
from collections.abc import Mapping, Sequence


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line per row in columns of equal width; nothing is padded at the end of a line."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return [line.rstrip() for line in padded]


def piped(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table in Markdown; whatever the cells hold, none ends a cell or opens an element."""
    lines = [header, ["---"] * len(header), *([plain(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, in a paragraph as in a table cell; plain `code` stays code."""
    parts = re.split(r"(`[\w ./-]+`)", " ".join(text.split()))
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


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as aligned columns under their names; the last column is not padded."""
    header = list(rows[0])
    return "\n".join(aligned(header, [[row[name] for name in header] for row in rows]))
