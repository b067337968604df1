"""Short tables of text, aligned for a terminal or in Markdown. The report's own tables are pandas'."""

from collections.abc import Sequence

from bench.markdown import plain


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
