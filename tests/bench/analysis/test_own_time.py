"""What a step costs: everything that the loop spent, nothing that the machine took, ends of epochs in proportion."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis import own_time
from bench.records.trial import Block, BlockKind


def block(seconds, *, steps=10, **fields):
    """Return a measured block."""
    made = {"cpu_seconds": seconds, "involuntary_switches": 0, "waited_seconds": 0.0} | fields
    return Block(kind=BlockKind.MEASURED, steps=steps, seconds=seconds, started=0.0, **made)


@pytest.fixture
def make(make_trial, make_cell):
    """Return a function: a trial of these measured blocks and nothing before them."""

    def make(blocks, *, steps_per_epoch=None):
        return replace(make_trial(make_cell()), blocks=tuple(blocks), steps_per_epoch=steps_per_epoch)

    return make


def paid(trial):
    """Return what a step of all its blocks costs."""
    return own_time.paid_step_seconds(trial, trial.blocks)


@given(st.lists(st.tuples(st.floats(1e-4, 1.0), st.integers(1, 1000)), min_size=1, max_size=30))
def test_without_epochs_it_is_total_time_over_total_steps(parts):
    """However unlike its blocks are."""
    blocks = [block(seconds, steps=steps) for seconds, steps in parts]
    total, steps = sum(seconds for seconds, _ in parts), sum(steps for _, steps in parts)

    assert own_time.paid_step_seconds(_Alone(tuple(blocks)), blocks) == pytest.approx(total / steps)


class _Alone:
    """As much of a trial as is asked for."""

    def __init__(self, blocks):
        self.blocks, self.steps_per_epoch = blocks, None


@pytest.mark.parametrize("measured", [11, 14, 18, 25])
def test_an_epochs_end_counts_once_per_epoch_however_many_were_met(make, measured):
    """A millisecond a step, and 30 ms at each end of a hundred steps: 1.3 ms, over 110 steps as over 250."""
    ends = {number for number in range(measured) if (number + 1) % 10 == 0}
    blocks = [block(0.040 if number in ends else 0.010) for number in range(measured)]

    assert paid(make(blocks, steps_per_epoch=100)) == pytest.approx(1.3e-3)


def test_what_blocks_without_an_end_differ_by_is_known_of_its_cost(make):
    """Ten blocks 1 ms above and below, and one with an end of 30 ms: known within 1 ms."""
    blocks = [*(block(0.010 + 0.001 * (-1) ** number) for number in range(10)), block(0.040)]

    found = own_time.parts(make(blocks, steps_per_epoch=110), blocks)

    assert (1, pytest.approx(0.030), pytest.approx(1e-6)) == (found.ends, found.beyond, found.variance)


def test_epochs_shorter_than_a_block_are_all_in_it(make):
    """There is no block without an end, so nothing is taken apart."""
    assert paid(make([block(0.013)] * 8, steps_per_epoch=5)) == pytest.approx(1.3e-3)


def test_an_end_that_costs_nothing_makes_no_step_cheaper(make):
    """Its block was a little quicker than others, by chance."""
    blocks = [block(0.010), block(0.009), block(0.010)]

    assert paid(make(blocks, steps_per_epoch=20)) == pytest.approx(1e-3)


def test_what_the_machine_took_is_left_out_and_what_the_loop_spent_is_not(make):
    """Both are slow; in one, threads were ready and had no processor."""
    taken = block(0.050, cpu_seconds=0.008, waited_seconds=0.042, involuntary_switches=9)
    spent = block(0.050, cpu_seconds=0.0, involuntary_switches=9)

    assert paid(make([block(0.010)] * 3 + [taken])) == pytest.approx(1e-3)
    assert paid(make([block(0.010)] * 3 + [spent])) == pytest.approx(2e-3)


def test_where_all_was_taken_all_is_counted(make):
    """There is nothing else; whoever judges asks about starvation first."""
    taken = block(0.050, cpu_seconds=0.008, waited_seconds=0.042, involuntary_switches=9)

    assert paid(make([taken, taken])) == pytest.approx(5e-3)


def test_ends_are_counted_from_the_first_step_of_the_process(make):
    """Warm-up included; a block may hold several."""
    trial = make([block(0.01, steps=7), block(0.01, steps=7), block(0.01, steps=16)], steps_per_epoch=10)

    assert {1: 1, 2: 2} == own_time.ends_of_epochs(trial)
    assert {} == own_time.ends_of_epochs(replace(trial, steps_per_epoch=None))
