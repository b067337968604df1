"""What a run asks of its processes; nothing is started."""

from dataclasses import replace

import pytest

from bench.records import journal
from bench.runs import options
from bench.runs import session as runs
from bench.sides.launcher import Launcher


@pytest.fixture
def requests(tmp_path, monkeypatch, make_run, make_cell):
    """Return what is asked of a loop, and what of the kernel, where the user fixed steps and images."""
    monkeypatch.setattr(runs, "TrialProcess", lambda request, **_: request)
    run = make_run(cells=[make_cell("numpy", threads=2)], steps={"numpy": 3e-4}, kernel=3e-4)
    plan = replace(run.header.plan, steps=20, images=8, cpus=(3, 4), calibration=options._calibration(threads=2))
    opened = runs.Opened(
        journal=journal.Journal(tmp_path),
        run=replace(run, header=replace(run.header, plan=plan)),
        digits="",
        cache=tmp_path,
    )
    with Launcher(interpreters={}, environment={}) as launcher:
        return [
            runs._launch(cell, round_number=0, blocks=30, breakdown=breakdown, opened=opened, launcher=launcher)
            for cell, breakdown in ((plan.cells[0], False), (plan.calibration, False), (plan.cells[0], True))
        ]


def test_the_kernel_is_sized_by_time_whatever_the_user_asked_of_the_loops(requests):
    """In fewer blocks, on as many threads and the same CPUs; it draws nothing."""
    loop, kernel, _ = requests

    assert (20, 8, 2) == (loop.steps, loop.images, loop.threads)
    assert (None, 0, 2) == (kernel.steps, kernel.images, kernel.threads)
    assert (30, options.KERNEL_BLOCKS) == (loop.blocks, kernel.blocks)
    assert loop.cpus == kernel.cpus == (3, 4)


def test_the_process_that_leaves_parts_out_draws_nothing(requests):
    """It has learnt nothing worth seeing."""
    loop, _, beside = requests

    assert (False, True) == (loop.breakdown, beside.breakdown)
    assert 0 == beside.images


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
