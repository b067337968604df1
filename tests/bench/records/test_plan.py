"""Which cells of a plan belong together."""

from dataclasses import replace

import pytest

from bench.records.cell import AGAIN, CALIBRATION, Side

SIDES = (Side(name="A", description="here"), Side(name="B", description="env=X=1"))


@pytest.fixture
def plan(make_run):
    """Return a plan that compares two loops."""
    return make_run(steps={"tf-fit": 1e-3, "tf-eager": 1e-3}).header.plan


def test_loops_are_compared_with_one_another(plan, make_cell):
    """Whatever else differs makes another group, the repetition included in the one that it repeats."""
    cells = [make_cell("tf-fit"), make_cell("tf-fit", batch_size=64), make_cell("tf-eager"), make_cell(side=AGAIN)]

    groups = plan.groups(cells)

    assert [[cells[0], cells[2], cells[3]], [cells[1]]] == groups


@pytest.mark.parametrize("field", ["workload", "track", "device", "batch_size", "width", "threads"])
def test_every_setting_of_a_cell_keeps_groups_apart(plan, make_cell, field):
    """No two loops are ranked that did other work, or the same work elsewhere."""
    other = {"batch_size": 64, "width": 64, "threads": 3}.get(field, "other")

    assert plan.group_of(make_cell()) != plan.group_of(make_cell(**{field: other}))


def test_sides_are_compared_loop_by_loop(plan, make_cell):
    """Two loops under two environments are two questions."""
    cells = [make_cell(loop, side=side) for loop in ("tf-fit", "tf-eager") for side in ("A", "B")]

    assert [cells[:2], cells[2:]] == replace(plan, sides=SIDES).groups(cells)


def test_a_repetition_repeats_the_first_side(plan, make_cell):
    """And with no sides the cell without any."""
    again = make_cell("tf-fit", side=AGAIN)
    with_sides = replace(plan, sides=SIDES)

    assert (None, "A") == (plan.twin_of(again).side, with_sides.twin_of(again).side)
    assert make_cell("tf-fit", side="B") == with_sides.twin_of(make_cell("tf-fit", side="B"))


def test_a_cell_is_measured_in_the_environment_of_its_side(plan, make_cell):
    """A repetition in that of the first, the kernel in the harness' own."""
    with_sides = replace(plan, sides=SIDES)
    sides = [with_sides.side_of(make_cell(side=name)) for name in ("A", "B", AGAIN, CALIBRATION, None)]

    assert [SIDES[0], SIDES[1], SIDES[0], None, None] == sides
    assert plan.side_of(make_cell()) is None


def test_files_are_those_of_this_machine(make_header, make_cell, monkeypatch):
    """A journal says "~" for the home folder, so that no user's name is published."""
    monkeypatch.setenv("HOME", "/home/somebody")
    plan = replace(make_header([make_cell("toy")]).plan, files=("~/loops/mine.py", "/srv/model.py"))

    assert ("/home/somebody/loops/mine.py", "/srv/model.py") == plan.files_here
