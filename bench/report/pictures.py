"""What generators drew after training, as one small grid per loop; written and shown only when it was asked for."""

import io
from base64 import b64decode, b64encode
from dataclasses import dataclass

import matplotlib.image
import numpy as np

from bench.report.model import GroupReport
from bench.report.wording import display_name

_SIDE = 28
"""Pixels of one image."""
_COLUMNS = 8
_ENLARGED = 3
"""Screen pixels for each of the image's, so that a browser does not blur them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """The images of one loop."""

    name: str
    """File name without its ending."""
    loop: str
    sentence: str
    """What can be said about it to somebody who does not see it."""
    png: bytes

    @property
    def address(self) -> str:
        """The picture as a `data:` address, so that the page needs no second file."""
        return f"data:image/png;base64,{b64encode(self.png).decode()}"


def draw(group: GroupReport, *, suffix: str) -> tuple[Picture, ...]:
    """Return one picture for each loop that has images.

    Args:
        group: What to show.
        suffix: Ends each picture's name, to tell the groups of a report apart.
    """
    pictures = []
    for number, cell in enumerate(group.cells, start=1):
        if cell.work.images is not None:
            images = np.frombuffer(b64decode(cell.work.images), np.uint8).reshape(-1, _SIDE, _SIDE)
            loop = display_name(cell.cell.name)
            steps = "n/a" if cell.work.steps is None else cell.work.steps
            pictures.append(
                Picture(
                    name=f"images-{suffix}-{number}",
                    loop=loop,
                    sentence=f"{len(images)} images that the generator of {loop} drew after about {steps} steps.",
                    png=_grid(images),
                )
            )
    return tuple(pictures)


def _grid(images: "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]") -> bytes:
    """Return a PNG of images side by side, rows of `_COLUMNS`; a row that is not full ends in black."""
    rows = -(-len(images) // _COLUMNS)
    padded = np.zeros((rows * _COLUMNS, _SIDE, _SIDE), np.uint8)
    padded[: len(images)] = images
    grid = padded.reshape(rows, _COLUMNS, _SIDE, _SIDE).swapaxes(1, 2).reshape(rows * _SIDE, _COLUMNS * _SIDE)
    buffer = io.BytesIO()
    # As red, green and blue: a colour map would round some of the 256 greys to their neighbours.
    enlarged = np.kron(grid[..., np.newaxis], np.ones((_ENLARGED, _ENLARGED, 3), np.uint8))
    matplotlib.image.imsave(buffer, enlarged, format="png", metadata={"Software": ""})
    return buffer.getvalue()
