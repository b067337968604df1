"""Samples that hold text, which only TensorFlow has tensors for."""

from loops.contract import Samples
from loops.errors import UnsupportedCell
from loops.nested import leaves


def refuse_text(samples: Samples, *, framework: str) -> None:
    """Refuse samples that hold text.

    Raises:
        UnsupportedCell: If one of the inputs does.
    """
    if any(leaf.dtype.kind in "US" for leaf in leaves(samples.inputs)):
        raise UnsupportedCell(
            f"{framework} has no tensors of text; give it numbers, for example what TextVectorization makes of the text"
        )
