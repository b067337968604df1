"""What a run asks of its processes; nothing is started."""

from dataclasses import replace

import pytest

from bench.records import journal
from bench.runs import launch as launching
from bench.runs import options
from bench.runs.opened import Opened
from bench.sides.launcher import Launcher


@pytest.fixture
def requests(tmp_path, monkeypatch, make_run, make_cell):
    """Return what is asked of a loop, and what of the kernel, where the user fixed steps and images."""
    monkeypatch.setattr(launching, "TrialProcess", lambda request, **_: request)
    run = make_run(cells=[make_cell("numpy", threads=2)], steps={"numpy": 3e-4}, kernel=3e-4)
    plan = replace(run.header.plan, steps=20, images=8, cpus=(3, 4), calibration=options._calibration(threads=2))
    opened = Opened(
        journal=journal.Journal(tmp_path),
        run=replace(run, header=replace(run.header, plan=plan)),
        digits="",
        cache=tmp_path,
    )
    with Launcher(interpreters={}, environment={}) as launcher:
        return [
            launching.launch(cell, round_number=0, blocks=30, breakdown=breakdown, opened=opened, launcher=launcher)
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
