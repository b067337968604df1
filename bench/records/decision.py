"""What a gate decided, as pages of its runs tell it; the verdict file is for the job that runs the gate."""

from dataclasses import dataclass
from typing import Literal

SCHEMA = "bench-decision/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """One gate's answer, in words."""

    word: Literal["PASSED", "FAILED", "UNCLEAR"]
    sentence: str
    """Why, with the loops."""
    base: str
    head: str
    anchor: str | None
    budgets: tuple[str, ...]
    """How much slower each loop may be: one entry for all, or one for each."""
    runs: tuple[str, ...]
    """Ids of what was measured: one run, and against a stored run those fresh rounds that confirm."""
    comment: str
    """Markdown for the pull request."""
    schema: str = SCHEMA
