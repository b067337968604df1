"""In which order cells are started and measured: pure, and the same for the same seed."""

from collections.abc import Mapping, Sequence
from random import Random

from bench.records import Cell


def start_order(cells: Sequence[Cell], *, seed: int, round_number: int) -> list[Cell]:
    """Return the cells of a round in the order in which they are started, warmed and finished."""
    order = list(cells)
    Random(f"start {seed} {round_number}").shuffle(order)  # noqa: S311 - not for secrets
    return order


def turns(blocks: Mapping[Cell, int], *, seed: int, round_number: int) -> list[Cell]:
    """Return whose block comes when: sweep after sweep, each shuffled anew.

    So no cell is always first, and a drift of the machine reaches all of them alike. A cell with as many blocks as
    there are sweeps is in each of them, one with fewer in every second or third, from beginning to end.

    Args:
        blocks: Measured blocks of each cell of the round; the largest number is that of the sweeps.
        seed: Of the run.
        round_number: Counted from 0.
    """
    generator = Random(f"turns {seed} {round_number}")  # noqa: S311 - not for secrets
    order: list[Cell] = []
    sweeps = max(blocks.values(), default=0)
    for number in range(sweeps):
        sweep = [cell for cell, count in blocks.items() if (number + 1) * count // sweeps > number * count // sweeps]
        generator.shuffle(sweep)
        order.extend(sweep)
    return order
