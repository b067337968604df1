"""When a process is warm, and how many steps and blocks are measured: arithmetic on steps that were timed."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.worker import sizing
from bench.worker.messages import TrialRequest

TIMES = st.floats(1e-6, 30.0)
CALLS = st.integers(1, 500)


def request(*, steps=None, blocks=24, block_seconds=0.04, run_in_seconds=0.06, blocks_per_turn=4):
    """Return a request of which only the sizes matter."""
    return TrialRequest(
        loop="numpy",
        workload="mnist-mlp",
        backend="numpy",
        track="matched",
        device="cpu",
        batch_size=32,
        threads=None,
        seed=0,
        digits="",
        blocks=blocks,
        block_seconds=block_seconds,
        run_in_seconds=run_in_seconds,
        blocks_per_turn=blocks_per_turn,
        steps=steps,
    )


@pytest.mark.parametrize(
    ("steps", "seconds", "warm"),
    [
        (20, 0.3, True),
        (19, 0.3, False),
        (20, 0.29, False),
        (3, 3.0, True),
        (2, 60.0, False),
        (10_000, 0.1, False),
    ],
)
def test_a_process_is_warm_after_enough_steps_and_enough_time(steps, seconds, warm):
    """Compilers come back within the first steps, caches settle with time; slow steps are not waited for as long."""
    assert warm is sizing.is_warm(steps=steps, seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "steps_per_call", "expected"), [(0.1, 1, 10), (0.1, 4, 8), (0.001, 1, 1), (0.001, 50, 50)]
)
def test_steps_within_a_time_are_whole_calls_and_at_least_one(make_block, seconds, steps_per_call, expected):
    """Steps of 10 ms."""
    block = make_block(steps=3, seconds=0.03)

    found = sizing.steps_within(seconds, block=block, loop=SimpleNamespace(steps_per_call=steps_per_call))

    assert expected == found


@given(TIMES, CALLS)
def test_a_block_is_about_as_long_as_was_asked_for_and_made_of_whole_calls(step_seconds, steps_per_call):
    """Within half a call of it, and never empty."""
    steps = sizing.steps_per_block(request(), step_seconds=step_seconds, steps_per_call=steps_per_call)

    assert 0 == steps % steps_per_call
    assert steps >= steps_per_call
    assert steps == steps_per_call or abs(steps * step_seconds - 0.04) <= 0.51 * steps_per_call * step_seconds


@given(st.integers(1, 100_000), TIMES, CALLS)
def test_steps_that_the_user_fixed_are_all_measured(steps, step_seconds, steps_per_call):
    """In no more blocks than there are, with no more than one call too many in the last of them."""
    asked = request(steps=steps)
    size = sizing.steps_per_block(asked, step_seconds=step_seconds, steps_per_call=steps_per_call)
    blocks = sizing.measured_blocks(asked, steps=size, step_seconds=step_seconds)

    assert 1 <= blocks <= asked.blocks
    assert blocks * size >= steps
    assert (blocks - 1) * size < steps


def test_few_steps_make_ten_blocks_rather_than_one_long_one():
    """Some may be disturbed."""
    asked = request(steps=20)

    assert 2 == sizing.steps_per_block(asked, step_seconds=1e-6, steps_per_call=1)


@pytest.mark.parametrize(("step_seconds", "expected"), [(0.04, 24), (0.08, 12), (3.0, 10), (6.0, 5), (28.0, 3)])
def test_slow_steps_are_measured_in_fewer_blocks_but_ten_or_half_a_minute_of_them(step_seconds, expected):
    """As many as fit into the time that was meant for all; three of those that take very long."""
    assert expected == sizing.measured_blocks(request(), steps=1, step_seconds=step_seconds)


@pytest.mark.parametrize(
    ("step_seconds", "steps_per_call", "expected"),
    [(0.001, 1, 60), (0.001, 32, 64), (0.05, 1, 1), (0.13, 1, 0), (0.001, 500, 0)],
)
def test_a_process_trains_for_a_while_before_each_turn(step_seconds, steps_per_call, expected):
    """In whole calls; not at all where one would take twice as long as is meant."""
    assert expected == sizing.run_in_steps(request(), step_seconds=step_seconds, steps_per_call=steps_per_call)


def test_nothing_is_trained_before_a_turn_where_nobody_asks_for_it():
    """A breakdown, and runs of earlier versions that go on."""
    assert 0 == sizing.run_in_steps(request(run_in_seconds=0.0), step_seconds=1e-4, steps_per_call=1)


def test_no_more_blocks_are_measured_than_were_asked_for():
    """Where that is fewer than ten."""
    assert 2 == sizing.measured_blocks(request(blocks=2), steps=1, step_seconds=10.0)


@pytest.mark.parametrize(("step_seconds", "expected"), [(1e-6, 4), (0.04, 4), (0.3, 3), (0.6, 1), (28.0, 1)])
def test_a_turn_has_fewer_blocks_where_they_are_long(step_seconds, expected):
    """The others wait meanwhile."""
    assert expected == sizing.blocks_per_turn(request(), steps=1, step_seconds=step_seconds)


def test_each_block_has_a_turn_of_its_own_where_nobody_asks_for_more():
    """As in runs of earlier versions that go on."""
    assert 1 == sizing.blocks_per_turn(request(blocks_per_turn=1), steps=1, step_seconds=0.04)
