"""The environments that a run compares, from what a user wrote for them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import redaction
from bench.records.cell import Side
from bench.sides import recipe as preparing


def sides_of(
    written: Sequence[str], *, show_values: bool, cache: Path, tell: Callable[[str], None]
) -> tuple[Side, ...]:
    """Make two sides ready, the baseline first.

    Args:
        written: Such as ("ref=main", "here").
        show_values: Whether values that look secret are stored as well.
        cache: Commits and environments are kept here.
        tell: Told what takes long, one line at a time.

    Raises:
        UsageError: If one cannot be read, or cannot be had.
    """
    recipes = [preparing.parse(text, name=name) for name, text in zip("AB", written, strict=True)]
    if show_values:
        redaction.show(value for recipe in recipes for value in recipe.variables.values())
    place = preparing.Place(folder=Path.cwd(), cache=cache, environment=os.environ)
    return tuple(preparing.prepare(recipe, place=place, tell=tell) for recipe in recipes)
