"""Variables of the environment that are called like ours and are not: a mistyped one has no effect, in silence."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

import click

PREFIX = "BENCH_"
OTHERS = ("BENCH_CACHE_DIR", "BENCH_STATE_DIR", "BENCH_FILES", "BENCH_COMMIT_TREE")
"""Ours without being an option: where things are kept, and what processes are told."""
VALUES = "BENCH_VALUE_"
"""Begins variables whose ends are the user's: values that are not stored."""


def remarks(environment: Mapping[str, str], *, commands: Iterable[click.Command]) -> Iterator[str]:
    """Yield a line for each variable that nothing reads, with the nearest that something does.

    Args:
        environment: To look through.
        commands: All of them: what another one reads may be set for several.
    """
    known = {*OTHERS, *(name for command in commands for name in _read_by(command))}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not name.startswith(VALUES):
            short = {one.removeprefix(PREFIX): one for one in known}  # what all have in common makes nothing alike
            nearest = get_close_matches(name.removeprefix(PREFIX), short, n=1)
            hint = f"; did you mean {short[nearest[0]]}?" if nearest else ""
            yield f"note: {name} is set, and nothing here reads it{hint}"


def _read_by(command: click.Command) -> Collection[str]:
    """Return the variables that set a command's options."""
    return [
        name
        for parameter in command.params
        if parameter.envvar
        for name in ([parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar)
    ]
