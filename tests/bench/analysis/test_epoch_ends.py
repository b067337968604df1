"""Ends of epochs that only some processes met: their cost is every process's, and intervals know how few there were."""

from dataclasses import replace
from math import log
from random import Random
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.analysis import epoch_ends
from bench.analysis.intervals import geometric_mean_interval
from bench.analysis.process import trial_step_seconds
from bench.records.trial import Block, BlockKind

EPOCH = 1000
STEPS = 10
"""Of a block."""


@pytest.fixture
def make(make_trial, make_cell):
    """Return a function: round, seconds of a step and of the ends that it met -> a process of twelve blocks."""

    def make(number, *, step=1e-3, ends=(), steps_per_epoch=EPOCH):
        # A warm-up that leads to just before the end of an epoch, or to its beginning.
        blocks = [_block(step * EPOCH, kind=BlockKind.WARM_UP, steps=EPOCH - STEPS * bool(ends))]
        blocks += [_block(STEPS * step) for _ in range(12)]
        for place, cost in enumerate(ends):
            assert place == 0  # the next one is further away than this process trains
            blocks[1] = _block(STEPS * step + cost)
        return replace(make_trial(make_cell(), round=number), blocks=tuple(blocks), steps_per_epoch=steps_per_epoch)

    return make


def _block(seconds, *, kind=BlockKind.MEASURED, steps=STEPS):
    """Return a block that nobody disturbed."""
    return Block(
        kind=kind, steps=steps, seconds=seconds, started=0.0, cpu_seconds=seconds, involuntary_switches=0,
        waited_seconds=0.0,
    )  # fmt: skip


def alone(trials):
    """Return what each process counts by itself."""
    return {trial.round: trial_step_seconds(trial) for trial in trials}


def test_what_one_process_met_every_process_pays(make):
    """A millisecond a step and three seconds at the end of a thousand steps are four milliseconds, for all of them."""
    trials = [make(0, ends=[3.0]), *(make(number) for number in range(1, 6))]

    assert [4e-3, *[1e-3] * 5] == [pytest.approx(seconds) for seconds in alone(trials).values()]
    assert [pytest.approx(4e-3)] * 6 == list(epoch_ends.with_ends(trials, alone(trials)).values())


def test_ends_are_counted_with_the_processes_that_met_one(make):
    """While they were measured; those of a warm-up are not known."""
    trials = [make(0, ends=[0.1]), make(1, ends=[0.2]), make(2)]

    assert (2, 2) == epoch_ends.ends_met(trials)
    assert (0, 0) == epoch_ends.ends_met([make(0), make(1, steps_per_epoch=None)])


@pytest.mark.parametrize(
    "ends", [[(), (), ()], [(0.5,), (0.5,), (2.0,)]], ids=["no process met one", "each process met one"]
)
def test_where_processes_are_alike_each_counts_its_own(make, ends):
    """There is nothing to share: what they differ by is what the loop does."""
    trials = [make(number, ends=met) for number, met in enumerate(ends)]

    assert alone(trials) == epoch_ends.with_ends(trials, alone(trials)) == epoch_ends.evidence(trials, alone(trials))


def test_evidence_is_what_is_counted_where_all_ends_cost_the_same(make):
    """Leaving one out changes nothing of what is known of them."""
    steps = [1.0e-3, 1.1e-3, 0.9e-3, 1.2e-3]
    trials = [make(number, step=step, ends=[0.5] * (number < 2)) for number, step in enumerate(steps)]

    counted = epoch_ends.with_ends(trials, alone(trials))

    assert {number: pytest.approx(step + 0.5e-3) for number, step in enumerate(steps)} == counted
    assert {number: pytest.approx(seconds) for number, seconds in counted.items()} == epoch_ends.evidence(
        trials, alone(trials)
    )


def test_evidence_has_the_mean_of_what_is_counted_and_knows_that_one_end_is_few(make):
    """Six processes that agree to the last digit, but for an end that one of them met: who knows what others take."""
    trials = [make(0, ends=[3.0]), *(make(number) for number in range(1, 6))]

    evidence = epoch_ends.evidence(trials, alone(trials))
    interval = geometric_mean_interval(list(evidence.values()))

    assert log(4e-3) == pytest.approx(fmean(map(log, evidence.values())))
    assert interval.low < 1e-3
    assert interval.high > 16e-3


@pytest.fixture
def make_turns(make_trial, make_cell):
    """Return a function: round and seconds of each run-in -> a process of turns, an end of an epoch in the last one."""

    def make(number, run_ins, *, measured=0.010, **taken):
        blocks = []
        for seconds in run_ins:
            last = len(blocks) == 3 * (len(run_ins) - 1)
            blocks += [_block(seconds, kind=BlockKind.RUN_IN), _block(measured), _block(measured)]
            blocks[-3] = replace(blocks[-3], **(taken if last else {}))
        return replace(make_trial(make_cell(), round=number), blocks=tuple(blocks), steps_per_epoch=EPOCH // 10)

    return make


def test_an_end_in_a_run_in_counts_beyond_what_other_run_ins_take(make_turns):
    """Steps after a pause are twice as slow, which is no part of the end: 30 ms in a hundred steps, in each process."""
    trials = [make_turns(0, [0.020, 0.020, 0.020, 0.050]), make_turns(1, [0.020, 0.020])]

    assert [pytest.approx(1.0e-3)] * 2 == list(alone(trials).values())
    assert [pytest.approx(1.3e-3)] * 2 == list(epoch_ends.with_ends(trials, alone(trials)).values())


def test_the_only_process_of_a_cell_counts_the_end_of_its_run_in_and_has_nothing_to_be_left_out(make_turns):
    """As with `--rounds 1`."""
    trials = [make_turns(0, [0.020, 0.020, 0.020, 0.050])]

    counted = epoch_ends.with_ends(trials, alone(trials))

    assert {0: pytest.approx(1.3e-3)} == counted
    assert counted == epoch_ends.evidence(trials, alone(trials))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(met=st.lists(st.sampled_from([None, 0, 1]), min_size=1, max_size=5), costs=st.lists(st.floats(0, 3), min_size=5))
def test_whatever_processes_met_each_has_a_time_and_all_have_one_mean(make_turns, met, costs):
    """One or many; an end in no block, in a run-in or in a measured one; cheap or dear."""
    trials = []
    for number, (place, cost) in enumerate(zip(met, costs, strict=False)):
        trial = make_turns(number, [0.020, 0.021, 0.019, 0.022][: 2 if place is None else 4])
        blocks = list(trial.blocks)
        if place is not None:
            del blocks[:place]  # the hundredth step is in the tenth block
            blocks[9] = replace(blocks[9], seconds=blocks[9].seconds + cost)
        trials.append(replace(trial, blocks=tuple(blocks)))

    counted = epoch_ends.with_ends(trials, alone(trials))
    evidence = epoch_ends.evidence(trials, alone(trials))

    assert set(range(len(met))) == counted.keys() == evidence.keys()
    assert all(seconds > 0 for seconds in counted.values())
    assert fmean(map(log, evidence.values())) == pytest.approx(fmean(map(log, counted.values())), abs=1e-9)


def test_a_run_in_that_the_machine_took_tells_nothing_of_its_end(make_turns):
    """Its time may be another program's."""
    taken = {"waited_seconds": 0.03, "involuntary_switches": 9, "cpu_seconds": 0.02}
    trials = [make_turns(0, [0.020, 0.020, 0.020, 0.050], **taken), make_turns(1, [0.020, 0.020])]

    assert alone(trials) == epoch_ends.with_ends(trials, alone(trials))


def test_an_end_that_costs_no_more_than_blocks_differ_by_is_not_shared(make_turns):
    """Run-ins of 15 to 25 ms and one of 28 ms with an end: that is noise, and would be the noise of every process."""
    trials = [make_turns(0, [0.015, 0.025, 0.020, 0.028]), make_turns(1, [0.020, 0.020])]

    assert alone(trials) == epoch_ends.with_ends(trials, alone(trials)) == epoch_ends.evidence(trials, alone(trials))


def test_a_process_that_is_left_out_keeps_its_ends_to_itself(make):
    """It starved, or its loop was measured without it."""
    trials = [make(0, ends=[3.0]), make(1), make(2)]
    steps = {number: seconds for number, seconds in alone(trials).items() if number}

    assert steps == epoch_ends.with_ends(trials, steps)


def test_intervals_hold_the_cost_of_an_end_that_differs_from_end_to_end(make):
    """In nine of ten of 400 simulated runs at least: ends of 2 to 4 s, met by half of eight processes, 95 % intervals.

    Taken over what each process counts, they would hold it in one of twenty: that the mean of the ends is common to
    all is not in their spread.
    """
    random, held, held_without = Random(1), 0, 0
    truth = 1e-3 + 3.0 / EPOCH
    for _ in range(400):
        trials = [
            make(number, step=random.gauss(1e-3, 2e-5), ends=[random.uniform(2.0, 4.0)] * (number < 4))
            for number in range(8)
        ]
        for count, steps in enumerate((epoch_ends.evidence, epoch_ends.with_ends)):
            interval = geometric_mean_interval(list(steps(trials, alone(trials)).values()))
            inside = interval.low <= truth <= interval.high
            held, held_without = (held + inside, held_without) if count == 0 else (held, held_without + inside)

    assert held >= 360
    assert held_without < 40
