"""In which order cells are started and measured: pure, and the same for the same seed."""

from collections.abc import Sequence
from random import Random

from bench.records import Cell


def start_order(cells: Sequence[Cell], *, seed: int, round_number: int) -> list[Cell]:
    """Return the cells of a round in the order in which they are started, warmed and finished."""
    order = list(cells)
    Random(f"start {seed} {round_number}").shuffle(order)  # noqa: S311 - not for secrets
    return order


def turns(cells: Sequence[Cell], *, blocks: int, seed: int, round_number: int) -> list[Cell]:
    """Return whose block comes when: each cell once in every sweep, each sweep shuffled anew.

    So no cell is always first, and a drift of the machine reaches all of them alike.

    Args:
        cells: The cells of the round.
        blocks: Sweeps, which is measured blocks per trial.
        seed: Of the run.
        round_number: Counted from 0.

    Returns:
        ``blocks * len(cells)`` turns.
    """
    generator = Random(f"turns {seed} {round_number}")  # noqa: S311 - not for secrets
    order: list[Cell] = []
    for _ in range(blocks):
        sweep = list(cells)
        generator.shuffle(sweep)
        order.extend(sweep)
    return order
