"""Orders are shuffled, fair and repeatable."""

from bench import schedule


def test_every_sweep_measures_each_cell_once(make_cell):
    """So a drift within the round reaches all cells alike."""
    cells = [make_cell(f"loop-{number}") for number in range(4)]

    order = schedule.turns(cells, blocks=10, seed=3, round_number=0)

    sweeps = [order[start : start + 4] for start in range(0, 40, 4)]
    assert all(set(cells) == set(sweep) for sweep in sweeps)


def test_sweeps_differ_from_one_another(make_cell):
    """No cell is always measured after the same neighbour."""
    cells = [make_cell(f"loop-{number}") for number in range(4)]

    order = schedule.turns(cells, blocks=10, seed=3, round_number=0)

    assert len({tuple(order[start : start + 4]) for start in range(0, 40, 4)}) > 5


def test_same_seed_gives_the_same_order(make_cell):
    """A run can be repeated as it was."""
    cells = [make_cell(f"loop-{number}") for number in range(5)]

    first = schedule.turns(cells, blocks=3, seed=7, round_number=2)

    assert first == schedule.turns(cells, blocks=3, seed=7, round_number=2)


def test_rounds_start_their_cells_in_different_orders(make_cell):
    """The first to start is not always the same."""
    cells = [make_cell(f"loop-{number}") for number in range(5)]

    orders = {tuple(schedule.start_order(cells, seed=0, round_number=number)) for number in range(6)}

    assert len(orders) > 3
