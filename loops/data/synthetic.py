"""Draw digits that stand in for MNIST where it cannot be had: same shapes, dtypes and classes, learnable, not trivial.

Each class has a few glyphs, written below as pen strokes. Shaking their points gives a bank of shapes, each kept as the
distance to the nearest stroke; a sample looks one shape up through its own shift, scale, slant, bend and stroke width.
Pixels come from + - * / and square roots only, which IEEE 754 rounds alike on every machine: one seed, one SHA-256.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_TRAIN: Final = 60_000
_TEST: Final = 10_000
_SIDE: Final = 28
"""Pixels along an image side, as in MNIST."""

_STROKES: Final = """
0: 50 30 24 26 39 59 76 74 60 50 40
0: 60 40 23 27 39 59 77 73 50 40
1: 50 50 59 59
1: 32 50 50 59
1: 33 50 50 59 / 39 69
2: 22 30 60 72 65 29 29 79
2: 22 40 70 73 56 28 27 47 69 78
3: 21 40 70 73 44 44 75 78 59 38 27
3: 20 70 70 44 44 76 79 49 28
4: 30 25 25 75 / 61 69
4: 60 60 26 26 76 / 62 59
5: 70 30 30 24 24 64 77 69 39 28
5: 31 34 34 63 77 69 28 / 30 70
6: 60 32 26 39 59 78 75 54 26
6: 50 23 27 39 69 76 55 36
7: 20 70 70 49
7: 21 71 71 58 49 / 35 65
8: 62 50 30 23 45 76 69 49 28 35 63 71 50
8: 40 31 33 54 76 69 39 27 46 63 61 40
9: 72 50 30 24 46 64 72 72 69
9: 62 40 23 35 55 72 72 68 59 38
"""
"""Class, then strokes as points "xy" on a 10 x 10 grid, y down; "/" lifts the pen, a point given twice is a corner."""

_SHAPES_PER_GLYPH: Final = 24
_SHAKE: Final = 0.75
"""Largest move of a stroke's point, in grid units."""
_CUTS: Final = 4
"""Rounds of corner cutting; each about doubles the points, until they lie closer together than a stroke is wide."""
_CELLS_PER_UNIT: Final = 4
"""Cells of a stored shape per grid unit; about two cells make a pixel."""
_FIELD: Final = 56
"""Cells along a stored shape's side: a shaken glyph needs 10.5 units = 42 cells, which leaves a margin of 7."""
_STEPS_PER_CELL: Final = 16
"""How finely distance is stored: the 255 steps of a byte are 16 cells."""
_REACHES: Final = np.arange(43, 86, 3)
"""Where the ink of each stroke width ends, in steps from the middle of the stroke; less than the margin's 7 cells."""
_EDGE: Final = 30
"""Steps over which ink fades."""
_ROUGH: Final = 16
"""Largest random error of a pixel's distance, in steps: it makes the edges rough."""
_CHUNK: Final = 250
"""Samples drawn together: few enough for what lies between two operations to stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bank:
    """What samples are looked up in."""

    distances: NDArray[np.uint8]
    """Steps from each cell to the nearest stroke, (shapes * cells * cells,), class by class."""
    first: NDArray[np.int32]
    """Number of each class's first shape, (10,)."""
    count: NDArray[np.int32]
    """Shapes of each class, (10,)."""
    ink: NDArray[np.uint8]
    """Pixel value by stroke width and distance, (widths, 256 + rough)."""


def draw(*, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Draw 60 000 training and 10 000 test digits.

    Args:
        seed: Not negative; equal seeds give equal bytes.

    Returns:
        x_train (60000, 28, 28), y_train (60000,), x_test (10000, 28, 28) and y_test (10000,). Each class makes up a
        tenth of either part.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    bank = _draw_bank(generator)
    arrays: dict[str, NDArray[np.uint8]] = {}
    for part, count in (("train", _TRAIN), ("test", _TEST)):
        labels = generator.permutation(np.repeat(np.arange(10, dtype=np.uint8), count // 10))
        images = np.empty((count, _SIDE, _SIDE), dtype=np.uint8)
        for start in range(0, count, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            images[chunk] = _draw_images(generator, labels[chunk], bank=bank)
        arrays |= {f"x_{part}": images, f"y_{part}": labels}
    return arrays


def _draw_bank(generator: np.random.Generator) -> _Bank:
    """Shake the glyphs of every class into shapes."""
    distances = []
    count = np.zeros(10, dtype=np.int32)
    for line in _STROKES.strip().splitlines():
        label, strokes = line.split(": ")
        count[int(label)] += _SHAPES_PER_GLYPH
        glyph = [
            np.array([[int(place) for place in point] for point in stroke.split()]) for stroke in strokes.split(" / ")
        ]
        distances += [_draw_shape(generator, glyph) for _ in range(_SHAPES_PER_GLYPH)]
    ink = np.clip(_REACHES[:, None] - np.arange(256 + _ROUGH), 0, _EDGE) * 255 // _EDGE
    return _Bank(
        distances=np.concatenate(distances, axis=None),
        first=(np.cumsum(count) - count).astype(np.int32),
        count=count,
        ink=ink.astype(np.uint8),
    )


def _draw_shape(generator: np.random.Generator, glyph: list[NDArray[np.int64]]) -> NDArray[np.uint8]:
    """Return the distance from each cell to the nearest stroke of the shaken and centred glyph, (cells, cells)."""
    shaken = [stroke + _SHAKE * (2 * generator.random(stroke.shape) - 1) for stroke in glyph]
    points = np.concatenate([_cut_corners(stroke) for stroke in shaken])  # (points, 2)
    points = (points - (points.min(axis=0) + points.max(axis=0)) / 2) * _CELLS_PER_UNIT
    places = np.arange(_FIELD) - (_FIELD - 1) / 2
    across, down = ((places - points[:, axis, None]) ** 2 for axis in (0, 1))  # (points, cells) each
    squares: NDArray[np.float64] = (down[:, :, None] + across[:, None, :]).min(axis=0)
    steps: NDArray[np.float64] = np.sqrt(squares) * _STEPS_PER_CELL
    return np.minimum(steps, 255).astype(np.uint8)


def _cut_corners(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round a stroke, (points, 2), as Chaikin does: each edge keeps its middle half; the ends stay where they are."""
    for _ in range(_CUTS):
        start, end = points[:-1], points[1:]
        halves = np.stack([0.75 * start + 0.25 * end, 0.25 * start + 0.75 * end], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], halves, points[-1:]])
    return points


def _draw_images(generator: np.random.Generator, labels: NDArray[np.uint8], *, bank: _Bank) -> NDArray[np.uint8]:
    """Return one image per label, (labels, 28, 28)."""
    count = len(labels)

    def vary(middle: float, spread: float) -> NDArray[np.float64]:
        """Return a number for each sample, (labels, 1): near-normal without tails, as two uniform ones added up are."""
        return middle + spread * (generator.random((count, 1)) + generator.random((count, 1)) - 1)

    # A pixel's cell, counted from the shape's centre, is what its row adds plus what its column adds.
    pixel = np.arange(_SIDE) - (_SIDE - 1) / 2  # (28,)
    across = _add_up(
        vary(0.3, 0.7) * pixel + vary(0, 0.04) * pixel**2 + vary(0, 5),  # slant, bend, shift
        vary(2.0, 0.7) * pixel,  # scale
    )
    down = _add_up(
        vary(2.1, 0.4) * pixel,
        vary(0, 0.45) * pixel + vary(0, 0.03) * pixel**2 + vary(0, 4),
    )
    shape = bank.first[labels] + (generator.random(count) * bank.count[labels]).astype(np.int32)
    width = generator.integers(0, len(_REACHES), size=count, dtype=np.int32)
    rough = generator.integers(0, _ROUGH, size=across.shape, dtype=np.uint8)
    distance = bank.distances.take(shape[:, None, None] * _FIELD**2 + down * _FIELD + across)
    images: NDArray[np.uint8] = bank.ink.take(width[:, None, None] * bank.ink.shape[1] + distance + rough)
    return images


def _add_up(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.int32]:
    """Add rows and columns, (labels, 28) each, to cell numbers (labels, 28, 28); those outside become the margin."""
    fraction = 16  # binary places; fixed point needs no rounding per pixel, which makes it fast
    fixed_rows = ((rows + _FIELD / 2) * 2**fraction).astype(np.int32)
    fixed_columns = (columns * 2**fraction).astype(np.int32)
    cells: NDArray[np.int32] = (fixed_rows[:, :, None] + fixed_columns[:, None, :]) >> fraction
    return cells.clip(0, _FIELD - 1)
