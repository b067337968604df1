"""What is said before a run starts."""

from dataclasses import replace

import pytest

from bench.runs import session as runs


@pytest.mark.parametrize(
    ("settings", "available", "told"),
    [
        ({}, 1399, "2 processes alive at a time may need 1,400 MiB of memory, and 1,399 MiB are available"),
        ({}, 1400, None),
        ({"breakdown": True}, 1400, "4 processes alive at a time may need 2,800 MiB"),
        ({"schedule": "sequential"}, 10, None),
    ],
)
def test_too_many_processes_for_the_memory_are_told_before_they_start(make_run, make_cell, settings, available, told):
    """Those of one group live together, with one more for each where parts are left out."""
    plan = make_run(cells=[make_cell("numpy"), make_cell("tf-fit"), make_cell("numpy", batch_size=64)]).header.plan

    found = list(runs._crowding(replace(plan, **settings), available_mebibytes=available))

    assert found == [] if told is None else found[0].startswith(told)
