"""Text that Markdown shows as it is: names and messages come from other people's code."""

import re

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
