"""What a loop is called by people, stored with a run: its source may say something else, or be gone, when it is read.

Only the standard library is imported here, as in all records.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopWords:
    """What a loop's source said of it when it was measured."""

    loop: str
    workload: str
    """A loop may have a body of its own for it."""
    title: str
    """What people call it, such as "plain fit() on JAX"."""
    change: str
    """What to type to have it, from a model that plain `fit()` trains; empty where nobody wrote it down."""
    caution: str = ""
    """What is lost with it, or when it does not pay; likewise."""
