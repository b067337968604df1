"""What a stored run says of itself."""

from dataclasses import replace

import pytest

from bench.records.cell import AGAIN
from bench.records.verification import Expectation


def test_arithmetic_and_memory_may_overlap(make_least_step):
    """So the larger of the two is the floor."""
    both = make_least_step()

    assert (pytest.approx(1e-4), pytest.approx(2e-4)) == (both.arithmetic_seconds, both.memory_seconds)
    assert both.memory_seconds == both.step_seconds


def test_the_best_of_all_ceilings_counts(make_run, make_least_step):
    """Measured before the run and after it: whatever disturbed the machine made one of them too low."""
    run = make_run(steps={"tf-eager": 8e-3})
    before, after = make_least_step(bytes_per_second=1e9), make_least_step(operations_per_second=1e12)

    found = replace(run, least_steps=(before, after)).least_step_of(run.header.plan.cells[0])

    assert max(before.bytes_per_second, after.bytes_per_second) == found.bytes_per_second
    assert 1e12 == found.operations_per_second


def test_the_least_step_is_arithmetic_where_memory_is_fast(make_least_step):
    """The larger of the two, whichever it is."""
    floor = make_least_step(bytes_per_second=1e12)

    assert floor.arithmetic_seconds == floor.step_seconds


def test_a_run_is_complete_only_if_its_end_says_so(make_run):
    """A killed parent has written none, an interrupted one that it is not."""
    run = make_run(rounds=2)

    ends = [run.end, None, replace(run.end, complete=False)]

    assert [True, False, False] == [replace(run, end=end).complete for end in ends]


@pytest.mark.parametrize(("settings", "expected"), [({}, 6), ({"precision": 0.01}, 3), ({"time_budget": 10.0}, 3)])
def test_rounds_that_precision_or_time_decides_are_counted(make_run, settings, expected):
    """Those that were begun: three of the six at hand."""
    run = make_run(rounds=6, finished_rounds=3)
    plan = replace(run.header.plan, **settings)

    assert expected == replace(run, header=replace(run.header, plan=plan)).planned_rounds


def test_nothing_was_begun_without_a_trial(make_run):
    """Not even a first round."""
    run = make_run(rounds=6, finished_rounds=0)
    plan = replace(run.header.plan, precision=0.01)

    assert 0 == replace(run, header=replace(run.header, plan=plan)).planned_rounds


def test_a_check_holds_for_every_size_of_its_loop_and_for_its_repetition(make_run, make_cell):
    """A loop is checked at the workload's own batch size and width."""
    run = make_run(steps={"tf-fit": 1e-3})
    (found,) = run.verifications

    assert found == run.verification_of(make_cell("tf-fit", batch_size=4096, width=7, threads=3))
    assert found == run.verification_of(make_cell("tf-fit", side=AGAIN))


@pytest.mark.parametrize("other", [{"workload": "regression"}, {"device": "gpu"}, {"side": "B"}, {"loop": "tf-eager"}])
def test_a_check_says_nothing_of_another_loop_workload_device_or_side(make_run, make_cell, other):
    """Each is checked on its own."""
    run = make_run(steps={"tf-fit": 1e-3})

    assert run.verification_of(make_cell(**{"loop": "tf-fit"} | other)) is None


@pytest.mark.parametrize("other", [{"workload": "regression"}, {"track": "guide"}, {"batch_size": 1}, {"width": 7}])
def test_a_curve_is_that_of_one_workload_track_batch_size_and_width(make_run, make_cell, other):
    """The reference learns otherwise on each."""
    curve = Expectation(
        workload="mnist-mlp", track="matched", batch_size=32, higher_is_better=True, steps=(1,), metrics=(0.5,)
    )
    run = replace(make_run(), expectations=(curve,))

    assert (curve, None) == (run.expectation_of(make_cell()), run.expectation_of(make_cell(**other)))


def test_trials_of_a_cell_come_in_the_order_of_rounds(make_run, make_cell):
    """Whatever the order in which they were stored."""
    run = make_run(steps={"tf-fit": 1e-3, "tf-eager": 1e-3}, rounds=3)

    found = replace(run, trials=tuple(reversed(run.trials))).trials_of(make_cell("tf-fit"))

    assert [("tf-fit", 0), ("tf-fit", 1), ("tf-fit", 2)] == [(trial.cell.loop, trial.round) for trial in found]
