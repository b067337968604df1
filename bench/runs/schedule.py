"""In which order cells are started and measured: pure, and the same for the same seed."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

from bench.records.cell import Cell

Seat = TypeVar("Seat")
"""Whatever takes turns."""


def start_order(cells: Sequence[Cell], *, seed: int, round_number: int) -> list[Cell]:
    """Return the cells of a round in the order in which they are started, warmed and finished."""
    order = list(cells)
    Random(f"start {seed} {round_number}").shuffle(order)  # noqa: S311 - not for secrets
    return order


def order(turns: Mapping[Seat, int], *, seed: int, round_number: int) -> list[Seat]:
    """Return whose turn comes when: sweep after sweep, each shuffled anew.

    So nobody is always first, and a drift of the machine reaches all of them alike. Who has as many turns as there are
    sweeps is in each of them, who has fewer in every second or third, from beginning to end.

    Args:
        turns: Of each process of the round; the largest number is that of the sweeps.
        seed: Of the run.
        round_number: Counted from 0.
    """
    generator = Random(f"turns {seed} {round_number}")  # noqa: S311 - not for secrets
    found: list[Seat] = []
    sweeps = max(turns.values(), default=0)
    for number in range(sweeps):
        sweep = [seat for seat, count in turns.items() if (number + 1) * count // sweeps > number * count // sweeps]
        generator.shuffle(sweep)
        found.extend(sweep)
    return found
