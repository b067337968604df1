"""What earlier versions of the schema wrote, said in the words of today's.

    version 1    a line "floor" with its own workload, batch size and width is now "least-step", and says which track
                 it is of: a step of the same arithmetic takes the same on each

A journal is never rewritten: its lines are upgraded whenever they are read.
"""

from collections.abc import Collection
from typing import Any

OLDEST = 1
"""Version that can still be read."""

Line = dict[str, Any]


def upgraded(line: Line, *, version: int, tracks: Collection[str]) -> list[Line]:
    """Return the lines that an earlier version would write today for one of its own.

    Args:
        line: As it was decoded.
        version: Of the schema that it was written in.
        tracks: That the run measured.
    """
    if version == OLDEST and line.get("kind") == "floor":
        floor = line.get("floor")
        if isinstance(floor, dict):
            return [{"kind": "least-step", "least_step": {**floor, "track": track}} for track in tracks]
    return [line]
