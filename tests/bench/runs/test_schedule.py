"""Orders are shuffled, fair and repeatable."""

from bench.runs import schedule


def test_every_sweep_measures_each_cell_once(make_cell):
    """So a drift within the round reaches all cells alike."""
    cells = [make_cell(f"loop-{number}") for number in range(4)]

    order = schedule.order(dict.fromkeys(cells, 10), seed=3, round_number=0)

    sweeps = [order[start : start + 4] for start in range(0, 40, 4)]
    assert all(set(cells) == set(sweep) for sweep in sweeps)


def test_a_cell_with_few_blocks_has_them_from_beginning_to_end(make_cell):
    """Slow steps make fewer blocks, and a drift is to reach those as well."""
    quick, slow = make_cell("quick"), make_cell("slow")

    order = schedule.order({quick: 40, slow: 10}, seed=3, round_number=0)

    quarters = [order[start : start + 5] for start in range(0, 50, 5)]
    assert all((quarter.count(quick), quarter.count(slow)) == (4, 1) for quarter in quarters)


def test_a_cell_without_blocks_has_no_turn(make_cell):
    """As when it ended in the warm-up."""
    assert schedule.order({}, seed=0, round_number=0) == []


def test_sweeps_differ_from_one_another(make_cell):
    """No cell is always measured after the same neighbour."""
    cells = [make_cell(f"loop-{number}") for number in range(4)]

    order = schedule.order(dict.fromkeys(cells, 10), seed=3, round_number=0)

    assert len({tuple(order[start : start + 4]) for start in range(0, 40, 4)}) > 5


def test_same_seed_gives_the_same_order(make_cell):
    """A run can be repeated as it was."""
    cells = [make_cell(f"loop-{number}") for number in range(5)]

    first = schedule.order(dict.fromkeys(cells, 3), seed=7, round_number=2)

    assert first == schedule.order(dict.fromkeys(cells, 3), seed=7, round_number=2)


def test_rounds_start_their_cells_in_different_orders(make_cell):
    """The first to start is not always the same."""
    cells = [make_cell(f"loop-{number}") for number in range(5)]

    orders = {tuple(schedule.start_order(cells, seed=0, round_number=number)) for number in range(6)}

    assert len(orders) > 3
