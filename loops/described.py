"""What is known of loops and workloads before any of them is imported."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from loops.errors import InvalidSource
from loops.source import SourceFile

MOST_LETTERS = 200
"""Of what is said about a loop in a sentence or a cell of a table."""

PLAIN = "nothing"
"""What is to be typed to have plain `fit()`."""


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
    title: str = ""
    """What people call a loop; empty where its source does not say."""
    change: str = ""
    """What to type to have a loop, from a model that plain `fit()` trains; likewise."""
    caution: str = ""
    """What is lost with a loop, or when it does not pay; likewise."""
    sha256: str
    """Of the source file, and of the C++ file beside it if there is one: numbers of different sources are different
    things."""

    @property
    def is_plain_fit(self) -> bool:
        """Whether a loop is what people have before they change anything."""
        return self.change == PLAIN


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


def described(path: Path, *, name: str, module: str, attribute: str) -> Description:
    """Return what the source of a loop or a workload says, read as text.

    Args:
        path: Of the source file.
        name: Under which it is registered.
        module: Or the path of a user's file.
        attribute: The class; empty where two functions are the workload.

    Raises:
        InvalidSource: If it is not Python.
    """
    content = path.read_bytes()
    try:
        source = SourceFile(content, folder=path.parent)
    except SyntaxError as error:
        raise InvalidSource.unparsable(str(path), error) from error
    backend = source.constant(attribute, "backend")
    return Description(
        name=name,
        target=f"{module}:{attribute}",
        summary=source.summary(attribute),
        backend=None if backend is None else str(backend),
        kind=str(source.constant(attribute, "kind") or "supervised"),
        requires=str(source.constant(attribute, "requires") or ""),
        needs_gpu=bool(source.constant(attribute, "needs_gpu")),
        title=_words(source.constant(attribute, "title")),
        change=_words(source.constant(attribute, "change")),
        caution=_words(source.constant(attribute, "caution")),
        sha256=hashlib.sha256(content + _kernels(path)).hexdigest(),
    )


def saved_model(path: Path, *, name: str, target: str) -> Description:
    """Return what is known of a saved model without loading it."""
    return Description(
        name=name,
        target=target,
        summary=f"A saved model, {path.name}",
        backend=None,
        kind="supervised",
        requires="",
        needs_gpu=False,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _words(value: str | int | None) -> str:
    """Return a text on one line, cut where it is no name any more; nothing where something else stands there."""
    words = " ".join(value.split()) if isinstance(value, str) else ""
    return words if len(words) <= MOST_LETTERS else f"{words[: MOST_LETTERS - 3]}..."


def _kernels(path: Path) -> bytes:
    """Return the C++ of the same name, which is part of a loop as much as its Python is."""
    kernels = path.with_suffix(".cpp")
    return kernels.read_bytes() if kernels.exists() else b""
