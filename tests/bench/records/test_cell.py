"""Names of cells and of the environments that they are measured in."""

import pytest

from bench.records.cell import AGAIN, Side


def test_a_cell_is_called_like_its_loop_among_loops_and_by_its_side_among_sides(make_cell):
    """Whatever it is compared with has the rest in common."""
    assert ("tf-fit", "tf-fit [A]") == (make_cell("tf-fit").name, make_cell("tf-fit", side="A").name)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "tf-fit-mnist-mlp-matched-cpu-b32"),
        ({"width": 64, "threads": 2}, "tf-fit-mnist-mlp-matched-cpu-b32-w64-t2"),
        ({"side": AGAIN, "track": "guide", "device": "gpu"}, "tf-fit-mnist-mlp-guide-gpu-b32-again"),
    ],
)
def test_the_name_of_a_log_tells_every_setting_that_was_chosen(make_cell, fields, text):
    """Two cells of a run never write into one file."""
    assert text == str(make_cell("tf-fit", **fields))


@pytest.mark.parametrize(
    ("fields", "unchanged"),
    [
        ({}, True),
        ({"python_path": ("/project",), "facts": {"python": "3.11"}}, True),
        ({"interpreter": "/usr/bin/python3"}, False),
        ({"variables": {"A": "1"}}, False),
        ({"facts": {"commit": "abc"}}, False),
    ],
)
def test_a_side_that_changes_nothing_is_the_environment_of_the_harness(fields, unchanged):
    """What was checked there before need not be checked again."""
    assert unchanged is Side(name="A", description="here", **fields).changes_nothing


def test_a_side_is_named_with_what_the_user_wrote():
    """Errors begin with it."""
    assert "side A (ref=main)" == str(Side(name="A", description="ref=main"))
