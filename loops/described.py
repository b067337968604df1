"""What is known of loops and workloads before any of them is imported."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What can be said about a loop or a workload without importing it."""

    name: str
    target: str
    """ "module:Class", or "path:Class" in a user's file."""
    summary: str
    """First line of the module's docstring, or of the class' where the module holds several."""
    backend: str | None
    """A loop's framework; None for a workload."""
    kind: str
    """A workload's kind, "supervised" or "adversarial"."""
    requires: str
    """What a loop asks for beyond its framework, as pip would write it; nothing for most."""
    needs_gpu: bool
    sha256: str
    """Of the source file, and of the C++ file beside it if there is one: numbers of different sources are different
    things."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """What has to be known of a workload to plan a run."""

    name: str
    kind: str
    """"supervised" or "adversarial"."""
    batch_size: int
    """Unless the user asks for another size."""
    training_samples: int | None
    """None where only its arrays tell."""
    hidden_units: int | None = None
    """Of each hidden layer; None where a width cannot be chosen."""
